"""The lexer of a language, built of what its lexemes look like.

A lexer here is a finite machine over the bytes of a completion, fences included, so that its state
is one number, which a table advances by whole tokens (see `knm.languages.tables`).
"""

from collections.abc import Iterable
from functools import cache
from typing import Final

from knm.errors import UserError
from knm.languages.language import lexer_names, load_language
from knm.languages.lexis import MOST_REPEATED, Delimited, LexerRules
from knm.languages.machine import Machine, MachineBuilder, TokenType
from knm.languages.markdown import BLANKS, NEWLINE, Frame, characters, open_frame

_DIGITS: Final = characters("0-9")
_LETTERS: Final = characters("a-zA-Z_+")  # bytes beyond ASCII stand in names too
_WORD: Final = _LETTERS + _DIGITS
_IN_NUMBER: Final = _WORD + b"."
_POINT: Final = b"."


@cache
def open_lexer(language: str) -> Machine:
    """The lexer of a language.

    Raises:
        UserError: there is no such language, or it has no lexer.
    """
    rules = load_language(language).lexer
    if rules is None:
        raise UserError(
            f"language {language}: it has no lexer: describe its lexemes under `lexer`, or choose "
            f"one of {', '.join(lexer_names())}"
        )
    return build_lexer(rules)


def build_lexer(rules: LexerRules) -> Machine:
    """The machine of a language in fenced blocks."""
    builder = MachineBuilder()
    frame = open_frame(builder)
    ends = _add_words(builder, frame, rules.keywords)
    number, numbers = _add_numbers(builder, frame, rules.hex_exponent.encode())
    marks = _Marks(builder, frame)
    marks.add(rules)
    marks.link(number)

    rest = builder.unset(frame.code) - {*BLANKS, *NEWLINE}
    builder.on(frame.code, rest, marks.operator, begins=True)
    frame.close(builder)
    for state in (*ends, *numbers, *marks.ends):
        builder.otherwise_as(state, frame.code)
    for state, likewise in marks.opened:
        builder.otherwise_as(state, likewise)
    return builder.build(frame.line)


def _add_words(builder: MachineBuilder, frame: Frame, keywords: Iterable[str]) -> list[int]:
    """Names and keywords. Returns the states in a word, which may end anywhere."""
    word = builder.state(TokenType.IDENTIFIER)
    builder.on(frame.code, _LETTERS, word, begins=True)
    builder.on(word, _WORD, word)
    reserved = set(keywords)
    states = {}
    for prefix in _prefixes(reserved):
        kind = TokenType.KEYWORD if prefix in reserved else TokenType.IDENTIFIER
        states[prefix] = builder.state(kind)
        builder.on(states[prefix], _WORD, word)
        if len(prefix) == 1:
            builder.on(frame.code, prefix.encode(), states[prefix], begins=True)
        else:
            builder.on(states[prefix[:-1]], prefix[-1:].encode(), states[prefix])
    return [word, *states.values()]


def _prefixes(words: Iterable[str]) -> list[str]:
    """All beginnings of words, shorter ones first."""
    return sorted({word[:end] for word in words for end in range(1, len(word) + 1)})


def _add_numbers(
    builder: MachineBuilder, frame: Frame, hex_exponent: bytes
) -> tuple[int, list[int]]:
    """Numbers, of digits, letters and points, with a sign behind the letter of an exponent.

    `hex_exponent` are those letters in a hexadecimal number. Returns the state in a decimal number,
    and all that may end anywhere.
    """
    zero, number, exponent, hexadecimal, hex_power = (
        builder.state(TokenType.LITERAL) for _ in range(5)
    )
    builder.on(frame.code, _DIGITS, number, begins=True)
    builder.on(frame.code, b"0", zero, begins=True)
    for state in (zero, number, exponent):
        builder.on(state, _IN_NUMBER, number)
        builder.on(state, b"eE", exponent)
    builder.on(zero, b"xX", hexadecimal)
    builder.on(exponent, b"+-", number)
    for state in (hexadecimal, hex_power):
        builder.on(state, _IN_NUMBER, hexadecimal)
        builder.on(state, hex_exponent, hex_power)
    builder.on(hex_power, b"+-", hexadecimal)
    return number, [zero, number, exponent, hexadecimal, hex_power]


