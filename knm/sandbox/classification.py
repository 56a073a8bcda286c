"""From an interpreter's complaint to a class of error, by a table that the language brings.

What is read here was written by a program, which may want to keep the judge busy. So each pattern
sees a bounded piece of it: a line up to `LINE`, a message up to `MESSAGE` characters. However a
pattern backtracks, the time is linear in the text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from knm.languages.execution import ComplaintRow, ErrorRow

TEXT = 64 << 10  # of standard error that is read: its end, which is what our own verifier keeps
LINE = 1000
MESSAGE = 2000
LINE_DIGITS = 9  # a line number with more of them is none


@dataclass(frozen=True)
class Complaint:
    """A message as the interpreter printed it, without its own name and without the traceback.

    `closed` is whether the line came that ends a message, such as the head of a traceback.
    """

    message: str
    line: int | None
    closed: bool = False


# A line, or a part of a long one: where it begins, where it ends, and where its line ends.
Piece = tuple[int, int, int]


def find_complaint(stderr: str, rows: Sequence[ComplaintRow]) -> Complaint | None:
    """The complaint in what a process wrote to standard error: by the first row that fits."""
    text = stderr[-TEXT:]
    lines = list(cut(text, anywhere=False))
    for row in rows:
        parts = list(cut(text, anywhere=True)) if row.anywhere else lines
        if found := find_row(text, parts, row):
            return found
    return None


def find_row(text: str, parts: Sequence[Piece], row: ComplaintRow) -> Complaint | None:
    """The complaint that looks as one row says."""
    first, opening = 0, None
    if row.after is not None:
        opening, first = first_match(row.after, text, parts, reversed(range(len(parts))))
        if opening is None:
            return None
    found, at = first_match(row.message, text, parts, range(first, len(parts)))
    if found is None:
        return None
    end, closed = parts[at][2], False
    if row.until is not None:
        while at < len(parts) and parts[at][0] <= end:
            at += 1  # what follows the line
        last, at = first_match(row.until, text, parts, range(at, len(parts)))
        end, closed = (len(text), False) if last is None else (parts[at][0] - 1, True)
    line = line_number(found) or (opening and line_number(opening))
    return Complaint(text[found.start("message") : end].rstrip("\n"), line, closed)


def first_match(
    pattern: re.Pattern[str], text: str, parts: Sequence[Piece], order: Iterable[int]
) -> tuple[re.Match[str] | None, int]:
    """The first piece, in an order, at whose beginning a pattern fits, and its index."""
    match = pattern.match
    for at in order:
        start, end, _ = parts[at]
        if found := match(text, start, end):
            return found, at
    return None, -1


def cut(text: str, *, anywhere: bool) -> Iterator[Piece]:
    """The lines of a text, each cut to its first `LINE` characters, or into parts of so many."""
    start = 0
    while start <= len(text):
        end = text.find("\n", start)
        if end < 0:
            end = len(text)
        yield start, min(start + LINE, end), end
        if anywhere:
            for part in range(start + LINE // 2, end - LINE // 2, LINE // 2):
                yield part, min(part + LINE, end), end
        start = end + 1


def line_number(found: re.Match[str]) -> int | None:
    """The line of the program that a message names."""
    digits = found.groupdict().get("line")
    return int(digits) if digits and len(digits) <= LINE_DIGITS else None


def contains(pattern: re.Pattern[str], text: str) -> bool:
    """Whether a pattern is found in the beginning of a text, as far as `MESSAGE`."""
    return pattern.search(text, 0, MESSAGE) is not None


def classify(rows: Sequence[ErrorRow], complaint: Complaint, program: str) -> str | None:
    """The class of the first row that fits, or None."""
    around = ""
    if complaint.line is not None:
        lines = program.split("\n")[max(0, complaint.line - 2) : complaint.line]
        around = "\n".join(line[:LINE] for line in lines)
    for row in rows:
        if contains(row.message, complaint.message) and (
            row.source is None or contains(row.source, around)
        ):
            return row.error_class
    return None
