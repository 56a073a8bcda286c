"""How much the datastore counts at one decoding step.

A preset's lambda, `lmbda` because Python reserves the word, is the interpolation parameter of
kNN-LM (Khandelwal et al., 2020). A kind of weight makes of it what a row gets, at most as much.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Final, Protocol

import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.calibration import error_rate
from knm.datastore.manifest import Reliability
from knm.errors import UserError, named
from knm.retrieval.adaptor import Adaptor, AdaptorNetwork, load_adaptor
from knm.retrieval.context import DecodingContext
from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.outcomes import OUTCOME_PARAMETERS, OutcomeWeight
from knm.retrieval.parameters import Parameter, WeightSettings


class Weight(Protocol):
    """The share of the kNN distribution, row by row."""

    @property
    def window(self) -> int:
        """How many tokens of the completion it looks back on: the windows of its context."""
        ...

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """Which rows need a search: a mask (B,), or None for every row."""
        ...

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weights (B,) float32 in [0, 1]; 0 leaves a row to the LM.

        `context` is there wherever `window` is above 0, and whenever the preset asks for it
        otherwise.
        """
        ...


class _JudgesByNeighbours:
    """A weight that cannot tell before the search which rows need one; at most `lmbda`."""

    lmbda: float

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """Every row, or none at weight 0."""
        return None if self.lmbda > 0 else torch.zeros_like(lm.token, dtype=torch.bool)


@dataclass(frozen=True)
class StaticWeight(_JudgesByNeighbours):
    """The same weight everywhere."""

    lmbda: float
    window: ClassVar[int] = 0

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """`lmbda` for each row."""
        del neighbours, context
        return torch.full_like(lm.top, self.lmbda)


@dataclass(frozen=True)
class ConfidenceWeight:
    """`lmbda * (1 - max p_LM)`, and 0 where that is below `gate`."""

    lmbda: float
    gate: float = 0.0
    window: ClassVar[int] = 0

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """The rows at or above the gate."""
        if self.gate == 0 and self.lmbda > 0:
            return None
        return self._gated(lm) > 0

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weight of each row."""
        del neighbours, context
        return self._gated(lm)

    def _gated(self, lm: LMOutput) -> Tensor:
        # In float64: torch rounds a transcendental function by its place in the tensor, and a row
        # must not depend on its place.
        weight = (-self.lmbda * torch.expm1(lm.log_confidence)).float()
        return weight.masked_fill(weight < self.gate, 0.0)


@dataclass(frozen=True)
class BayesWeight(_JudgesByNeighbours):
    """`lmbda * (B_knn + W * prior) / (B_knn + B_lm + W)`: kNM-LM (Tang et al., ASE 2023).

    B_x counts those of the last W = `window` tokens of the completion that only x foresaw, the LM's
    likeliest token or the neighbours'. The prompt does not count: nobody predicted it here.
    """

    lmbda: float
    prior: float
    window: int

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weight of each row."""
        del lm, neighbours
        assert context is not None
        lm_wins, knn_wins = context.only_lm.sum(1).double(), context.only_knn.sum(1).double()
        belief = (knn_wins + self.window * self.prior) / (knn_wins + lm_wins + self.window)
        return (self.lmbda * belief).float()


@dataclass(frozen=True)
class DistanceWeight(_JudgesByNeighbours):
    """`lmbda * (1 - sigmoid((nearest / farthest - alpha) / tau))` of a row's neighbours.

    The relative retrieval confidence of NEST (Li et al., NeurIPS 2024, eq. 4), over squared L2
    distances as there: the farther the nearest of k neighbours stands out, the more they count.
    One neighbour alone never does. Neighbours that all are the query itself count as standing out.
    """

    lmbda: float
    alpha: float
    tau: float
    window: ClassVar[int] = 0

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weight of each row; 0 where nothing was found, NaN where a distance is."""
        del lm, context
        found = neighbours.ids >= 0
        distances = neighbours.distances.double()
        farthest = distances.masked_fill(~found, 0.0).amax(1)
        ratio = (distances[:, 0] / farthest).masked_fill(farthest == 0, 0.0)
        # In float64: torch rounds exp by an element's place in the tensor.
        confidence = torch.sigmoid((self.alpha - ratio) / self.tau)
        return (self.lmbda * confidence).float().masked_fill(~found.any(1), 0.0)


@dataclass(frozen=True)
class CalibratedWeight(_JudgesByNeighbours):
    """`lmbda` where the nearest neighbour is within `distance` (squared L2), 0 beyond."""

    lmbda: float
    distance: float
    window: ClassVar[int] = 0

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weight of each row."""
        del context
        beyond = neighbours.distances[:, 0] > self.distance
        return torch.full_like(lm.top, self.lmbda).masked_fill(beyond, 0.0)


