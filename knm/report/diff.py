"""Comparison of two runs: what was set differently, what came of it problem by problem, and when
that says no: what `--fail-on` names.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError
from knm.report.document import Report
from knm.report.flips import Flip, find_flips
from knm.report.noise import NoiseFloor, kept_noise, measure_noise, noise_of_repeats
from knm.report.rates import (
    Pair,
    SampledComparison,
    Significance,
    by_problem,
    compare_samples,
    significance,
)
from knm.report.schema import ProblemResult
from knm.report.settings import Difference, refuse_unlike, setting_differences
from knm.report.summary import Totals, share_of_tests_passed, summarize
from knm.sandbox import Verdict
from knm.statistics import bootstrap_interval


@dataclass(frozen=True)
class Side:
    """One of the two runs: totals of the compared problems, and the ids that it alone holds.

    `missing` counts the problems that the run was to do and did not live to.
    """

    path: Path
    totals: Totals
    unmatched: tuple[str, ...]
    missing: int


@dataclass(frozen=True)
class ReportDiff:
    """What changed from run `a` to run `b`. Ids and flips are in order of id.

    Compared are the problems that both runs hold and neither lost to infrastructure (those are
    `uncounted`). `transitions` counts them by (verdict in a, verdict in b), in verdict order;
    `error_classes` holds the counts of each class in a and in b, the largest change first.
    `rate_changes` is by how much the share of passed tests grew, for each problem (problems made of
    one are one). `noise` holds the noise floors that are known: of these two if they are one run
    done twice, of repeats, and what the reports tell. Flips are of the samples that decide.
    `sampled` compares all samples of runs that have several of a problem, None of others.
    """

    a: Side
    b: Side
    differences: tuple[Difference, ...]
    uncounted: tuple[str, ...]
    flips: tuple[Flip, ...]
    transitions: dict[tuple[str, str], int]
    error_classes: dict[str, tuple[int, int]]
    rate_changes: tuple[float, ...]
    noise: tuple[NoiseFloor, ...]
    sampled: SampledComparison | None = None

    @property
    def gained(self) -> tuple[str, ...]:
        """Problems that only `b` solves."""
        return tuple(flip.question_id for flip in self.flips if flip.gained)

    @property
    def lost(self) -> tuple[str, ...]:
        """Problems that only `a` solves."""
        return tuple(flip.question_id for flip in self.flips if not flip.gained)

    @property
    def p_value(self) -> float:
        """By the `test`, two-sided."""
        return self._significance.p_value

    @property
    def test(self) -> str:
        """What `p_value` is by, as `significance` says."""
        return self._significance.test

    @property
    def _significance(self) -> Significance:
        return significance(self.sampled, len(self.gained), len(self.lost))

    @cached_property
    def mean_rate_change(self) -> tuple[float, float, float] | None:
        """Mean of `rate_changes` and its bootstrap interval; None when nothing is compared."""
        if not self.rate_changes:
            return None
        mean = sum(self.rate_changes) / len(self.rate_changes)
        return mean, *bootstrap_interval(self.rate_changes)

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON."""
        change = self.mean_rate_change
        return {
            "differences": [entry.to_json() for entry in self.differences],
            **{
                name: {
                    "path": str(side.path),
                    "unmatched": list(side.unmatched),
                    "missing": side.missing,
                    "totals": side.totals.to_json(),
                    "throughput": to_json(side.totals.throughput),
                }
                for name, side in (("a", self.a), ("b", self.b))
            },
            "uncounted": list(self.uncounted),
            "gained": list(self.gained),
            "lost": list(self.lost),
            "p_value": self.p_value,
            "test": self.test,
            "samples": self.sampled and self.sampled.to_json(),
            "mean_test_pass_rate_change": change
            and {"mean": change[0], "interval": list(change[1:])},
            "transitions": [
                {"a": before, "b": after, "count": count}
                for (before, after), count in self.transitions.items()
            ],
            "error_classes": {
                name: {"a": before, "b": after}
                for name, (before, after) in self.error_classes.items()
            },
            "noise": [to_json(floor) for floor in self.noise],
            "flips": [flip.to_json() for flip in self.flips],
        }


