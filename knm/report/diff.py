"""Comparison of two runs: what was set differently, and what came of it problem by problem."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.jsonio import dumps
from knm.report.document import Report
from knm.report.schema import ProblemResult
from knm.report.statistics import mcnemar_exact
from knm.report.summary import Totals, summarize
from knm.sandbox import Verdict

CRITICAL: Final = (
    "hashes.problem_set",
    "hashes.prompt",
    "configuration.language",
    "configuration.limits",
    "configuration.max_new_tokens",
    "configuration.samples",
    "configuration.sampling.temperature",
    "configuration.sampling.top_p",
)
"""Dotted paths that must agree for two runs to have sat the same exam. Models, datastores and
presets are what runs are compared for, so they may differ."""


@dataclass(frozen=True)
class Difference:
    """One setting that differs; None is what a run does not set."""

    path: str
    a: Any
    b: Any

    @property
    def critical(self) -> bool:
        """Whether it makes the runs incomparable."""
        return any(self.path == name or self.path.startswith(name + ".") for name in CRITICAL)


@dataclass(frozen=True)
class Side:
    """One of the two runs: totals of the compared problems, and the ids that it alone holds."""

    path: Path
    totals: Totals
    unmatched: tuple[str, ...]


@dataclass(frozen=True)
class ReportDiff:
    """What changed from run `a` to run `b`. Ids are in order.

    Compared are the problems that both runs hold and neither lost to infrastructure (those are
    `uncounted`). `transitions` counts them by (verdict in a, verdict in b), in verdict order.
    """

    a: Side
    b: Side
    differences: tuple[Difference, ...]
    uncounted: tuple[str, ...]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    transitions: dict[tuple[str, str], int]

    @property
    def p_value(self) -> float:
        """Two-sided exact McNemar of the flips."""
        return mcnemar_exact(len(self.gained), len(self.lost))

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON."""
        return {
            "differences": [
                {"path": entry.path, "a": entry.a, "b": entry.b, "critical": entry.critical}
                for entry in self.differences
            ],
            **{
                name: {
                    "path": str(side.path),
                    "unmatched": list(side.unmatched),
                    "totals": side.totals.to_json(),
                }
                for name, side in (("a", self.a), ("b", self.b))
            },
            "uncounted": list(self.uncounted),
            "gained": list(self.gained),
            "lost": list(self.lost),
            "p_value": self.p_value,
            "transitions": [
                {"a": before, "b": after, "count": count}
                for (before, after), count in self.transitions.items()
            ],
        }


def diff_reports(a: Report, b: Report, *, force: bool = False) -> ReportDiff:
    """Compare two runs.

    Raises:
        UserError: the runs share no problem, or differ in what must agree and `force` is off.
    """
    differences = tuple(_differences(a, b))
    critical = [entry for entry in differences if entry.critical]
    if critical and not force:
        lines = [
            f"  {entry.path}: {show_value(entry.a)} / {show_value(entry.b)}" for entry in critical
        ]
        raise UserError(
            "\n".join([f"{a.path} and {b.path} are not comparable, they differ in", *lines])
            + "\nrun one of them again with the other's settings, or compare anyway with --force"
        )
    before = {result.question_id: result for result in a.results}
    after = {result.question_id: result for result in b.results}
    common = [name for name in before if name in after]
    if not common:
        raise UserError(f"{a.path} and {b.path} have no problem in common: nothing to compare")
    both = [(before[name], after[name]) for name in common]
    pairs = [(x, y) for x, y in both if not _faulty(x, y)]
    only_a = tuple(name for name in before if name not in after)
    only_b = tuple(name for name in after if name not in before)
    return ReportDiff(
        a=Side(a.path, summarize([x for x, _ in pairs]), only_a),
        b=Side(b.path, summarize([y for _, y in pairs]), only_b),
        differences=differences,
        uncounted=tuple(x.question_id for x, y in both if _faulty(x, y)),
        gained=tuple(y.question_id for x, y in pairs if y.accepted and not x.accepted),
        lost=tuple(x.question_id for x, y in pairs if x.accepted and not y.accepted),
        transitions=_transitions(Counter((x.verdict, y.verdict) for x, y in pairs)),
    )


def regressed(diff: ReportDiff) -> bool:
    """Whether `b` passes fewer of the compared problems than `a`, significant or not."""
    return diff.b.totals.passed < diff.a.totals.passed


def show_value(value: Any) -> str:
    """A setting as short text: hashes by their first digits, `-` for what is not set."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else dumps(value)
    is_hash = len(text) == 64 and set(text) <= set("0123456789abcdef")
    return text[:12] if is_hash else text


def _faulty(before: ProblemResult, after: ProblemResult) -> bool:
    return before.verdict.is_infrastructure or after.verdict.is_infrastructure


def _differences(a: Report, b: Report) -> Iterator[Difference]:
    """Differences in path order, those that forbid a comparison first."""
    left = dict(_flatten({"configuration": a.configuration, "hashes": a.hashes}))
    right = dict(_flatten({"configuration": b.configuration, "hashes": b.hashes}))
    found = [
        Difference(path, left.get(path), right.get(path))
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    ]
    yield from sorted(found, key=lambda entry: not entry.critical)


def _flatten(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted path, leaf) of nested objects; arrays are leaves."""
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flatten(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def _transitions(counts: Counter[tuple[Verdict, Verdict]]) -> dict[tuple[str, str], int]:
    return {
        (before.value, after.value): counts[before, after]
        for before in Verdict
        for after in Verdict
        if (before, after) in counts
    }
