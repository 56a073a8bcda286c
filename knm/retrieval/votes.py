"""What neighbours say of the next token, before anyone asks the LM."""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from knm.retrieval.neighbours import Neighbours

NO_TOKEN = -1


@dataclass(frozen=True)
class Votes:
    """p_kNN = softmax(-distance / temperature) over the neighbours, summed per token.

    `found` (B, k) tells real neighbours; `shares` (B, k) float64 are what each has of its row's
    vote. Rows without a neighbour have shares of NaN; so have rows with a NaN distance.
    """

    tokens: Tensor
    found: Tensor
    shares: Tensor

    @classmethod
    def count(cls, neighbours: Neighbours, temperature: float) -> "Votes":
        """Count the votes of B rows, each by itself."""
        # In float64: torch rounds exp and log by an element's place in the tensor, and a row must
        # come out the same wherever it stands.
        found = neighbours.ids >= 0
        closeness = -neighbours.distances.double() / temperature
        shares = closeness.masked_fill(~found, -torch.inf).softmax(1)
        return cls(neighbours.values, found, shares)

    @cached_property
    def log_sums(self) -> Tensor:
        """The logarithm of what each neighbour's token gets in all, (B, k) float64."""
        return self.shares_of(self.tokens).log()

    @property
    def usable(self) -> Tensor:
        """The rows (B,) that have neighbours, all at a distance that is a number."""
        return self.found.any(1) & ~self.shares.isnan().any(1)

    def share_of(self, tokens: Tensor) -> Tensor:
        """What the neighbours give to one token of each row, `tokens` (B,): (B,) float64."""
        return self.shares_of(tokens[:, None])[:, 0]

    def shares_of(self, tokens: Tensor) -> Tensor:
        """The same for several tokens of each row, `tokens` (B, m): (B, m) float64."""
        # The sums have a fixed order, which adding into the vocabulary would not have on a GPU.
        meant = (tokens[:, :, None] == self.tokens[:, None, :]) & self.found[:, None, :]
        return (meant * self.shares[:, None, :]).sum(-1)

    @property
    def token(self) -> Tensor:
        """The likeliest tokens (B,) int64, the lowest of equals; `NO_TOKEN` in unusable rows."""
        log_sums = self.log_sums.masked_fill(~self.found, -torch.inf)
        best = log_sums.amax(1, keepdim=True)
        beyond = torch.iinfo(torch.int64).max
        token = self.tokens.masked_fill((log_sums != best) | ~self.found, beyond).amin(1)
        return token.masked_fill(~self.usable, NO_TOKEN)