class LearnedWeight(_JudgesByNeighbours):
    """`lmbda` times what the datastore's adaptor says of a row's evidence."""

    window: ClassVar[int] = 0

    def __init__(self, lmbda: float, adaptor: Adaptor) -> None:
        self.lmbda, self._adaptor = lmbda, adaptor
        self._network: AdaptorNetwork | None = None

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """The weight of each row; 0 where nothing was found."""
        del context
        if self._network is None:  # on the device that the first step is on
            self._network = AdaptorNetwork(self._adaptor, lm.token.device)
        weight = self.lmbda * self._network.weight(lm.log_confidence, lm.token, neighbours)
        return weight.float().masked_fill(~(neighbours.ids >= 0).any(1), 0.0)


@dataclass(frozen=True)
class WeightKind:
    """How a preset becomes a weight over a datastore.

    `parameters` are those that `Preset.weight_options` may set; `gated` says whether the weight
    knows before the search that it is below `Preset.gate`, `needs_temperature` whether the settings
    that it is built from have to tell the temperature.
    """

    build: Callable[[WeightSettings, Datastore], Weight]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    gated: bool = False
    needs_temperature: bool = False


def _bayes(settings: WeightSettings, datastore: Datastore) -> Weight:
    prior = settings.options["prior"]
    return BayesWeight(
        settings.lmbda,
        error_rate(datastore) if prior is None else prior,
        settings.options["window"],
    )


def _bound(settings: WeightSettings, datastore: Datastore) -> Reliability:
    """How far `datastore` may be trusted.

    Raises:
        UserError: nobody could measure it.
    """
    calibration = datastore.manifest.calibration
    reliability = None if calibration is None else calibration.reliability
    if reliability is None:
        raise UserError(
            f"{datastore.path}: how far it can be trusted, which preset {settings.preset!r} goes "
            "by, could not be measured: that takes entries where the LM was wrong and entries "
            f"where it was right; mine with {named('positions')} all, or choose another preset (v1)"
        )
    return reliability


def _calibrated(settings: WeightSettings, datastore: Datastore) -> Weight:
    if settings.lmbda == 0:
        return StaticWeight(0.0)  # which takes no trust
    reliability = _bound(settings, datastore)
    return CalibratedWeight(
        min(settings.lmbda, reliability.weight),
        reliability.distance * settings.options["reach"],
    )


def _learned(settings: WeightSettings, datastore: Datastore) -> Weight:
    if settings.lmbda == 0:
        return StaticWeight(0.0)  # which takes no adaptor
    adaptor = load_adaptor(datastore)
    if adaptor is None:
        raise UserError(
            f"{datastore.path}: has no adaptor, which preset {settings.preset!r} asks for its "
            f"weights: train one with `knm calibrate {datastore.path}`"
        )
    return LearnedWeight(min(settings.lmbda, _bound(settings, datastore).weight), adaptor)


OUTCOME: Final = "outcome"
WEIGHTS: Final[Mapping[str, WeightKind]] = {
    "static": WeightKind(lambda settings, _: StaticWeight(settings.lmbda)),
    "confidence": WeightKind(
        lambda settings, _: ConfidenceWeight(settings.lmbda, settings.gate), gated=True
    ),
    "bayes": WeightKind(
        _bayes,
        parameters={
            "window": Parameter(32, 1, 4096, whole=True),
            "prior": Parameter(None, 0.0, 1.0),
        },
    ),
    "distance": WeightKind(
        lambda settings, _: DistanceWeight(settings.lmbda, **settings.options),
        parameters={"alpha": Parameter(0.3, 0.0, 1.0), "tau": Parameter(0.1, 1e-6, 1e6)},
    ),
    "learned": WeightKind(_learned),
    OUTCOME: WeightKind(OutcomeWeight.of, parameters=OUTCOME_PARAMETERS, needs_temperature=True),
    "calibrated": WeightKind(_calibrated, parameters={"reach": Parameter(1.0, 0.0, 1e6)}),
}
