"""What kind of token a token is, by its text alone: rough, and enough for statistics."""

import keyword
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Protocol

import numpy as np
from transformers import PreTrainedTokenizerBase

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
_UNKNOWN: Final = -1
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
        self._known: dict[str | None, np.ndarray[Any, np.dtype[np.int8]]] = {}

    def count(
        self, ids: np.ndarray[Any, Any], language: str | None
    ) -> np.ndarray[Any, np.dtype[np.int64]]:
        """How many of the tokens `ids` (n,) are of each of `TOKEN_TYPES`, (6,)."""
        known = self._known.get(language, np.empty(0, dtype=np.int8))
        missing = int(ids.max(initial=-1)) + 1 - len(known)
        if missing > 0:
            known = np.pad(known, (0, missing + len(known)), constant_values=_UNKNOWN)
        for token in np.unique(ids[known[ids] == _UNKNOWN]).tolist():
            kind = classify(self._tokenizer.decode([token]), language)
            known[token] = TOKEN_TYPES.index(kind)
        self._known[language] = known
        return np.bincount(known[ids], minlength=len(TOKEN_TYPES))


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


def token_texts(tokenizer: PreTrainedTokenizerBase, tokens: Iterable[int]) -> dict[int, str]:
    """How each of `tokens` is written; special tokens have no text."""
    return {
        token: str(tokenizer.decode([token], skip_special_tokens=True))
        for token in map(int, tokens)
    }
