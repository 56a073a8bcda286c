"""The runs of a page side by side: their names, what each problem became, what flipped."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from knm.errors import UserError, named
from knm.problems import FieldValue
from knm.report.diff import ReportDiff, diff_reports
from knm.report.document import Report
from knm.report.page.asked import Asked
from knm.report.schema import ProblemResult
from knm.report.summary import Totals, summarize

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Flip(StrEnum):
    """What became of a problem from the first run to the later ones."""

    GAINED = "gained"
    LOST = "lost"
    ALWAYS = "always accepted"
    NEVER = "never accepted"
    UNCOUNTED = "not compared"


@dataclass(frozen=True)
class Run:
    """One report under the short name that the page gives it."""

    label: str
    report: Report

    @cached_property
    def totals(self) -> Totals:
        """Sums over the run's problems."""
        return summarize(self.report.results)


@dataclass(frozen=True)
class Row:
    """One problem; `results` has one entry per run, None where the run lacks the problem."""

    question_id: str
    results: tuple[ProblemResult | None, ...]

    @property
    def title(self) -> str | None:
        """The problem's, from the first run that tells it."""
        return next((entry.title for entry in self.results if entry and entry.title), None)

    @property
    def fields(self) -> Mapping[str, FieldValue]:
        """The problem's short extra fields, from the first run that tells any."""
        return next((entry.fields for entry in self.results if entry and entry.fields), {})

    @cached_property
    def flip(self) -> Flip:
        """Judged by the runs in which the problem counts, the first of which must be among them."""
        first, *later = self.results
        counted = [entry for entry in later if entry and not entry.verdict.is_infrastructure]
        if first is None or first.verdict.is_infrastructure or (later and not counted):
            return Flip.UNCOUNTED
        if first.accepted:
            return Flip.ALWAYS if all(entry.accepted for entry in counted) else Flip.LOST
        return Flip.GAINED if any(entry.accepted for entry in counted) else Flip.NEVER


@dataclass(frozen=True)
class Comparison:
    """The first run against a later one."""

    a: Run
    b: Run
    diff: ReportDiff

    @property
    def comparable(self) -> bool:
        """Whether both sat the same exam."""
        return not any(entry.critical for entry in self.diff.differences)


@dataclass(frozen=True)
class Bench:
    """All runs of a page, the first being the one that the others are compared with.

    `asked` are statements and prompts by problem, where they are known.
    """

    runs: tuple[Run, ...]
    rows: tuple[Row, ...]
    comparisons: tuple[Comparison, ...]
    asked: Mapping[str, Asked] = field(default_factory=dict)

    @cached_property
    def flips(self) -> dict[Flip, int]:
        """How many problems of each kind there are, without kinds that do not occur."""
        counts = Counter(row.flip for row in self.rows)
        return {flip: counts[flip] for flip in Flip if counts[flip]}


def join_runs(reports: Sequence[Report], asked: Mapping[str, Asked] | None = None) -> Bench:
    """Put reports side by side; `asked` is what `find_asked` found.

    Raises:
        UserError: there is none, or a later one shares no problem with the first.
    """
    if not reports:
        raise UserError(
            f"no report to show; give the files that the bench wrote with {named('results')}"
        )
    runs = tuple(map(Run, _labels(reports), reports))
    by_id = [{entry.question_id: entry for entry in report.results} for report in reports]
    ids = sorted(set().union(*by_id))
    return Bench(
        runs=runs,
        rows=tuple(Row(name, tuple(found.get(name) for found in by_id)) for name in ids),
        comparisons=tuple(
            Comparison(runs[0], run, diff_reports(reports[0], run.report, force=True))
            for run in runs[1:]
        ),
        asked=asked or {},
    )


def printable(text: str) -> str:
    """Text that HTML, XML and UTF-8 can hold: what none of them can becomes a replacement mark."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _labels(reports: Sequence[Report]) -> list[str]:
    """File names without their ending; numbered where several would be called the same."""
    stems = [printable(report.path.stem) for report in reports]
    counts, seen = Counter(stems), Counter[str]()
    labels = []
    for stem in stems:
        seen[stem] += 1
        labels.append(stem if counts[stem] == 1 else f"{stem} ({seen[stem]})")
    return labels
