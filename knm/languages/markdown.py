"""The frame of every lexer: prose with fenced blocks, which hold the code.

A fence is a line that starts with three backticks. Any info string opens a block; the closing
fence is seen between lexemes only, not within a string or comment of several lines. Not seen are
fences of tildes, and programs without a fence.
"""

from dataclasses import dataclass
from typing import Final

from knm.languages.machine import BYTES, START, MachineBuilder, TokenType

NEWLINE: Final = b"\n"
BLANKS: Final = b" \t\r\v\f"
_INDENT: Final = b" \t"
_TICK: Final = b"`"


@dataclass(frozen=True)
class Frame:
    """States that a language's lexer fits in: `space` is between lexemes, `line` at a line's start.

    `code` is between lexemes too: what a byte begins there, it begins wherever a lexeme may end.
    """

    space: int
    line: int
    code: int
    _first: int  # behind the line of the fence
    _ticks: tuple[int, int]

    def close(self, builder: MachineBuilder) -> None:
        """Complete the states between lexemes, once the bytes in `code` have their targets."""
        builder.on(self.code, BLANKS, self.space, begins=True)
        builder.on(self.code, NEWLINE, self.line, begins=True)
        one, two = self._ticks
        for state in (self.line, self._first):
            builder.on(state, _TICK, one, begins=True)
            builder.on(state, _INDENT, self.line, begins=True)
        for state in (self.space, self.line, self._first, one, two):
            builder.otherwise_as(state, self.code)


def open_frame(builder: MachineBuilder) -> Frame:
    """The states of prose and fences; the first of them is where a completion starts."""

    def outside() -> int:
        return builder.state(TokenType.OUTSIDE)

    prose_line, prose, one, two, opening, info = (outside() for _ in range(6))
    assert prose_line == START
    first, closing_one, closing_two, closed = (outside() for _ in range(4))
    space, line, code = (builder.state(TokenType.WHITESPACE) for _ in range(3))

    builder.on(prose_line, _INDENT, prose_line)
    for state, next_tick in ((prose_line, one), (one, two), (two, opening), (opening, opening)):
        builder.on(state, _TICK, next_tick)
    builder.on(info, _TICK, prose)  # backticks behind backticks: code within a line of prose
    for state in (prose_line, prose, one, two):
        builder.on(state, NEWLINE, prose_line)
        builder.otherwise(state, prose)
    for state in (opening, info):
        builder.on(state, NEWLINE, first)
        builder.otherwise(state, info)

    builder.on(closing_one, _TICK, closing_two)
    builder.on(closing_two, _TICK, closed)
    builder.on(closed, _TICK + BLANKS, closed)
    builder.on(closed, NEWLINE, prose_line)
    builder.otherwise(closed, info)  # no program has such a line: it opens the next block
    return Frame(space, line, code, first, (closing_one, closing_two))


def characters(text: str) -> bytes:
    """Bytes from a compact description such as `a-z0-9_`; `+` adds all bytes beyond ASCII."""
    found = bytearray()
    place = 0
    while place < len(text):
        if text[place + 1 : place + 2] == "-" and place + 2 < len(text):
            found += bytes(range(ord(text[place]), ord(text[place + 2]) + 1))
            place += 3
        elif text[place] == "+":
            found += bytes(range(0x80, BYTES))
            place += 1
        else:
            found += text[place].encode()
            place += 1
    return bytes(found)