class _Marks:
    """Comments, strings and operators: what begins with a mark, of which the longest counts.

    `ends` are states behind a lexeme that another may follow. `opened` are those that a longer mark
    may go on from, each with the state that it is like for all other bytes.
    """

    def __init__(self, builder: MachineBuilder, frame: Frame) -> None:
        self._builder = builder
        self._frame = frame
        self._bodies: dict[str, int] = {}  # by the mark that they begin with
        self._operators: set[str] = {"."}
        self.operator = builder.state(TokenType.OPERATOR)
        self.ends = [self.operator]
        self.opened: list[tuple[int, int]] = []

    def add(self, rules: LexerRules) -> None:
        """Take in all marks of a language."""
        self._operators.update(rules.operators)
        for mark in rules.line_comments:
            self._bodies[mark] = self._line_comment()
        for kind, lexemes in (
            (TokenType.COMMENT, rules.block_comments),
            (TokenType.LITERAL, rules.strings),
        ):
            if lexemes:
                end = self._builder.state(kind)
                self.ends.append(end)
                for lexeme in lexemes:
                    for level in lexeme.levels(MOST_REPEATED):
                        self._bodies[level.open] = self._delimited(level, kind, end)

    def link(self, number: int) -> None:
        """Lead to all marks from where lexemes begin; from a point digits lead to `number`."""
        builder = self._builder
        marks = _prefixes((*self._bodies, *self._operators))
        states = {}
        for mark in marks:
            likewise = self._likewise(mark)
            states[mark] = builder.state(builder.kind(likewise))
            self.opened.append((states[mark], likewise))
            source = states[mark[:-1]] if len(mark) > 1 else self._frame.code
            builder.on(source, mark[-1:].encode(), states[mark], begins=len(mark) == 1)
        builder.on(states["."], _DIGITS, number)

    def _likewise(self, mark: str) -> int:
        """What the beginning of a mark is where it does not go on: `--[` is a comment's text."""
        for end in range(len(mark), 0, -1):
            if mark[:end] in self._bodies:
                state = self._builder.follow(self._bodies[mark[:end]], mark[end:].encode())
                return self.operator if state is None else state
        return self.operator

    def _line_comment(self) -> int:
        body = self._builder.state(TokenType.COMMENT)
        self._builder.on(body, NEWLINE, self._frame.line, begins=True)
        self._builder.otherwise(body, body)
        return body

    def _delimited(self, lexeme: Delimited, kind: TokenType, end: int) -> int:
        """The inside of a string or comment. Returns its state; behind it is the state `end`."""
        builder, close = self._builder, lexeme.close.encode()
        inside = [builder.state(kind) for _ in close]  # by how much of its end has been read
        for read, state in enumerate(inside):
            for byte in set(close):
                reached = _overlap(close[:read] + bytes([byte]), close)
                builder.on(state, [byte], end if reached == len(close) else inside[reached])
            if not lexeme.lines:  # a line end ends it, unless it is escaped
                builder.on(state, NEWLINE, self._frame.line, begins=True)
        if lexeme.escape:
            escaped = builder.state(kind)
            builder.otherwise(escaped, inside[0])
            for state in inside:
                builder.on(state, lexeme.escape.encode(), escaped)
        for state in inside:
            builder.otherwise(state, inside[0])
        return inside[0]


def _overlap(text: bytes, wanted: bytes) -> int:
    """How many bytes at the end of `text` are the beginning of `wanted`."""
    return max(size for size in range(len(text) + 1) if text.endswith(wanted[:size]))
