"""Named, complete retrieval configurations."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from knm.datastore import Datastore
from knm.errors import UserError
from knm.retrieval.searchers import AUTO
from knm.retrieval.weights import WEIGHTS, Weight


@dataclass(frozen=True)
class Preset:
    """How to search, how much the result counts and how it is shaped.

    Exactly one of `temperature` (squared L2) and `temperature_scale` (in units of the datastore's
    median nearest distance at mistakes) is set. `weight` is lambda, or its base where the weight
    kind varies it; `gate` the weight below which nothing is searched.
    `key_kind` refuses datastores of another kind; None takes whatever the datastore holds.

    Raises:
        UserError: a value out of range; the message names the option that sets it.
    """

    name: str
    weight: float
    weight_kind: str = "static"
    gate: float = 0.0
    temperature: float | None = None
    temperature_scale: float | None = None
    k: int = 16
    key_kind: str | None = None
    searcher: str = AUTO

    def __post_init__(self) -> None:
        assert (self.temperature is None) != (self.temperature_scale is None)
        assert self.weight_kind in WEIGHTS
        if self.k < 1:
            raise UserError(f"--knn-k {self.k}: must be at least 1 neighbour")
        if not 0 <= self.weight <= 1:
            raise UserError(f"--knn-lambda {self.weight}: must be from 0 to 1")
        scale = self.temperature if self.temperature_scale is None else self.temperature_scale
        if scale is None or not 0 < scale < math.inf:
            raise UserError(f"--knn-temperature {scale}: must be a number above 0")
        if not 0 <= self.gate <= 1:
            raise UserError(f"--knn-gate {self.gate}: must be from 0 to 1")
        if self.gate and not WEIGHTS[self.weight_kind].gated:
            raise UserError(
                f"--knn-gate {self.gate}: preset {self.name!r} has a {self.weight_kind} weight, "
                "which no gate can skip: leave the option out, or choose a preset with another "
                "weight (v2, v3)"
            )

    def build_weight(self) -> Weight:
        """The weight that this preset describes."""
        return WEIGHTS[self.weight_kind].build(self.weight, self.gate)

    def temperature_for(self, datastore: Datastore) -> float:
        """The temperature over `datastore`, in squared L2.

        Raises:
            UserError: it depends on a calibration that the datastore has not got.
        """
        if self.temperature is not None:
            return self.temperature
        calibration = datastore.manifest.calibration
        median = None if calibration is None else calibration.mistake_distance_median
        if not median or self.temperature_scale is None:
            raise UserError(
                f"{datastore.path}: too small to have measured distances at mistakes, which preset "
                f"{self.name!r} takes its temperature from: set --knn-temperature"
            )
        return self.temperature_scale * median


DEFAULT_PRESET: Final = "dense"
PRESETS: Final[Mapping[str, Preset]] = {
    preset.name: preset
    for preset in (
        Preset("v1", weight=0.25, temperature=1.0),
        Preset("v2", weight=0.25, weight_kind="confidence", temperature=100.0),
        Preset("v3", weight=0.25, weight_kind="confidence", temperature=100.0, gate=0.01),
        # For datastores of all positions: a vote that can overrule a confident LM, and neighbours
        # that say when not to.
        Preset(DEFAULT_PRESET, weight=0.75, temperature_scale=0.1),
    )
}


def resolve_preset(
    name: str = DEFAULT_PRESET,
    *,
    k: int | None = None,
    weight: float | None = None,
    temperature: float | None = None,
    gate: float | None = None,
) -> Preset:
    """The preset `name` with what the user sets otherwise.

    Raises:
        UserError: unknown name, or a value out of range.
    """
    if name not in PRESETS:
        raise UserError(f"--knn-preset {name}: unknown; choose one of {', '.join(PRESETS)}")
    preset = PRESETS[name]
    if temperature is not None:
        preset = replace(preset, temperature=temperature, temperature_scale=None)
    return replace(
        preset,
        k=preset.k if k is None else k,
        weight=preset.weight if weight is None else weight,
        gate=preset.gate if gate is None else gate,
    )
