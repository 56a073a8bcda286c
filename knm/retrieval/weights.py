"""How much the datastore counts at one decoding step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor

from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours


class Weight(Protocol):
    """The share of the kNN distribution, row by row."""

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """Which rows need a search: a mask (B,), or None for every row."""
        ...

    def __call__(self, lm: LMOutput, neighbours: Neighbours) -> Tensor:
        """The weights (B,) float32 in [0, 1]; 0 leaves a row to the LM."""
        ...


@dataclass(frozen=True)
class StaticWeight:
    """The same weight everywhere."""

    value: float

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """Every row, or none at weight 0."""
        if self.value > 0:
            return None
        return torch.zeros_like(lm.token, dtype=torch.bool)

    def __call__(self, lm: LMOutput, neighbours: Neighbours) -> Tensor:  # noqa: ARG002
        """`value` for each row."""
        return torch.full_like(lm.top, self.value)


@dataclass(frozen=True)
class ConfidenceWeight:
    """`base * (1 - max p_LM)`, and 0 where that is below `gate`."""

    base: float
    gate: float = 0.0

    def before_search(self, lm: LMOutput) -> Tensor | None:
        """The rows at or above the gate."""
        if self.gate == 0 and self.base > 0:
            return None
        return self._gated(lm) > 0

    def __call__(self, lm: LMOutput, neighbours: Neighbours) -> Tensor:  # noqa: ARG002
        """The weight of each row."""
        return self._gated(lm)

    def _gated(self, lm: LMOutput) -> Tensor:
        # In float64: torch rounds a transcendental function by its place in the tensor, and a row
        # must not depend on its place.
        weight = (-self.base * torch.expm1(lm.log_confidence)).float()
        return weight.masked_fill(weight < self.gate, 0.0)


@dataclass(frozen=True)
class WeightKind:
    """How a preset's numbers become a weight: `build(weight, gate)`, and whether it has a gate."""

    build: Callable[[float, float], Weight]
    gated: bool


WEIGHTS: Final[Mapping[str, WeightKind]] = {
    "static": WeightKind(lambda weight, gate: StaticWeight(weight), gated=False),  # noqa: ARG005
    "confidence": WeightKind(ConfidenceWeight, gated=True),
}
