"""Problems whose outcome differs between two runs, and what lies behind each."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Final

from knm.codec import to_json
from knm.records import TokenChange
from knm.report.schema import ProblemResult
from knm.sandbox import Judgement

CONTEXT: Final = 48
"""Characters shown on each side of a divergence."""

_TOLD: Final = (
    "verdict",
    "error_class",
    "message",
    "failing_test",
    "tests_passed",
    "tests_total",
)


@dataclass(frozen=True)
class Divergence:
    """Where two completions part: the first character that differs.

    `offset` counts characters from 0, `line` and `column` from 1. `token` is the index of the
    token, known where a change by the datastore explains the divergence. `before` is what both
    have in front of it on the same line, `a` and `b` what each goes on with.
    """

    offset: int
    line: int
    column: int
    token: int | None
    before: str
    a: str
    b: str


@dataclass(frozen=True)
class Flip:
    """One problem that only one of two runs solves.

    `divergence` is None where both wrote the same. `change` is the first step at which a datastore
    changed one run's token and not the other's in the same way, with its neighbours; it is the
    cause of the divergence if that has a `token`.
    """

    question_id: str
    gained: bool
    a: Judgement
    b: Judgement
    divergence: Divergence | None
    change: TokenChange | None

    def to_json(self) -> dict[str, Any]:
        """The flip as plain JSON."""
        told: dict[str, Any] = to_json(self)
        for side in ("a", "b"):
            told[side] = {name: told[side][name] for name in _TOLD}
        return told


def find_flips(pairs: Iterable[tuple[ProblemResult, ProblemResult]]) -> Iterator[Flip]:
    """The flips among pairs of results of the same problem."""
    for before, after in pairs:
        if before.accepted != after.accepted:
            yield _flip(before, after)


def _flip(before: ProblemResult, after: ProblemResult) -> Flip:
    change = _first_change(before, after)
    return Flip(
        question_id=after.question_id,
        gained=after.accepted,
        a=before.judgement,
        b=after.judgement,
        divergence=_divergence(before.text or "", after.text or "", change),
        change=change,
    )


def _first_change(before: ProblemResult, after: ProblemResult) -> TokenChange | None:
    """The first change of one run that the other has not; the second run's if both have one."""
    for a, b in zip_longest(_each_change(before), _each_change(after)):
        if a is None or b is None or (a.position, a.token) != (b.position, b.token):
            return b or a
    return None


def _each_change(result: ProblemResult) -> Iterator[TokenChange]:
    return iter(()) if result.interventions is None else result.interventions.each_change()


def _divergence(a: str, b: str, change: TokenChange | None) -> Divergence | None:
    if a == b:
        return None
    offset = _alike(a, b)
    line_start = a.rfind("\n", 0, offset) + 1
    return Divergence(
        offset=offset,
        line=a.count("\n", 0, offset) + 1,
        column=offset - line_start + 1,
        token=change.position if change and _explains(change, a, b, offset) else None,
        before=a[max(line_start, offset - CONTEXT) : offset],
        a=_line_at(a, offset),
        b=_line_at(b, offset),
    )


def _explains(change: TokenChange, a: str, b: str, offset: int) -> bool:
    """Whether the texts part with the two tokens of a change (they may begin alike)."""
    theirs, own = change.lm_token, change.token
    start = offset - _alike(theirs, own)
    if start < 0:
        return False
    return any(
        left[start:].startswith(theirs) and right[start:].startswith(own)
        for left, right in ((a, b), (b, a))
    )


def _line_at(text: str, offset: int) -> str:
    """The rest of the line; with its line end where it has nothing else."""
    rest = text[offset : offset + CONTEXT]
    line = rest.partition("\n")[0]
    return line or rest[:1]


def _alike(a: str, b: str) -> int:
    """How many characters two texts begin with alike."""
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))
