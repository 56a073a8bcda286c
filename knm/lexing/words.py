"""Words and numbers, which languages have in common."""

from collections.abc import Sequence
from typing import Final

from knm.lexing.machine import MachineBuilder, TokenType
from knm.lexing.markdown import Frame, characters

DIGITS: Final = characters("0-9")
LETTERS: Final = characters("a-zA-Z_+")  # bytes beyond ASCII stand in names too
WORD: Final = LETTERS + DIGITS
_IN_NUMBER: Final = WORD + b"."


def add_words(builder: MachineBuilder, frame: Frame, keywords: Sequence[str]) -> list[int]:
    """Names and keywords. Returns the states in a word, which may end anywhere."""
    word = builder.state(TokenType.IDENTIFIER)
    builder.on(frame.code, LETTERS, word, begins=True)
    builder.on(word, WORD, word)
    prefixes = sorted({keyword[:end] for keyword in keywords for end in range(1, len(keyword) + 1)})
    states = {}
    for prefix in prefixes:
        kind = TokenType.KEYWORD if prefix in keywords else TokenType.IDENTIFIER
        states[prefix] = builder.state(kind)
        builder.on(states[prefix], WORD, word)
        if len(prefix) == 1:
            builder.on(frame.code, prefix.encode(), states[prefix], begins=True)
        else:
            builder.on(states[prefix[:-1]], prefix[-1:].encode(), states[prefix])
    return [word, *states.values()]


def add_numbers(
    builder: MachineBuilder, frame: Frame, hex_exponent: bytes
) -> tuple[int, list[int]]:
    """Numbers, of digits, letters and points, with a sign behind the letter of an exponent.

    `hex_exponent` are those letters in a hexadecimal number. Returns the state in a decimal number,
    and all that may end anywhere.
    """
    zero, number, exponent, hexadecimal, hex_power = (
        builder.state(TokenType.LITERAL) for _ in range(5)
    )
    builder.on(frame.code, DIGITS, number, begins=True)
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
