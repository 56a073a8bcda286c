"""What kind of token a token is, by its text alone: rough, and enough for statistics."""

import keyword
import re
from collections.abc import Mapping
from typing import Any, Final, Protocol

import numpy as np

TOKEN_TYPES: Final = ("keyword", "operator", "identifier", "literal", "whitespace", "other")

_LUA: Final = frozenset(
    [
        "and",
        "break",
        "do",
        "else",
        "elseif",
        "end",
        "false",
        "for",
        "function",
        "goto",
        "if",
        "in",
        "local",
        "nil",
        "not",
        "or",
        "repeat",
        "return",
        "then",
        "true",
        "until",
        "while",
    ]
)
_KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "lua": _LUA,
    "lua5.4": _LUA,
    "python": frozenset(keyword.kwlist),
}
# By how a token begins; the first that matches. A bracket that a name follows is an operator.
_BEGINNINGS: Final = (
    ("identifier", re.compile(r"[^\W\d]")),
    ("literal", re.compile(r"\d|\.\d|[\"']")),
    ("operator", re.compile(r"[-+*/%^#&~|<>=(){}\[\];:,.!@?\\$`]")),
)


class Decoding(Protocol):
    """What of a tokenizer is used here."""

    def decode(self, ids: list[int]) -> str:
        """The text of token ids."""
        ...


class TokenTypes:
    """The types of a tokenizer's tokens; each token is decoded once a language."""

    def __init__(self, tokenizer: Decoding) -> None:
        self._tokenizer = tokenizer
        self._known: dict[str | None, dict[int, int]] = {}

    def count(
        self, ids: np.ndarray[Any, Any], language: str | None
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How many of the tokens `ids` (n,) are of each of `TOKEN_TYPES`, (6,)."""
        known = self._known.setdefault(language, {})
        counts = np.zeros(len(TOKEN_TYPES), dtype=np.int64)
        for token, times in zip(*np.unique(ids, return_counts=True), strict=True):
            number = int(token)
            if number not in known:
                text = self._tokenizer.decode([number])
                known[number] = TOKEN_TYPES.index(classify(text, language))
            counts[known[number]] += times
        return counts


def classify(text: str, language: str | None) -> str:
    """The type of a token's text; of a language that is not known, nothing is a keyword."""
    word = text.strip()
    if not word:
        return "whitespace" if text else "other"
    if word in _KEYWORDS.get(language or "", ()):
        return "keyword"
    for kind, beginning in _BEGINNINGS:
        if beginning.match(word):
            return kind
    return "other"
