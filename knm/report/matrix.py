"""More than two runs: each against each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from string import ascii_uppercase
from typing import Any

from knm.codec import to_json
from knm.errors import UserError
from knm.report import text
from knm.report.diff import ReportDiff, diff_reports
from knm.report.document import Report
from knm.report.rates import name_tests
from knm.report.settings import Difference, setting_differences, show_value
from knm.report.summary import Totals, summarize


@dataclass(frozen=True)
class RunMatrix:
    """Several runs, named A, B, C ... in their order.

    `totals` are of each run's own problems; `pairs` hold the comparison of each earlier with each
    later run, by their names; `differences` those of each later run to the first.
    """

    reports: tuple[Report, ...]
    totals: tuple[Totals, ...]
    pairs: dict[tuple[str, str], ReportDiff]
    differences: tuple[tuple[Difference, ...], ...]

    @property
    def names(self) -> str:
        """One letter for each run."""
        return ascii_uppercase[: len(self.reports)]

    def against_first(self) -> Iterator[ReportDiff]:
        """The comparisons of the first run with each other."""
        return (diff for (earlier, _), diff in self.pairs.items() if earlier == self.names[0])

    def to_json(self) -> dict[str, Any]:
        """The matrix as plain JSON."""
        runs = zip(self.names, self.reports, self.totals, self.differences, strict=True)
        return {
            "runs": [
                {
                    "name": name,
                    "path": str(report.path),
                    "totals": totals.to_json(),
                    "throughput": to_json(totals.throughput),
                    "differences": [entry.to_json() for entry in differences],
                }
                for name, report, totals, differences in runs
            ],
            "pairs": [
                {
                    "a": a,
                    "b": b,
                    "gained": list(diff.gained),
                    "lost": list(diff.lost),
                    "p_value": diff.p_value,
                    "test": diff.test,
                }
                for (a, b), diff in self.pairs.items()
            ],
        }


def compare_runs(reports: Sequence[Report], *, force: bool = False) -> RunMatrix:
    """Compare each run with each other.

    Raises:
        UserError: as `diff_reports` for any two of them, or there are too many to name.
    """
    if len(reports) > len(ascii_uppercase):
        raise UserError(f"{len(reports)} runs are too many: compare up to {len(ascii_uppercase)}")
    named = list(zip(ascii_uppercase, reports, strict=False))
    return RunMatrix(
        reports=tuple(reports),
        totals=tuple(summarize(report.results) for report in reports),
        pairs={
            (a, b): diff_reports(first, second, force=force)
            for (a, first), (b, second) in combinations(named, 2)
        },
        differences=tuple(setting_differences(reports[0], report) for report in reports),
    )


def run_rows(matrix: RunMatrix) -> list[tuple[str, ...]]:
    """A table of the runs, its head first."""
    rows: list[tuple[str, ...]] = [("", "Run", "Pass@1", "95 % interval", "tests passed", "speed")]
    for name, report, totals in zip(matrix.names, matrix.reports, matrix.totals, strict=True):
        rows.append(
            (
                name,
                str(report.path),
                text.pass_at_1(totals),
                text.interval(totals.interval),
                text.percent(totals.mean_test_pass_rate),
                text.speed(totals),
            )
        )
    return rows


def setting_rows(matrix: RunMatrix) -> list[tuple[str, ...]]:
    """A table of the settings that are not the same in all runs, its head first, if there are any.

    The first column marks those that make runs incomparable.
    """
    paths = {entry.path: entry for differences in matrix.differences for entry in differences}
    rows = []
    for path in sorted(paths, key=lambda path: (not paths[path].critical, path)):
        values = []
        for differences in matrix.differences:
            found = [entry.b for entry in differences if entry.path == path]
            values.append(show_value(found[0] if found else paths[path].a))
        rows.append(("!" if paths[path].critical else " ", path, *values))
    return [(" ", "Different settings", *matrix.names), *rows] if rows else []


def pair_rows(matrix: RunMatrix) -> list[tuple[str, ...]]:
    """A table of the flips from the run of the row to that of the column, its head first."""
    rows: list[tuple[str, ...]] = [("", *matrix.names[1:])]
    for a in matrix.names[:-1]:
        cells = []
        for b in matrix.names[1:]:
            diff = matrix.pairs.get((a, b))
            cells.append("" if diff is None else _cell(diff))
        rows.append((a, *cells))
    return rows


def pair_caption(matrix: RunMatrix) -> str:
    """What stands in the table of pairs."""
    diffs = matrix.pairs.values()
    sampled = any(diff.sampled for diff in diffs)
    told = "Problems that pass more and less often" if sampled else "Gained, lost"
    return f"{told}, and p by {name_tests(diff.test for diff in diffs)}, from row to column:"


def render_matrix(matrix: RunMatrix) -> str:
    """The matrix as text; ends without a line end."""
    settings = setting_rows(matrix)
    blocks = [
        text.table(settings) if settings else ["Same configuration."],
        text.table(run_rows(matrix)),
        [pair_caption(matrix), *text.table(pair_rows(matrix))],
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _cell(diff: ReportDiff) -> str:
    up, down = (
        (diff.gained, diff.lost) if diff.sampled is None else (diff.sampled.up, diff.sampled.down)
    )
    return f"+{len(up)} -{len(down)} {text.p_value(diff.p_value)}"
