"""What retrieval changed in one completion, and where in the program that stands."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knm.errors import UserError
from knm.report.schema import ProblemResult


@dataclass(frozen=True)
class Neighbour:
    """A stored position that spoke for a token; `record` and `offset` say where it comes from."""

    token: str
    distance: float
    record: str
    offset: int


@dataclass(frozen=True)
class Change:
    """One decoding step at which the datastore's token took the place of the LM's."""

    position: int
    lm_token: str
    token: str
    neighbours: tuple[Neighbour, ...]


@dataclass(frozen=True)
class Place:
    """Where a change stands in the program; `exact` is False for an estimate."""

    start: int
    exact: bool


def changes_of(result: ProblemResult) -> tuple[Change, ...]:
    """The recorded changes in order.

    Raises:
        UserError: the record is malformed.
    """
    if result.knn is None:
        return ()
    try:
        return tuple(
            sorted(map(_change, result.knn["changes"]), key=lambda change: change.position)
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
        raise UserError(
            f"problem {result.question_id}: `knn` holds a malformed change; run the bench again"
        ) from None


def place_changes(
    result: ProblemResult, changes: Sequence[Change], unaided: ProblemResult | None
) -> list[Place | None]:
    """Where in `result.program` each change stands; None where that cannot be said.

    A report numbers tokens, it does not say where they lie in the text. `unaided` is the same
    problem decoded by the LM alone: both texts agree up to the first change, so that one is found
    exactly. The others are estimated: from one change to the next, the nearest occurrence of the
    token to where the mean token length puts it.
    """
    text, program = result.completion, result.program
    if not text or not program or (begin := text.find(program)) < 0:
        return [None] * len(changes)
    spots = _spots(result, changes, unaided)
    inside = (
        Place(spot.start - begin, spot.exact)
        if spot and 0 <= spot.start - begin <= len(program) - len(change.token)
        else None
        for spot, change in zip(spots, changes, strict=True)
    )
    return list(inside)


def _spots(
    result: ProblemResult, changes: Sequence[Change], unaided: ProblemResult | None
) -> Iterator[Place | None]:
    text = result.completion or ""
    mean = len(text) / max(result.completion_tokens, 1)
    token, end = 0, 0  # how much of the text is accounted for
    for number, change in enumerate(changes):
        found = None
        if number == 0 and unaided is not None:
            found = _divergence(text, unaided.completion or "", change)
        exact = found is not None
        if found is None:
            between = max(change.position - token, 0)
            found = _nearest(text, change.token, end + between, end + mean * between)
        if found is not None:
            token, end = change.position + 1, found + len(change.token)
        yield None if found is None or not change.token else Place(found, exact)


def _divergence(text: str, other: str, change: Change) -> int | None:
    """Where two texts part by `change`: the tokens themselves may begin alike."""
    shared = _common_prefix(text, other)
    start = shared - _common_prefix(change.token, change.lm_token)
    here = start >= 0 and text.startswith(change.token, start)
    return start if here and other.startswith(change.lm_token, start) else None


def _nearest(text: str, token: str, earliest: int, expected: float) -> int | None:
    after = text.find(token, max(earliest, round(expected)))
    before = text.rfind(token, earliest, max(earliest, round(expected)) + len(token))
    found = [place for place in (before, after) if place >= 0]
    return min(found, key=lambda place: abs(place - expected), default=None)


def _common_prefix(a: str, b: str) -> int:
    for index, (left, right) in enumerate(zip(a, b, strict=False)):
        if left != right:
            return index
    return min(len(a), len(b))


def _change(value: Mapping[str, Any]) -> Change:
    return Change(
        position=int(value["position"]),
        lm_token=str(value["lm_token"]),
        token=str(value["token"]),
        neighbours=tuple(map(_neighbour, value["neighbours"])),
    )


def _neighbour(value: Mapping[str, Any]) -> Neighbour:
    distance = float(value["distance"])
    if not math.isfinite(distance):
        raise ValueError(distance)
    return Neighbour(
        token=str(value["token"]),
        distance=distance,
        record=str(value["record"]),
        offset=int(value["offset"]),
    )
