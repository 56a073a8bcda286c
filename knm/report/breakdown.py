"""Totals by a field of the problems, such as their difficulty: what `--by` tells."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from knm.errors import UserError, named
from knm.report import text
from knm.report.diff import ReportDiff
from knm.report.rates import SampledComparison, Significance, compare_samples, significance
from knm.report.schema import ProblemResult
from knm.report.summary import Totals, summarize

MOST_GROUPS: Final = 24
"""Rows of a breakdown: more would be read by nobody."""

OTHERS: Final = "(others)"
NOWHERE: Final = "(none)"

_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass(frozen=True)
class Group:
    """The problems of which a field has one value, and what came of them."""

    value: str
    totals: Totals

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"value": self.value, **self.totals.to_json()}


@dataclass(frozen=True)
class GroupChange:
    """The compared problems of which a field has one value, in both runs."""

    value: str
    a: Totals
    b: Totals
    gained: int
    lost: int
    sampled: SampledComparison | None

    @property
    def significance(self) -> Significance:
        """As that of the whole comparison; of one group among several."""
        return significance(self.sampled, self.gained, self.lost)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "value": self.value,
            "counted": self.a.counted,
            "passed": {"a": self.a.passed, "b": self.b.passed},
            "gained": self.gained,
            "lost": self.lost,
            "p_value": self.significance.p_value,
            "test": self.significance.test,
        }


def break_down(results: Sequence[ProblemResult], field: str) -> list[Group]:
    """Totals for each value of a field, in order of value.

    A problem whose value is a list is in several groups. Dates go by month, or by year, where there
    are many; of other values the most frequent have a group of their own.

    Raises:
        UserError: no problem has the field.
    """
    by_value = _group(results, field)
    return [Group(value, summarize(found)) for value, found in by_value.items()]


def break_down_diff(
    diff: ReportDiff, a: Sequence[ProblemResult], b: Sequence[ProblemResult], field: str
) -> list[GroupChange]:
    """What changed for each value of a field, of the problems that `diff` compares.

    Raises:
        UserError: no problem has the field.
    """
    before = {result.question_id: result for result in a}
    compared = [
        result
        for result in b
        if result.question_id in before and result.question_id not in diff.uncounted
    ]
    # A report of an older version may not tell the fields: one of the two is enough.
    told = [result if result.fields else before[result.question_id] for result in compared]
    after = {result.question_id: result for result in compared}
    gained, lost = set(diff.gained), set(diff.lost)
    changes = []
    for value, found in _group(told, field).items():
        ids = [result.question_id for result in found]
        pairs = [(before[name], after[name]) for name in ids]
        changes.append(
            GroupChange(
                value,
                summarize([one for one, _ in pairs]),
                summarize([other for _, other in pairs]),
                len(gained.intersection(ids)),
                len(lost.intersection(ids)),
                compare_samples(pairs),
            )
        )
    return changes


def _group(results: Sequence[ProblemResult], field: str) -> dict[str, list[ProblemResult]]:
    there = sorted({name for result in results for name in result.fields})
    if field not in there:
        known = f"there are {', '.join(there)}" if there else "the report tells none: run it again"
        raise UserError(f"{named('by')} {field}: no problem of the report has it; {known}")
    values = {result.question_id: _values(result, field) for result in results}
    values = _coarsened(values)
    counts: dict[Any, int] = defaultdict(int)
    for held in values.values():
        for value in held:
            counts[value] += 1
    frequent = sorted(counts, key=lambda value: (-counts[value], str(value)))[:MOST_GROUPS]
    groups: dict[str, list[ProblemResult]] = {}
    for value in sorted(frequent, key=_order):
        name = NOWHERE if value is None else str(value)
        groups[name] = [result for result in results if value in values[result.question_id]]
    rest = set(counts) - set(frequent)
    if rest:
        groups[OTHERS] = [
            result for result in results if rest.intersection(values[result.question_id])
        ]
    return groups


def _values(result: ProblemResult, field: str) -> tuple[Any, ...]:
    value = result.fields.get(field)
    if isinstance(value, list | tuple):
        return tuple(dict.fromkeys(value)) or (None,)
    return (value,)


def _coarsened(values: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    """Dates cut to months or years, as far as that leaves few enough groups."""
    dates = {value for held in values.values() for value in held if value is not None}
    if not all(isinstance(value, str) and _DATE.match(value) for value in dates):
        return values
    for length in (10, 7, 4):
        if len({value[:length] for value in dates}) <= MOST_GROUPS or length == 4:
            return {
                name: tuple(dict.fromkeys(value and value[:length] for value in held))
                for name, held in values.items()
            }
    raise AssertionError("years come last")


def _order(value: Any) -> tuple[int, float, str]:
    """Numbers by size, then text, then what has no value."""
    if value is None:
        return 2, 0.0, ""
    if isinstance(value, int | float):
        return 0, float(value), str(value)
    return 1, 0.0, str(value)


def render_groups(field: str, groups: Iterable[Group]) -> list[str]:
    """A breakdown of one run as lines of text."""
    rows = [(field, "Pass@1", "95 % interval", "tests passed")]
    rows += [
        (
            group.value,
            text.pass_at_1(group.totals),
            text.interval(group.totals.interval) if group.totals.counted else "-",
            text.percent(group.totals.mean_test_pass_rate),
        )
        for group in groups
    ]
    return text.table(rows)


def change_rows(field: str, changes: Iterable[GroupChange]) -> list[tuple[str, ...]]:
    """A breakdown of a comparison as a table, its heads first."""
    return [
        (field, "Pass@1 of A", "Pass@1 of B", "gained", "lost", "p"),
        *(
            (
                change.value,
                text.pass_at_1(change.a),
                text.pass_at_1(change.b),
                str(change.gained),
                str(change.lost),
                f"{change.significance.p_value:.3g}",
            )
            for change in changes
        ),
    ]
