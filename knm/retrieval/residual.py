"""Residual fusion: the step that fine-tuning on the neighbours would take in the logits."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import torch
from torch import Tensor

from knm.retrieval.evidence import DenseLogits, LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.searchers import Searcher
from knm.retrieval.tiles import tiles_of
from knm.retrieval.votes import Votes

# Logits of neighbours that are computed by one matrix product on a GPU: bounds their memory.
_AT_ONCE: Final = 1 << 27


class Head(Protocol):
    """An output head: logits (n, V) of hidden states (n, H) in the dtype of its `weight`."""

    @property
    def weight(self) -> Tensor:
        """Its weights, in the dtype and on the device that it computes in."""
        ...

    def __call__(self, hidden: Tensor, /) -> Tensor:
        """Compute the logits."""
        ...


class StoredPredictions:
    """What the LM said where entries were mined, from their keys: the trunk's output."""

    def __init__(self, searcher: Searcher, head: Head) -> None:
        self._searcher = searcher
        self._head = head

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> Tensor:
        """The LM's distributions at entries `ids` (B, n): (B, n, V) float32."""
        keys = self._searcher.keys(ids).to(self._head.weight.dtype).flatten(0, -2)
        if keys.device.type == "cpu":
            # In tiles of one shape: a row must not depend on how many others there are.
            logits = torch.cat([self._head(tile) for tile in tiles_of(keys)])[: len(keys)]
        else:
            logits = self._head(keys)
        # Along the last dimension softmax works row by row: see `LMOutput.read`.
        return logits.float().softmax(-1).view(*ids.shape, -1)


@dataclass(frozen=True)
class ResidualFusion:
    """`logits += weight * eta * sum_i s_i (onehot(y_i) - softmax(z_i))`.

    FT2Ra (Guo et al., ISSTA 2024), one retrieval: s_i is the share of neighbour i in the vote, y_i
    its token and z_i the LM's logits at its key. It takes mass away from what the LM wrongly says
    and gives none where the LM is right. k passes over the vocabulary for each row. Rows with
    weight 0, without a neighbour or with a NaN in weight or distance keep their logits.

    `predictions` gives softmax(z) (B, n, V) float32 of entries (B, n).
    """

    temperature: float
    eta: float
    predictions: Callable[[Tensor], Tensor]

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> DenseLogits:
        """Correct the LM's logits by `weight` (B,)."""
        votes = Votes.count(neighbours, self.temperature)
        shares = votes.shares.float()
        original = lm.logits.float()
        step = torch.zeros_like(original)
        together = 1 if step.device.type == "cpu" else max(1, _AT_ONCE // step.numel())
        # One neighbour after the other: then the sums have the same order on every device.
        for start in range(0, shares.shape[1], together):
            predicted = self.predictions(neighbours.ids[:, start : start + together])
            for place in range(predicted.shape[1]):
                share = shares[:, start + place, None]
                step -= share * predicted[:, place]
                step.scatter_add_(1, votes.tokens[:, start + place, None], share)
        moved = original + (weight * self.eta)[:, None] * step
        usable = votes.usable & (weight > 0)
        logits = torch.where(usable[:, None], moved, original)
        return DenseLogits(logits, torch.where(usable, moved.argmax(1), lm.token))
