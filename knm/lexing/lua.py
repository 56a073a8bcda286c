"""The lexer of Lua, in LuaJIT's dialect: `goto` is a keyword, bytes beyond ASCII stand in names."""

from typing import Final

from knm.lexing.machine import BYTES, Machine, MachineBuilder, TokenType
from knm.lexing.markdown import BLANKS, NEWLINE, Frame, open_frame
from knm.lexing.words import DIGITS, LETTERS, add_numbers, add_words

KEYWORDS: Final = (  # noqa: SIM905
    "and break do else elseif end false for function goto if in local nil not or repeat "
    "return then true until while"
).split()
MOST_EQUALS: Final = 2
"""Signs in `[==[` up to which long brackets are known: a finite machine cannot count further."""


def build_lua() -> Machine:
    """The machine of Lua in fenced blocks."""
    builder = MachineBuilder()
    frame = open_frame(builder)
    ends = add_words(builder, frame, KEYWORDS)
    number, numbers = add_numbers(builder, frame, hex_exponent=b"pP")
    operator, literal_end, comment_end = (
        builder.state(kind) for kind in (TokenType.OPERATOR, TokenType.LITERAL, TokenType.COMMENT)
    )
    ends += [*numbers, operator, literal_end, comment_end]
    ends += _add_dots(builder, frame, number, operator)
    for quote in b"'\"":
        _add_short_string(builder, frame, quote, literal_end)
    ends += _add_long_strings(builder, frame, operator, literal_end)
    ends.append(_add_comments(builder, frame, comment_end))

    named = {*LETTERS, *DIGITS, *b"'\".[-", *BLANKS, *NEWLINE}
    builder.on(frame.code, set(range(BYTES)) - named, operator, begins=True)
    frame.close(builder)
    for state in ends:
        builder.otherwise_as(state, frame.code)
    return builder.build()


def _add_dots(builder: MachineBuilder, frame: Frame, number: int, operator: int) -> list[int]:
    """`.`, `..` and `...`, and numbers that begin with a point."""
    one, two = builder.state(TokenType.OPERATOR), builder.state(TokenType.OPERATOR)
    builder.on(frame.code, b".", one, begins=True)
    builder.on(one, b".", two)
    builder.on(one, DIGITS, number)
    builder.on(two, b".", operator)
    return [one, two]


def _add_short_string(builder: MachineBuilder, frame: Frame, quote: int, end: int) -> None:
    """A string in quotes; a line end ends it, unless it is escaped."""
    inside, escaped = builder.state(TokenType.LITERAL), builder.state(TokenType.LITERAL)
    builder.on(frame.code, [quote], inside, begins=True)
    builder.on(inside, [quote], end)
    builder.on(inside, b"\\", escaped)
    builder.on(inside, NEWLINE, frame.line, begins=True)
    builder.otherwise(inside, inside)
    builder.otherwise(escaped, inside)


def _add_long_strings(builder: MachineBuilder, frame: Frame, operator: int, end: int) -> list[int]:
    """`[[...]]`, `[=[...]=]` and so on. What only begins like one are operators."""
    opened = [builder.state(TokenType.OPERATOR) for _ in range(MOST_EQUALS + 1)]
    builder.on(frame.code, b"[", opened[0], begins=True)
    for level, state in enumerate(opened):
        body = _add_long_body(builder, level, TokenType.LITERAL, end)
        builder.on(state, b"[", body)
        builder.on(state, b"=", [*opened, operator][level + 1])
    return opened


def _add_comments(builder: MachineBuilder, frame: Frame, end: int) -> int:
    """`--` to the end of the line, or a long bracket right behind it. Returns the state of `-`."""
    minus = builder.state(TokenType.OPERATOR)
    line = builder.state(TokenType.COMMENT)
    start = builder.state(TokenType.COMMENT)
    opened = [builder.state(TokenType.COMMENT) for _ in range(MOST_EQUALS + 1)]
    builder.on(frame.code, b"-", minus, begins=True)
    builder.on(minus, b"-", start)
    builder.on(start, b"[", opened[0])
    for level, state in enumerate(opened):
        builder.on(state, b"[", _add_long_body(builder, level, TokenType.COMMENT, end))
        builder.on(state, b"=", [*opened, line][level + 1])
    for state in (line, start, *opened):
        builder.on(state, NEWLINE, frame.line, begins=True)
        builder.otherwise(state, line)
    return minus


def _add_long_body(builder: MachineBuilder, level: int, kind: TokenType, end: int) -> int:
    """The inside of a long bracket, up to `]`, `level` signs and `]`. Returns its state."""
    body = builder.state(kind)
    closing = [builder.state(kind) for _ in range(level + 1)]  # `]` and so many signs
    builder.on(body, b"]", closing[0])
    builder.otherwise(body, body)
    for signs, state in enumerate(closing):
        builder.on(state, b"]", end if signs == level else closing[0])
        if signs < level:
            builder.on(state, b"=", closing[signs + 1])
        builder.otherwise(state, body)
    return body
