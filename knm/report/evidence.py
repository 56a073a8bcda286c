"""What a failing test shows: its input, what was expected, what came, and where these part."""

from typing import Final

from knm.sandbox import Judgement
from knm.sandbox.types import EXCERPT_CHARACTERS, excerpt, excerpt_of_end

SHOWN_CHARACTERS: Final = EXCERPT_CHARACTERS + 100
"""What is kept by default, with the mark of a cut."""


def evidence_lines(judgement: Judgement, most: int = SHOWN_CHARACTERS) -> list[str]:
    """The first failing test as lines of text; none where no test failed.

    `most` characters are shown of each text.
    """
    if judgement.failing_test is None:
        return []
    return [
        f"test {judgement.failing_test + 1} of {judgement.tests_total} was the first to fail",
        *block("input", excerpt(judgement.failing_input or "", most)),
        *block("expected", excerpt(judgement.expected or "", most)),
        *block(_got(judgement), excerpt(judgement.got or "", most)),
        *block("standard error", excerpt_of_end(judgement.stderr, most)),
    ]


def block(title: str, text: str | None) -> list[str]:
    """A titled, indented text; nothing where there is none."""
    if not text:
        return []
    indented = "\n".join(f"    {line}" for line in text.rstrip("\n").split("\n"))
    return [f"-- {title}", indented]


def first_difference(expected: str, got: str) -> tuple[int, int] | None:
    """Line and character, from 1, where two outputs part, white space at their ends aside."""
    expected, got = expected.rstrip(), got.rstrip()
    if expected == got:
        return None
    pairs = zip(expected, got, strict=False)
    alike = next((at for at, (left, right) in enumerate(pairs) if left != right), None)
    place = min(len(expected), len(got)) if alike is None else alike
    return expected.count("\n", 0, place) + 1, place - expected.rfind("\n", 0, place)


def _got(judgement: Judgement) -> str:
    if judgement.expected is None or not judgement.got:
        return "got"
    place = first_difference(judgement.expected, judgement.got)
    return "got" if place is None else f"got, other from line {place[0]}, character {place[1]} on"
