"""Judging the LM's next token by what came of others in its place, in trials of whole programs.

A trial wrote one of the LM's next likely tokens instead of its likeliest, at one position of a
program that was then executed. A step is judged by the trials of the same exchange: the same token
of the LM and the same other one.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import ClassVar, Final

import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.trial_calibration import outcome_scores
from knm.errors import UserError
from knm.models.logits import read_next
from knm.retrieval.context import DecodingContext
from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.parameters import Parameter, WeightSettings
from knm.retrieval.votes import NO_TOKEN

CANDIDATES: Final = 2
OUTCOME_PARAMETERS: Final[Mapping[str, Parameter]] = {
    "prior": Parameter(None, 0.0, 1e6),
    "crash_price": Parameter(None, 0.0, 1e6),
    "least_probability": Parameter(None, 0.0, 1.0),
    "threshold": Parameter(None, 0.0, 1e6),
}
"""The numbers of the rule that a preset may set; those left out are the datastore's own."""


@dataclass(frozen=True)
class OutcomeWeight:
    """1 where the trials that were found promise more than `threshold`, else 0.

    `outcomes` and `crashes` (count,) int8 are those of the entries. An infinite threshold leaves
    the LM alone.
    """

    temperature: float
    prior: float
    crash_price: float
    least_probability: float
    threshold: float
    outcomes: Tensor
    crashes: Tensor
    window: ClassVar[int] = 0

    @classmethod
    def of(cls, settings: WeightSettings, datastore: Datastore) -> "OutcomeWeight":
        """The weight over a datastore of trials, by its own policy where the preset is silent.

        Raises:
            UserError: nothing says a number that is needed.
        """
        assert datastore.manifest.trials is not None
        assert settings.temperature is not None
        policy, given = datastore.manifest.trials.policy, settings.options
        stored = {} if policy is None else asdict(policy)
        numbers: dict[str, float] = {**stored, **{n: v for n, v in given.items() if v is not None}}
        if settings.lmbda == 0 or "threshold" not in numbers:
            numbers = {**dict.fromkeys(OUTCOME_PARAMETERS, 0.0), "threshold": math.inf}
        missing = [name for name in OUTCOME_PARAMETERS if name not in numbers]
        if missing:
            raise UserError(
                f"{datastore.path}: it found no policy that is worth it, so preset "
                f"{settings.preset!r} has to set all numbers of its own: {', '.join(missing)} "
                "missing in weight_options"
            )
        # Empty datastores are searched too, and give ids that are masked.
        outcomes, crashes = torch.zeros((2, max(1, len(datastore))), dtype=torch.int8)
        for into, name in ((outcomes, "outcome"), (crashes, "crash")):
            into[: len(datastore)] = torch.from_numpy(datastore.provenance[name].copy())
        return cls(
            temperature=settings.temperature,
            prior=numbers["prior"],
            crash_price=numbers["crash_price"],
            least_probability=numbers["least_probability"],
            threshold=numbers["threshold"],
            outcomes=outcomes,
            crashes=crashes,
        )

    def on(self, device: torch.device | str) -> "OutcomeWeight":
        """The same on a device."""
        return replace(self, outcomes=self.outcomes.to(device), crashes=self.crashes.to(device))

    def candidates(self, lm: LMOutput) -> Tensor:
        """The LM's next likely tokens (B, 2) int64; `NO_TOKEN` for those that are not likely."""
        least = math.log(self.least_probability) if self.least_probability else -math.inf
        tops, tokens = read_next(lm.logits.detach(), lm.token, CANDIDATES)
        likely = (tops.double() - lm.log_sum[:, None] >= least) & tops.isfinite()
        return tokens.masked_fill(~likely, NO_TOKEN)

    def scores(self, neighbours: Neighbours) -> Tensor:
        """What the trials that were found promise, (B,) float64; -inf where there are none."""
        ids = neighbours.ids.clamp_min(0).to(self.outcomes.device)
        return outcome_scores(
            neighbours.distances,
            self.outcomes[ids].to(neighbours.ids.device),
            self.crashes[ids].to(neighbours.ids.device),
            neighbours.ids >= 0,
            temperature=self.temperature,
            prior=self.prior,
            crash_price=self.crash_price,
        )

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """Every row, or none where the LM is left alone."""
        return None if self.threshold < math.inf else torch.zeros_like(lm.token, dtype=torch.bool)

    def __call__(
        self, lm: LMOutput, neighbours: Neighbours, context: DecodingContext | None = None
    ) -> Tensor:
        """1 or 0 of each row."""
        del context
        return (self.scores(neighbours) > self.threshold).to(lm.top.dtype)
