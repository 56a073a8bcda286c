"""What a search finds, and what the LM said there."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Neighbours:
    """The k nearest entries of each row, nearest first.

    `distances` (B, k) float32 squared L2, `ids` (B, k) int64 and `values` (B, k) int64 token ids.
    A missing neighbour has distance inf, id -1, value 0.
    """

    distances: Tensor
    ids: Tensor
    values: Tensor

    @classmethod
    def none(cls, rows: int, k: int, device: torch.device) -> "Neighbours":
        """`rows` rows for which nothing was found."""
        return cls(
            distances=torch.full((rows, k), torch.inf, device=device),
            ids=torch.full((rows, k), -1, dtype=torch.int64, device=device),
            values=torch.zeros((rows, k), dtype=torch.int64, device=device),
        )

    def spread(self, rows: Tensor, total: int) -> "Neighbours":
        """Put row i at place `rows[i]` of `total`; the other places get nothing."""
        wide = Neighbours.none(total, self.ids.shape[1], self.ids.device)
        wide.distances[rows] = self.distances
        wide.ids[rows] = self.ids
        wide.values[rows] = self.values
        return wide

    def without(self, left_out: Tensor) -> "Neighbours":
        """Forget those that the mask (B, k) names; the others close up, in their order."""
        distances = self.distances.masked_fill(left_out, torch.inf)
        order = torch.argsort(distances, dim=1, stable=True)
        return Neighbours(
            distances.gather(1, order),
            self.ids.masked_fill(left_out, -1).gather(1, order),
            self.values.masked_fill(left_out, 0).gather(1, order),
        )

    def halves(self) -> tuple["Neighbours", "Neighbours"]:
        """The first half of the rows, and the second."""
        parts = [part.chunk(2) for part in (self.distances, self.ids, self.values)]
        return Neighbours(*(part[0] for part in parts)), Neighbours(*(part[1] for part in parts))

    def where(self, mask: Tensor, other: "Neighbours") -> "Neighbours":
        """The rows that `mask` (B,) names, and those of `other` for the rest."""
        chosen = mask[:, None]
        return Neighbours(
            torch.where(chosen, self.distances, other.distances),
            torch.where(chosen, self.ids, other.ids),
            torch.where(chosen, self.values, other.values),
        )

    def only(self, rows: Tensor) -> "Neighbours":
        """Forget what was found for the rows that the mask `rows` (B,) leaves out."""
        out = ~rows[:, None]
        return Neighbours(
            self.distances.masked_fill(out, torch.inf),
            self.ids.masked_fill(out, -1),
            self.values.masked_fill(out, 0),
        )


@dataclass(frozen=True)
class LikelyTable:
    """The tokens that the LM held likeliest, and which of them stand at the entries asked for.

    `tokens` (N, count), whole numbers of which -1 is none, and their `probabilities` (N, count)
    float32; `entries` (B, n) int64 are rows of both, any or -1 for a missing neighbour.
    """

    tokens: Tensor
    probabilities: Tensor
    entries: Tensor

    def gather(self) -> tuple[Tensor, Tensor]:
        """Tokens (B, n, count) int64 and their probabilities; those of any entry for -1."""
        entries = self.entries.clamp_min(0)
        return self.tokens[entries].long(), self.probabilities[entries]
