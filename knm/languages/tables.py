"""A lexer as tables over the tokens of a vocabulary, so that one look-up reads a whole token."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np

from knm.languages.lexer import open_lexer
from knm.languages.machine import BYTES, TokenType

_NOTHING: Final = 255  # the type of a token of which no byte has been read


@dataclass(frozen=True)
class TokenTables:
    """A lexer over V tokens: `following` (S, V) int16 and `types` (S, V) uint8.

    The type is that of the token's first lexeme that is no whitespace, as far as it is written by
    the token's end. Tokens without bytes, such as the end of a text, change no state and are
    `outside`.
    """

    following: np.ndarray[Any, np.dtype[np.int16]]
    types: np.ndarray[Any, np.dtype[np.uint8]]


@lru_cache(maxsize=4)
def compile_tables(language: str, tokens: tuple[bytes, ...]) -> TokenTables:
    """The tables of a language's lexer for the given tokens: some seconds for 150,000 of them.

    Raises:
        UserError: there is no such language, or it has no lexer.
    """
    machine = open_lexer(language)
    states = len(machine.types)
    # One look-up tells the state behind a byte, its type, and whether it begins a lexeme.
    reached = machine.following.astype(np.int32)
    packed = reached << 4 | machine.types[reached].astype(np.int32) << 1 | machine.begins
    packed = np.ascontiguousarray(packed.reshape(-1))

    order, columns = _by_length(tokens)
    following = np.empty((states, len(tokens)), dtype=np.int16)
    types = np.empty((states, len(tokens)), dtype=np.uint8)
    for start in range(states):
        state = np.full(len(tokens), start, dtype=np.int32)
        kind = np.full(len(tokens), _NOTHING, dtype=np.uint8)
        growing = np.zeros(len(tokens), dtype=np.bool_)
        for column in columns:
            read = slice(0, len(column))
            found = packed[state[read] * BYTES + column]
            state[read] = found >> 4
            now, begins = (found >> 1 & 7).astype(np.uint8), (found & 1).astype(np.bool_)
            blank = (kind[read] == _NOTHING) | (kind[read] == TokenType.WHITESPACE)
            growing[read] = np.where(blank, now != TokenType.WHITESPACE, growing[read] & ~begins)
            kind[read] = np.where(blank | growing[read], now, kind[read])
        kind[kind == _NOTHING] = TokenType.OUTSIDE
        following[start, order], types[start, order] = state, kind
    return TokenTables(following, types)


def _by_length(
    tokens: Sequence[bytes],
) -> tuple[np.ndarray[Any, Any], list[np.ndarray[Any, Any]]]:
    """The order of tokens, longest first, and their bytes: item p has byte p of those so long."""
    lengths = np.array([len(token) for token in tokens], dtype=np.int64)
    order = np.argsort(-lengths, kind="stable")
    text = np.frombuffer(b"".join(tokens), dtype=np.uint8).astype(np.int32)
    starts = (np.cumsum(lengths) - lengths)[order]
    ordered = lengths[order]
    longest = int(ordered[0]) if len(tokens) else 0
    counts = [int(np.searchsorted(-ordered, -place)) for place in range(longest)]
    return order, [text[starts[:count] + place] for place, count in enumerate(counts)]
