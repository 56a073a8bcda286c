"""A program cut into its lexemes, as the lexer of its language has them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from knm.languages.lexer import open_lexer
from knm.languages.machine import TokenType

_NO_CODE: Final = frozenset({TokenType.OUTSIDE, TokenType.WHITESPACE, TokenType.COMMENT})


@dataclass(frozen=True)
class Lexeme:
    """A lexeme of a program: its characters `start` to `end`, and its type's label."""

    start: int
    end: int
    type: str


def split_lexemes(language: str, program: str) -> list[Lexeme]:
    """The lexemes of plain program text, in order, but for comments and whitespace.

    Raises:
        UserError: there is no such language, or it has no lexer.
    """
    machine = open_lexer(language)
    state, start, kind = machine.between, 0, TokenType.OUTSIDE
    found = []

    def finish(end: int) -> None:
        if kind not in _NO_CODE and end > start:
            found.append(Lexeme(start, end, kind.label))

    for place, byte in _bytes(program):
        if machine.begins[state, byte]:
            finish(place)
            start = place
        state = int(machine.following[state, byte])
        kind = TokenType(int(machine.types[state]))
    finish(len(program))
    return found


def _bytes(program: str) -> Iterator[tuple[int, int]]:
    """The bytes of a text, each with the place of its character."""
    for place, character in enumerate(program):
        for byte in character.encode("utf-8", "surrogatepass"):
            yield place, byte
