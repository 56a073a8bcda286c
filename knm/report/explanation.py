"""What became of one program, which of its tokens a datastore changed, and on whose word."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError, named
from knm.records import Neighbour, TokenChange
from knm.report.document import Report
from knm.report.schema import ProblemResult, Sample, place_changes

MOST_NAMED: Final = 6


@dataclass(frozen=True)
class Origin:
    """Where a neighbour comes from, as far as datastore and corpus tell.

    `source` and `line` are the corpus record's: its source, and the line of its program in which
    the stored token stands. `lm_token` with its `probability` is what the LM had predicted there.
    """

    source: str | None = None
    line: str | None = None
    lm_token: str | None = None
    probability: float | None = None


OriginFinder = Callable[[Neighbour], Origin]


@dataclass(frozen=True)
class Explained:
    """A change; `start` is its place in the program, None where it does not stand there.

    `origins` belong to its neighbours, in order.
    """

    change: TokenChange
    start: int | None
    weight: float | None
    origins: tuple[Origin, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `start` is the place in the program."""
        neighbours = [
            {**to_json(neighbour), **{k: v for k, v in to_json(origin).items() if v is not None}}
            for neighbour, origin in zip(self.change.neighbours, self.origins, strict=True)
        ]
        return {
            "position": self.change.position,
            "start": self.start,
            "lm_token": self.change.lm_token,
            "token": self.change.token,
            "weight": self.weight,
            "trials": self.change.tally and to_json(self.change.tally),
            "neighbours": neighbours,
        }


@dataclass(frozen=True)
class Explanation:
    """A problem's result, one of its samples by its index, and that one's changes in order."""

    result: ProblemResult
    number: int
    changes: tuple[Explained, ...]

    @property
    def sample(self) -> Sample:
        """The sample that is explained."""
        return self.result.samples[self.number]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; what retrieval did is null where there was none."""
        judgement, done = self.sample.judgement, self.sample.interventions
        return {
            "question_id": self.result.question_id,
            "title": self.result.title,
            "samples": [each.judgement.label for each in self.result.samples],
            "sample": self.number + 1,
            "verdict": judgement.verdict.value,
            "error_class": judgement.error_class,
            "message": judgement.message,
            "failing_test": judgement.failing_test,
            "failing_input": judgement.failing_input,
            "expected": judgement.expected,
            "got": judgement.got,
            "stderr": judgement.stderr,
            "program": self.sample.program,
            "steps": done and done.steps,
            "searched": done and done.searched,
            "argmax_changes": done and done.argmax_changes,
            "weights": (done and list(done.weights)) or None,
            "changes": [entry.to_json() for entry in self.changes],
        }


def explain(
    report: Report,
    problem: str,
    find_origin: OriginFinder = lambda _: Origin(),
    sample: int | None = None,
) -> Explanation:
    """Explain the result of the problem that `problem` names, in full or by a part of its id.

    `sample` counts from 1; by default it is the sample that decides.

    Raises:
        UserError: none or several problems are meant, or there is no such sample.
    """
    result = find_result(report, problem)
    count = len(result.samples)
    if sample is not None and not 1 <= sample <= count:
        has = f"has samples 1 to {count}" if count > 1 else "has one sample: leave it out"
        raise UserError(f"{named('sample')} {sample}: {result.question_id} {has}")
    number = result.samples.index(result.sample) if sample is None else sample - 1
    shown = result.samples[number]
    return Explanation(
        result,
        number,
        tuple(
            Explained(
                change=change,
                start=start,
                weight=_weight(change, report),
                origins=tuple(map(find_origin, change.neighbours)),
            )
            for change, start in zip(shown.changes, place_changes(shown), strict=True)
        ),
    )


def find_result(report: Report, problem: str) -> ProblemResult:
    """The result of a problem, named by its id or by a part that no other id has.

    Raises:
        UserError: there is none, or there are several.
    """
    ids = {result.question_id: result for result in report.results}
    if problem in ids:
        return ids[problem]
    meant = [name for name in ids if problem in name]
    if len(meant) == 1:
        return ids[meant[0]]
    if meant:
        raise UserError(
            f"{problem!r} is a part of {len(meant)} problems' ids: {_named(meant)}; give more of it"
        )
    close = difflib.get_close_matches(problem, ids, n=MOST_NAMED, cutoff=0.5) or list(ids)
    raise UserError(f"{report.path} has no problem {problem!r}; it has {_named(close, len(ids))}")


def _named(names: list[str], total: int | None = None) -> str:
    shown = names[:MOST_NAMED]
    left = (total or len(names)) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def _weight(change: TokenChange, report: Report) -> float | None:
    """What the report tells of a change's weight: an older one, that of a static preset."""
    if change.weight is not None:
        return change.weight
    preset = (report.configuration.get("knn") or {}).get("preset") or {}
    return preset.get("weight") if preset.get("weight_kind") == "static" else None
