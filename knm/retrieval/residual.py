"""Residual fusions: the step that fine-tuning on the neighbours would take in the logits."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from knm.retrieval.evidence import DenseLogits, LMOutput, MovedLogits
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.predictions import AT_ONCE, LikelyTokens
from knm.retrieval.votes import Votes


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
        together = 1 if step.device.type == "cpu" else max(1, AT_ONCE // step.numel())
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


@dataclass(frozen=True)
class SparseResidualFusion:
    """`ResidualFusion` at the tokens that neighbours vote for, and at the LM's own.

    All other logits stay, and of softmax(z_i) the tokens in `likely` count: what is left out is
    small, and a row costs no pass over the vocabulary for each neighbour. At the temperature at
    which a LM's own programs were sampled, softmax(z_i) is what they were drawn from: then the step
    holds only what those that passed have in common, and does not sharpen besides.
    """

    temperature: float
    eta: float
    likely: LikelyTokens

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> MovedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        likely = self.likely(neighbours.ids)
        if lm.logits.device.type == "cuda":
            from knm.retrieval.device_search import take_step

            return take_step(lm, weight, neighbours, likely, self.temperature, self.eta)
        foretold, probability = likely.gather()
        votes = Votes.count(neighbours, self.temperature)
        own = lm.token[:, None]
        tokens = torch.cat([own, torch.where(votes.found, votes.tokens, own)], 1)
        expected = (votes.shares[:, :, None] * probability).flatten(1)
        same = tokens[:, :, None] == foretold.flatten(1)[:, None, :]
        step = votes.shares_of(tokens) - (same * expected[:, None, :]).sum(-1)
        before = lm.logits.gather(1, tokens).float()
        moved = before + ((weight * self.eta).double()[:, None] * step).float()
        usable = votes.usable & (weight > 0)
        return MovedLogits.of(lm, tokens, torch.where(usable[:, None], moved, before), usable)
