"""Counting tokens by what they are in a program."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.models.token_types import TokenType, token_type

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TYPES: Final = tuple(TokenType)
_UNKNOWN: Final = -1


class TypeCounter:
    """Knows the types of a tokenizer's tokens; each token is decoded once."""

    def __init__(self, tokenizer: "PreTrainedTokenizerBase") -> None:
        self._tokenizer = tokenizer
        self._known = np.empty(0, dtype=np.int8)

    def count(self, ids: np.ndarray[Any, Any]) -> dict[str, int]:
        """How many of the tokens `ids` (n,) are of each type; special tokens are `other`."""
        missing = int(ids.max(initial=-1)) + 1 - len(self._known)
        if missing > 0:
            room = missing + len(self._known)
            self._known = np.pad(self._known, (0, room), constant_values=_UNKNOWN)
        for token in np.unique(ids[self._known[ids] == _UNKNOWN]).tolist():
            text = self._tokenizer.decode([token], skip_special_tokens=True)
            self._known[token] = TYPES.index(token_type(text))
        counts = np.bincount(self._known[ids], minlength=len(TYPES)).tolist()
        return {kind.value: count for kind, count in zip(TYPES, counts, strict=True)}
