"""What decoding has come to so far, where a weight or a condition asks for it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from knm.models.transfers import device_copy


@dataclass(frozen=True)
class DecodingContext:
    """The completions of B rows up to the next step, in tensors that are changed in place.

    `steps` (B,) int64 counts the tokens that were written. `only_lm` and `only_knn` (B, W) bool
    tell of the last W of them, in rotation, whether the LM's likeliest token was the one that was
    written and the neighbours' was not, or the reverse. `lexer` (B,) int64 is the state of the
    lexer behind the last token. `seen` (B, V) bool tells the words, by their tokens, that stand in
    prompt or completion; V is 0 where nobody asks.
    """

    steps: Tensor
    only_lm: Tensor
    only_knn: Tensor
    lexer: Tensor
    seen: Tensor

    @classmethod
    def allocate(
        cls, rows: int, window: int, device: torch.device | str, vocabulary: int = 0
    ) -> "DecodingContext":
        """B rows that have written nothing, with a window of W tokens, out of V."""
        steps, lexer = torch.zeros((2, rows), dtype=torch.int64, device=device)
        only_lm, only_knn = torch.zeros((2, rows, window), dtype=torch.bool, device=device)
        seen = torch.zeros((rows, vocabulary), dtype=torch.bool, device=device)
        return cls(steps, only_lm, only_knn, lexer, seen)

    def parts(self) -> list[Tensor]:
        """The tensors that steps change."""
        return [self.steps, self.only_lm, self.only_knn, self.lexer, self.seen]

    def rows(self, places: Tensor) -> "DecodingContext":
        """A copy of some rows, by their numbers (n,)."""
        return DecodingContext(*(part[places] for part in self.parts()))

    def put(self, places: Tensor, rows: "DecodingContext") -> None:
        """Write back what became of the copies of these rows."""
        for part, changed in zip(self.parts(), rows.parts(), strict=True):
            part[places] = changed

    def reset(self, rows: Sequence[int]) -> None:
        """Let rows begin anew."""
        where = device_copy(np.array(rows, np.int64), self.steps.device)
        for part in self.parts():
            part.index_fill_(0, where, 0)

    def note(self, lm_right: Tensor, knn_right: Tensor) -> None:
        """Count a step: whether the LM and the neighbours foresaw its token, (B,) bool each."""
        window = self.only_lm.shape[1]
        if window:
            place = (self.steps % window)[:, None]
            self.only_lm.scatter_(1, place, (lm_right & ~knn_right)[:, None])
            self.only_knn.scatter_(1, place, (knn_right & ~lm_right)[:, None])
        self.steps.add_(1)
