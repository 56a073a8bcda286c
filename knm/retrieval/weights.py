"""How much the datastore counts at one decoding step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor

from knm.retrieval.searchers import Neighbours


class Weight(Protocol):
    """The share of the kNN distribution, row by row."""

    def before_search(self, lm_log_probs: Tensor) -> Tensor | None:
        """Which rows of `lm_log_probs` (B, V) need a search: a mask (B,), or None for every row."""
        ...

    def __call__(self, lm_log_probs: Tensor, neighbours: Neighbours) -> Tensor:
        """The weights (B,) float32 in [0, 1]; 0 leaves a row to the LM."""
        ...


@dataclass(frozen=True)
class StaticWeight:
    """The same weight everywhere."""

    value: float

    def before_search(self, lm_log_probs: Tensor) -> Tensor | None:
        """Every row, or none at weight 0."""
        if self.value > 0:
            return None
        return torch.zeros(len(lm_log_probs), dtype=torch.bool, device=lm_log_probs.device)

    def __call__(self, lm_log_probs: Tensor, neighbours: Neighbours) -> Tensor:  # noqa: ARG002
        """`value` for each row."""
        return torch.full((len(lm_log_probs),), self.value, device=lm_log_probs.device)


@dataclass(frozen=True)
class ConfidenceWeight:
    """`base * (1 - max p_LM)`, and 0 where that is below `gate`."""

    base: float
    gate: float = 0.0

    def before_search(self, lm_log_probs: Tensor) -> Tensor | None:
        """The rows at or above the gate."""
        if self.gate == 0 and self.base > 0:
            return None
        return self._gated(lm_log_probs) > 0

    def __call__(self, lm_log_probs: Tensor, neighbours: Neighbours) -> Tensor:  # noqa: ARG002
        """The weight of each row."""
        return self._gated(lm_log_probs)

    def _gated(self, lm_log_probs: Tensor) -> Tensor:
        # In float64: torch rounds a transcendental function by its place in the tensor, and a row
        # must not depend on its place.
        log_confidence = lm_log_probs.amax(1).double().clamp_max(0.0)
        weight = (-self.base * torch.expm1(log_confidence)).float()
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
