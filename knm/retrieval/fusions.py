"""How the LM's and the datastore's evidence become one distribution."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from knm.retrieval.evidence import LMOutput, MixedLogits
from knm.retrieval.neighbours import Neighbours


class CorrectedLogits(Protocol):
    """Logits after a fusion; what is not asked for is not computed."""

    @property
    def token(self) -> Tensor:
        """The most likely tokens (B,) int64."""
        ...

    def dense(self) -> Tensor:
        """All logits (B, V) float32."""
        ...


class Fusion(Protocol):
    """Corrects logits, row by row."""

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> CorrectedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        ...


@dataclass(frozen=True)
class MixtureFusion:
    """`p = (1 - w) p_LM + w p_kNN`, with p_kNN = softmax(-distance / temperature) per token.

    Gives `log p + logsumexp(logits)`, so that a corrected row has the scale of the original. Rows
    with weight 0, without a neighbour or with a NaN in weight or distance keep their logits.
    """

    temperature: float

    def __call__(self, lm: LMOutput, weight: Tensor, neighbours: Neighbours) -> MixedLogits:
        """Correct the LM's logits by `weight` (B,)."""
        if lm.logits.device.type == "cuda":
            from knm.retrieval.device_search import mix

            return mix(lm, weight, neighbours, self.temperature)
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
        shift = torch.log1p(-share).float()
        evidence = share.log() + log_knn + lm.log_sum[:, None]
        at_tokens = lm.logits.gather(1, tokens).float() + shift
        at_tokens = torch.logaddexp(at_tokens.double(), evidence).float()
        # Evidence only ever adds; missing neighbours, which all name token 0, take nothing away.
        at_tokens = at_tokens.masked_fill(~found, -torch.inf)
        usable = found.any(1) & ~votes.isnan().any(1) & (weight > 0)
        token = _most_likely(lm, shift[:, 0], tokens, at_tokens)
        token = torch.where(usable, token, lm.token)
        return MixedLogits(lm, shift[:, 0], tokens, at_tokens, usable, token)


def _most_likely(lm: LMOutput, shift: Tensor, tokens: Tensor, at_tokens: Tensor) -> Tensor:
    """The argmax (B,) of mixed logits, without a pass over the vocabulary."""
    best = at_tokens.amax(1)
    # Of several neighbours' tokens with the same logit the lowest, as argmax has it.
    beyond = torch.iinfo(torch.int64).max
    raised = tokens.masked_fill(at_tokens != best[:, None], beyond).amin(1)
    unraised = lm.top + shift
    token = torch.where(best > unraised, raised, lm.token)
    return torch.where(best == unraised, torch.minimum(raised, lm.token), token)
