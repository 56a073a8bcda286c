"""Finite machines over bytes, which tell what kind of lexeme each byte belongs to."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import numpy as np

START: Final = 0
BYTES: Final = 256
_UNSET: Final = -1


class TokenType(IntEnum):
    """Kinds of lexemes. Brackets and separators are operators; `outside` is all but code.

    Words that a language reserves are keywords, values such as `nil` and `True` too: so its manual
    has it, and so its description lists them.
    """

    OUTSIDE = 0
    WHITESPACE = 1
    KEYWORD = 2
    OPERATOR = 3
    IDENTIFIER = 4
    LITERAL = 5
    COMMENT = 6

    @property
    def label(self) -> str:
        """As users write it."""
        return self.name.lower()


@dataclass(frozen=True)
class Machine:
    """S states, of which `START` is the first.

    `following` (S, 256) int16 is the state behind a byte, `begins` (S, 256) bool whether the byte
    begins a new lexeme, `types` (S,) uint8 the type of the lexeme that the last byte belongs to, as
    far as it has been read: `en` is an identifier, `end` a keyword, `ends` an identifier. `between`
    is the state at the beginning of a line of code, between lexemes.
    """

    following: np.ndarray[Any, np.dtype[np.int16]]
    begins: np.ndarray[Any, np.dtype[np.bool_]]
    types: np.ndarray[Any, np.dtype[np.uint8]]
    between: int

    def type_alone(self, text: bytes) -> TokenType:
        """The type of a text of which nothing is known but that it stands in code."""
        _, kind = self.step(self.between, text)
        return TokenType.OUTSIDE if kind is None else kind

    def step(self, state: int, text: bytes) -> tuple[int, TokenType | None]:
        """Read `text`: the state behind it, and the type of its first lexeme that is no whitespace.

        That lexeme is seen up to the end of the text. None for an empty text.
        """
        kind: TokenType | None = None
        growing = False
        for byte in text:
            new = bool(self.begins[state, byte])
            state = int(self.following[state, byte])
            now = TokenType(int(self.types[state]))
            if kind in (None, TokenType.WHITESPACE):
                kind = now
                growing = now is not TokenType.WHITESPACE
            elif growing and not new:
                kind = now
            else:
                growing = False
        return state, kind


class MachineBuilder:
    """Grows a machine state by state. Every byte of every state must be given a target."""

    def __init__(self) -> None:
        self._types: list[TokenType] = []
        self._following: list[np.ndarray[Any, Any]] = []
        self._begins: list[np.ndarray[Any, Any]] = []

    def state(self, kind: TokenType) -> int:
        """A new state, whose last byte belongs to a lexeme of type `kind`."""
        self._types.append(kind)
        self._following.append(np.full(BYTES, _UNSET, dtype=np.int16))
        self._begins.append(np.zeros(BYTES, dtype=np.bool_))
        return len(self._types) - 1

    def on(self, state: int, chars: Iterable[int], target: int, *, begins: bool = False) -> None:
        """Let `chars` lead to `target`; what was given before is replaced."""
        places = list(chars)
        self._following[state][places] = target
        self._begins[state][places] = begins

    def otherwise(self, state: int, target: int) -> None:
        """Let all other bytes lead to `target`, within the lexeme."""
        self._following[state][self._following[state] == _UNSET] = target

    def otherwise_as(self, state: int, other: int) -> None:
        """Let all other bytes do what they do in state `other`, which is complete."""
        free = self._following[state] == _UNSET
        self._following[state][free] = self._following[other][free]
        self._begins[state][free] = self._begins[other][free]

    def follow(self, state: int, text: bytes) -> int | None:
        """The state that `text` leads to; None if that has not been said yet."""
        for byte in text:
            state = int(self._following[state][byte])
            if state == _UNSET:
                return None
        return state

    def kind(self, state: int) -> TokenType:
        """The type of what a state's last byte belongs to."""
        return self._types[state]

    def unset(self, state: int) -> set[int]:
        """The bytes of which it has not been said where they lead."""
        return set(np.flatnonzero(self._following[state] == _UNSET).tolist())

    def build(self, between: int) -> Machine:
        """The machine; `between` is a state at the beginning of a line of code."""
        following = np.stack(self._following)
        assert (following != _UNSET).all()
        types = np.array(self._types, dtype=np.uint8)
        return Machine(following, np.stack(self._begins), types, between)
