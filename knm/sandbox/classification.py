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


def find_complaint(stderr: str, patterns: Sequence[re.Pattern[str]]) -> Complaint | None:
    """The complaint in what a process wrote to standard error: by the first pattern found."""
    for pattern in patterns:
        if found := pattern.search(stderr):
            groups = found.groupdict()
            line = groups.get("line")
            return Complaint(groups["message"].rstrip("\n"), int(line) if line else None)
    return None


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
