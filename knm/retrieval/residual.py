"""Residual fusions: the step that fine-tuning on the neighbours would take in the logits."""

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

# Logits of neighbours that are computed by one matrix product: bounds their memory.
_AT_ONCE: Final = 1 << 27
_AT_ONCE_ON_CPU: Final = 1 << 25


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
    """What the LM said where the `entries` of a datastore were mined, from their keys.

    Keys have to be the trunk's output.
    """

    def __init__(self, searcher: Searcher, head: Head, entries: int) -> None:
        self._searcher = searcher
        self._head = head
        self.entries = entries
        self.on_device = searcher.on_device
        self.vocabulary: int = len(head.weight)
        self.device = head.weight.device

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


class LikelyTokens:
    """The `count` tokens that the LM held likeliest at each entry, and their probabilities.

    On a GPU that searches by itself all are read at once, so that a CUDA graph can look them up;
    elsewhere those of an entry when it is first found.
    """

    def __init__(self, predictions: StoredPredictions, count: int) -> None:
        self._predictions = predictions
        entries, vocabulary = predictions.entries, predictions.vocabulary
        device = predictions.device
        count = min(count, vocabulary)
        on_cpu = device.type == "cpu"
        self._together = max(1, (_AT_ONCE_ON_CPU if on_cpu else _AT_ONCE) // vocabulary)
        rows = max(1, entries)  # something that a missing neighbour can name
        self._tokens = torch.zeros((rows, count), dtype=torch.int64, device=device)
        self._shares = torch.zeros((rows, count), device=device)
        self._unread: Tensor | None = torch.arange(rows, device=device) < entries
        if predictions.on_device:
            self._read(torch.arange(entries, device=device))
            self._unread = None

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, n, count) int64 and their probabilities, float32, at entries `ids` (B, n).

        Missing neighbours (id -1) get those of any entry.
        """
        ids = ids.clamp_min(0)
        if self._unread is not None:
            new = torch.unique(ids[self._unread[ids]])
            if len(new):
                self._read(new)
                self._unread[new] = False
        return self._tokens[ids], self._shares[ids]

    def _read(self, entries: Tensor) -> None:
        for some in torch.split(entries, self._together):
            likeliest = self._predictions(some[None])[0].topk(self._tokens.shape[1])
            self._tokens[some], self._shares[some] = likeliest.indices, likeliest.values


@dataclass(frozen=True)
class SparseResidualFusion:
    """`ResidualFusion` at the tokens that neighbours vote for, and at the LM's own.

    All other logits stay, and of softmax(z_i) the tokens in `likely` count: what is left out is
    small, and a row costs no pass over the vocabulary for each neighbour.
    """

    temperature: float
    eta: float
    likely: LikelyTokens

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> DenseLogits:
        """Correct the LM's logits by `weight` (B,)."""
        votes = Votes.count(neighbours, self.temperature)
        own = lm.token[:, None]
        tokens = torch.cat([own, torch.where(votes.found, votes.tokens, own)], 1)
        foretold, probability = self.likely(neighbours.ids)
        expected = (votes.shares[:, :, None] * probability).flatten(1)
        same = tokens[:, :, None] == foretold.flatten(1)[:, None, :]
        step = votes.shares_of(tokens) - (same * expected[:, None, :]).sum(-1)
        original = lm.logits.float()
        before = original.gather(1, tokens)
        moved = before + ((weight * self.eta).double()[:, None] * step).float()
        usable = (votes.usable & (weight > 0))[:, None]
        # Places that name the same token have the same step, so that any of them may be written.
        logits = original.scatter(1, tokens, torch.where(usable, moved, before))
        return DenseLogits(logits, torch.where(usable[:, 0], logits.argmax(1), lm.token))
