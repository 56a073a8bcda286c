"""From an interpreter's complaint to a class of error, by a table that the language brings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class ErrorRow:
    """One row: the class, what the message must contain, and perhaps what the source must too.

    The source is that of the line which the message names and the one before it, because parsers
    notice an error at the token after it.
    """

    error_class: str
    message: re.Pattern[str]
    source: re.Pattern[str] | None = None


@dataclass(frozen=True)
class Complaint:
    """A message as the interpreter printed it, without its own name and without the traceback."""

    message: str
    line: int | None


def find_complaint(stderr: str, interpreter: str) -> Complaint | None:
    """The last complaint in what a process wrote to standard error.

    It begins with the interpreter's name, on a line of its own unless the program left its last one
    unfinished, and ends where the traceback begins.
    """
    start = f"{interpreter}: "
    _, found, text = f"\n{stderr}".rpartition(f"\n{start}")
    if not found:
        _, found, text = stderr.rpartition(start)
    if not found:
        return None
    message = text.partition("\nstack traceback:")[0].rstrip("\n")
    place = re.match(r"[^\n:]+:(\d+): ", message)
    return Complaint(message, int(place[1]) if place else None)


def classify(rows: Sequence[ErrorRow], complaint: Complaint, program: str) -> str | None:
    """The class of the first row that fits, or None."""
    around = ""
    if complaint.line is not None:
        around = "\n".join(program.split("\n")[max(0, complaint.line - 2) : complaint.line])
    for row in rows:
        if row.message.search(complaint.message) and (
            row.source is None or row.source.search(around)
        ):
            return row.error_class
    return None
