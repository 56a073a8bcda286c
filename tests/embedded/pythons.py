"""Running the grammar's own Python programs, which are trusted, in this process."""

from collections.abc import Iterator
from typing import Any


class UnreadInput(Exception):
    """A program ended before it had read all its input."""


def printed_by(program: str, given: str) -> str:
    """What a Python program prints for an input, all of which it must read."""
    lines: Iterator[str] = iter(given.splitlines())
    written: list[str] = []

    def fake_print(*values: Any) -> None:
        written.append(" ".join(map(str, values)) + "\n")

    exec(compile(program, "program", "exec"), {"input": lambda: next(lines), "print": fake_print})
    if list(lines):
        raise UnreadInput(program)
    return "".join(written)
