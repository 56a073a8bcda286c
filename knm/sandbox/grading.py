"""Comparing what a program wrote with what was expected: two published conventions."""

import re
from decimal import Decimal

# No digit can be read in two ways: a text that is almost a number is refused in one pass.
NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,9})?")


def matches(output: bytes, expected: str) -> bool:
    """The reference comparison: equal once white space is cut from the end of both.

    Output that is not UTF-8 matches nothing.
    """
    try:
        return output.decode().rstrip() == expected.rstrip()
    except UnicodeDecodeError:
        return False


def matches_leniently(output: bytes, expected: str) -> bool:
    """The lenient comparison: line by line, ignoring white space around a line, numbers by value.

    Lines that differ as text still match if both are numbers throughout, separated by white space,
    and equal as decimals one by one.
    """
    try:
        written = output.decode()
    except UnicodeDecodeError:
        return False
    ours, theirs = written.strip().split("\n"), expected.strip().split("\n")
    return len(ours) == len(theirs) and all(map(same_line, ours, theirs))


def same_line(ours: str, theirs: str) -> bool:
    """Whether two lines match leniently."""
    if ours.strip() == theirs.strip():
        return True
    mine, yours = ours.split(), theirs.split()
    return len(mine) == len(yours) and all(map(same_number, mine, yours))


def same_number(mine: str, yours: str) -> bool:
    """Whether two tokens are decimal numbers of the same value."""
    if not (NUMBER.fullmatch(mine) and NUMBER.fullmatch(yours)):
        return False
    return Decimal(mine) == Decimal(yours)
