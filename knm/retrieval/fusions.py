"""How the LM's and the datastore's evidence become one distribution."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from knm.retrieval.searchers import Neighbours


class Fusion(Protocol):
    """Corrects logits, row by row."""

    def __call__(
        self, logits: Tensor, lm_log_probs: Tensor, weight: Tensor, neighbours: Neighbours
    ) -> Tensor:
        """Correct `logits` (B, V), of which `lm_log_probs` is the log-softmax, by `weight` (B,).

        Returns (B, V) float32.
        """
        ...


@dataclass(frozen=True)
class MixtureFusion:
    """`p = (1 - w) p_LM + w p_kNN`, with p_kNN = softmax(-distance / temperature) per token.

    Returns `log p + logsumexp(logits)`, so that a corrected row has the scale of the original. Rows
    with weight 0, without a neighbour or with a NaN in weight or distance keep their logits.
    """

    temperature: float

    def __call__(
        self, logits: Tensor, lm_log_probs: Tensor, weight: Tensor, neighbours: Neighbours
    ) -> Tensor:
        """Correct `logits` (B, V) by `weight` (B,); returns (B, V) float32."""
        original = logits.float()
        # All that is small is in float64: torch rounds exp and log by an element's place in the
        # tensor, and a row must come out the same wherever it stands.
        found = neighbours.ids >= 0  # (B, k)
        closeness = -neighbours.distances.double() / self.temperature
        votes = closeness.masked_fill(~found, -torch.inf).softmax(1)
        # Each neighbour gets the whole vote of its token: the sums have a fixed order, which adding
        # into the vocabulary would not have on a GPU.
        tokens = neighbours.values
        same = (tokens[:, :, None] == tokens[:, None, :]) & found[:, None, :]
        log_knn = (same * votes[:, None, :]).sum(-1).log()

        share = weight.double()[:, None]
        mixed = original + torch.log1p(-share).float()
        # logsumexp(logits), without another pass over the vocabulary
        scale = original.amax(1, keepdim=True).double() - lm_log_probs.amax(1, keepdim=True)
        evidence = share.log() + log_knn + scale
        at_tokens = torch.logaddexp(mixed.gather(1, tokens).double(), evidence).float()
        # Evidence only ever adds; missing neighbours, which all name token 0, must not take away.
        at_tokens = at_tokens.masked_fill(~found, -torch.inf)
        mixed = mixed.scatter_reduce(1, tokens, at_tokens, "amax")

        usable = found.any(1) & ~votes.isnan().any(1) & (weight > 0)
        return torch.where(usable[:, None], mixed, original)
