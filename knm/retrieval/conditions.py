"""Where in a program a correction is admitted."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from knm.languages.machine import TokenType
from knm.languages.tables import TokenTables
from knm.retrieval.context import DecodingContext


@dataclass(frozen=True)
class TypeCondition:
    """Admits corrections that write a token of certain types.

    What counts is the token that the neighbours would choose, where it would stand: it is what a
    correction writes. `following` (S, V) int16 are states of the lexer behind each token,
    `admitted` (S, V) bool tells whether a token may be written in a state; both on the device.
    """

    following: Tensor
    admitted: Tensor

    @classmethod
    def of(
        cls, tables: TokenTables, types: Collection[str], device: torch.device | str
    ) -> "TypeCondition":
        """The condition that a token is of one of `types`."""
        wanted = [kind for kind in TokenType if kind.label in types]
        return cls(
            torch.from_numpy(tables.following).to(device),
            torch.from_numpy(np.isin(tables.types, wanted)).to(device),
        )

    def admits(self, context: DecodingContext, voted: Tensor) -> Tensor:
        """The rows (B,) at which `voted` (B,) may be written; not those without a token (-1)."""
        return self.admitted[context.lexer, voted.clamp_min(0)] & (voted >= 0)

    def advance(self, context: DecodingContext, tokens: Tensor) -> None:
        """Read the `tokens` (B,) that were written."""
        context.lexer.copy_(self.following[context.lexer, tokens])
