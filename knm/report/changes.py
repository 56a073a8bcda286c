"""What retrieval changed in one completion, and where in the program that stands."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from knm.errors import UserError
from knm.report.schema import ProblemResult


@dataclass(frozen=True)
class Neighbour:
    """A stored position that spoke for a token; `record` and `offset` say where it comes from.

    `lm_token` is what the LM had predicted there; None if the report does not tell. `outcome` and
    `crash` are what came of a trial (`knm.engine.Neighbour`); None of a corpus's token.
    """

    token: str
    distance: float
    record: str
    offset: int
    lm_token: str | None = None
    outcome: int | None = None
    crash: int | None = None

    @property
    def came_of_it(self) -> str | None:
        """What came of a trial, in words; None of a corpus's token."""
        if self.outcome is None:
            return None
        crash = {-1: ", mended a crash", 1: ", made a crash"}.get(self.crash or 0, "")
        return {1: "gained", -1: "lost"}.get(self.outcome, "no change") + crash


@dataclass(frozen=True)
class Tally:
    """Problems behind a change in which its exchange was tried, and what it did there."""

    problems: int
    gained: int
    lost: int
    mended: int
    broken: int

    def __str__(self) -> str:
        crashes = [
            f"{count} {what}"
            for count, what in ((self.mended, "crashes mended"), (self.broken, "made"))
            if count
        ]
        told = f"gained {self.gained} of {self.problems} problems here, lost {self.lost}"
        return "; ".join([told, ", ".join(crashes)]) if crashes else told


@dataclass(frozen=True)
class Change:
    """One decoding step at which the datastore's token took the place of the LM's.

    `weight` is what the neighbours counted for; None if the report does not tell.
    """

    position: int
    start: int | None
    lm_token: str
    token: str
    neighbours: tuple[Neighbour, ...]
    weight: float | None = None

    @property
    def supporters(self) -> tuple[Neighbour, ...]:
        """The neighbours that spoke for the token that was taken."""
        return tuple(entry for entry in self.neighbours if entry.token == self.token)

    @property
    def tally(self) -> Tally | None:
        """What came of the trials behind it, by problems; None of a corpus's tokens."""
        trials = [entry for entry in self.supporters if entry.outcome is not None]
        if not trials:
            return None

        def problems(which: Callable[[Neighbour], bool] = lambda _: True) -> int:
            return len({entry.record for entry in trials if which(entry)})

        return Tally(
            problems=problems(),
            gained=problems(lambda entry: entry.outcome == 1),
            lost=problems(lambda entry: entry.outcome == -1),
            mended=problems(lambda entry: entry.crash == -1),
            broken=problems(lambda entry: entry.crash == 1),
        )


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


def place_changes(result: ProblemResult, changes: Sequence[Change]) -> list[int | None]:
    """Where in `result.program` each change begins; None where it does not stand there.

    That is so of a sampled token that was not the likeliest, and of reports that do not tell.
    """
    text, program = result.completion, result.program
    if not text or not program or (begin := text.find(program)) < 0:
        return [None] * len(changes)
    return [
        start - begin
        if (start := change.start) is not None
        and change.token
        and 0 <= start - begin <= len(program) - len(change.token)
        and text.startswith(change.token, start)
        else None
        for change in changes
    ]


def _change(value: Mapping[str, Any]) -> Change:
    return Change(
        position=int(value["position"]),
        start=None if value.get("start") is None else int(value["start"]),
        lm_token=str(value["lm_token"]),
        token=str(value["token"]),
        neighbours=tuple(map(_neighbour, value["neighbours"])),
        weight=None if value.get("weight") is None else float(value["weight"]),
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
        lm_token=None if value.get("lm_token") is None else str(value["lm_token"]),
        outcome=None if value.get("outcome") is None else int(value["outcome"]),
        crash=None if value.get("crash") is None else int(value["crash"]),
    )