def diff_reports(
    a: Report, b: Report, *, force: bool = False, repeats: Sequence[Report] = ()
) -> ReportDiff:
    """Compare two runs; `repeats` are either of them done again.

    Raises:
        UserError: the runs share no problem, or differ in what must agree and `force` is off, or a
            repeat is none.
    """
    if not force:
        refuse_unlike(a, b, (a.path, b.path))
    before = {result.question_id: result for result in a.results}
    after = {result.question_id: result for result in b.results}
    common = [name for name in before if name in after]
    if not common:
        raise UserError(f"{a.path} and {b.path} have no problem in common: nothing to compare")
    both = [(before[name], after[name]) for name in common]
    pairs = [(x, y) for x, y in both if not _faulty(x, y)]
    differences = setting_differences(a, b)
    side_a = Side(
        a.path,
        summarize([x for x, _ in pairs]),
        tuple(name for name in before if name not in after),
        a.missing,
    )
    side_b = Side(
        b.path,
        summarize([y for _, y in pairs]),
        tuple(name for name in after if name not in before),
        b.missing,
    )
    floors = [
        *([] if differences else [measure_noise(pairs)]),
        *(noise_of_repeats((a, b), repeat) for repeat in repeats),
        *kept_noise(a),
        *kept_noise(b),
    ]
    return ReportDiff(
        a=side_a,
        b=side_b,
        differences=differences,
        uncounted=tuple(x.question_id for x, y in both if _faulty(x, y)),
        flips=tuple(find_flips(pairs)),
        transitions=_transitions(Counter((x.verdict, y.verdict) for x, y in pairs)),
        error_classes=_class_changes(side_a.totals, side_b.totals),
        rate_changes=tuple(_rate_change(group) for _, group in by_problem(pairs)),
        noise=tuple(dict.fromkeys(floors)),
        sampled=compare_samples(pairs),
    )


def _rate_change(pairs: Sequence[Pair]) -> float:
    """By how much the share of passed tests grew: the mean of a problem's results."""
    changes = [
        share_of_tests_passed(after) - share_of_tests_passed(before) for before, after in pairs
    ]
    return sum(changes) / len(changes)


def regressed(diff: ReportDiff) -> bool:
    """Whether `b` passes fewer of the compared problems than `a`, significant or not.

    With several samples, whether it passes problems less often on average.
    """
    if diff.sampled is not None:
        before, after = diff.sampled.means
        return after < before
    return diff.b.totals.passed < diff.a.totals.passed


@dataclass(frozen=True)
class Condition:
    """A condition on a comparison, and its name as the user gave it."""

    name: str
    met_by: Callable[[ReportDiff], bool]

    def __str__(self) -> str:
        return self.name


def lost_any(diff: ReportDiff) -> bool:
    """Whether `b` loses a problem that `a` passes; with several samples, passes one less often."""
    return bool(diff.lost if diff.sampled is None else diff.sampled.down)


def outcome_line(diff: ReportDiff) -> str:
    """What conditions go by, in one line."""
    if diff.sampled is not None:
        before, after = diff.sampled.means
        return (
            f"{diff.b.path} against {diff.a.path}: mean pass rate {100 * before:.1f} % ->"
            f" {100 * after:.1f} %, {len(diff.sampled.down)} problems down,"
            f" {len(diff.sampled.up)} up, p = {diff.p_value:.3g}"
        )
    return (
        f"{diff.b.path} against {diff.a.path}: {len(diff.lost)} lost, {len(diff.gained)} gained, "
        f"p = {diff.p_value:.3g}"
    )


_NAMED: Final[dict[str, Callable[[ReportDiff], bool]]] = {
    "regression": regressed,
    "any-loss": lost_any,
}


def parse_condition(text: str) -> Condition:
    """A condition by name: `regression` (fewer pass), `any-loss` (a problem was lost), or
    `p:0.05` (fewer pass, and the comparison's p is at most that).

    Raises:
        UserError: it is none of these.
    """
    if text in _NAMED:
        return Condition(text, _NAMED[text])
    kind, _, level = text.partition(":")
    try:
        threshold = float(level)
    except ValueError:
        threshold = -1.0
    if kind != "p" or not 0 < threshold <= 1:
        raise UserError(
            f"fail-on {text!r}: choose regression, any-loss, or p: with a level, such as p:0.05"
        )
    return Condition(text, lambda diff: regressed(diff) and diff.p_value <= threshold)


def _faulty(before: ProblemResult, after: ProblemResult) -> bool:
    return before.verdict.is_infrastructure or after.verdict.is_infrastructure


def _transitions(counts: Counter[tuple[Verdict, Verdict]]) -> dict[tuple[str, str], int]:
    return {
        (before.value, after.value): counts[before, after]
        for before in Verdict
        for after in Verdict
        if (before, after) in counts
    }


def _class_changes(a: Totals, b: Totals) -> dict[str, tuple[int, int]]:
    names: Sequence[str] = sorted(a.error_classes.keys() | b.error_classes.keys())
    counts = {name: (a.error_classes.get(name, 0), b.error_classes.get(name, 0)) for name in names}
    return dict(sorted(counts.items(), key=lambda item: -abs(item[1][1] - item[1][0])))
