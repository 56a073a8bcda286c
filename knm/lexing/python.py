"""The lexer of Python. The letters before a string's quotes count as a name of their own."""

from typing import Final

from knm.lexing.machine import BYTES, Machine, MachineBuilder, TokenType
from knm.lexing.markdown import BLANKS, NEWLINE, Frame, open_frame
from knm.lexing.words import DIGITS, LETTERS, add_numbers, add_words

KEYWORDS: Final = (  # noqa: SIM905
    "False None True and as assert async await break class continue def del elif else except "
    "finally for from global if import in is lambda nonlocal not or pass raise return try "
    "while with yield"
).split()


def build_python() -> Machine:
    """The machine of Python in fenced blocks."""
    builder = MachineBuilder()
    frame = open_frame(builder)
    ends = add_words(builder, frame, KEYWORDS)
    number, numbers = add_numbers(builder, frame, hex_exponent=b"")
    operator, literal_end = builder.state(TokenType.OPERATOR), builder.state(TokenType.LITERAL)
    ends += [*numbers, operator, literal_end]

    point = builder.state(TokenType.OPERATOR)
    builder.on(frame.code, b".", point, begins=True)
    builder.on(point, DIGITS, number)
    ends.append(point)

    comment = builder.state(TokenType.COMMENT)
    builder.on(frame.code, b"#", comment, begins=True)
    builder.on(comment, NEWLINE, frame.line, begins=True)
    builder.otherwise(comment, comment)

    ends += [_add_string(builder, frame, quote, literal_end) for quote in b"'\""]

    named = {*LETTERS, *DIGITS, *b"'\".#", *BLANKS, *NEWLINE}
    builder.on(frame.code, set(range(BYTES)) - named, operator, begins=True)
    frame.close(builder)
    for state in ends:
        builder.otherwise_as(state, frame.code)
    return builder.build()


def _add_string(builder: MachineBuilder, frame: Frame, quote: int, end: int) -> int:
    """Strings in one or three of `quote`. Returns the state of two quotes: an empty string so far.

    A line end ends a string in single quotes, unless it is escaped.
    """
    opened, empty, inside, escaped, long, one, two, long_escaped = (
        builder.state(TokenType.LITERAL) for _ in range(8)
    )
    builder.on(frame.code, [quote], opened, begins=True)
    builder.on(opened, [quote], empty)
    builder.on(inside, [quote], end)
    for state in (opened, inside):
        builder.on(state, b"\\", escaped)
        builder.on(state, NEWLINE, frame.line, begins=True)
        builder.otherwise(state, inside)
    builder.otherwise(escaped, inside)

    builder.on(empty, [quote], long)
    for state, next_quote in ((long, one), (one, two), (two, end)):
        builder.on(state, [quote], next_quote)
        builder.on(state, b"\\", long_escaped)
        builder.otherwise(state, long)
    builder.otherwise(long_escaped, long)
    return empty
