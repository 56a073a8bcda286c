"""The report of a self-check as a terminal shows it."""

from collections.abc import Iterator

from knm.sandbox.selfcheck.checking import Report

COLUMNS = ("", "case", "tries", "expected", "observed")


def render(report: Report, width: int | None = None) -> str:
    """A table of all cases, and the sums below it.

    Args:
        report: what to show.
        width: of the terminal, to which lines are cut; None leaves them whole.
    """
    rows: list[tuple[str, ...]] = [COLUMNS]
    for case in report.results:
        state = "ok" if case.passed else "FAIL"
        rows.append((state, case.name, case.tries, case.expected, case.observed))
    return "\n".join([*table(rows, width), "", *sums(report)])


def table(rows: list[tuple[str, ...]], width: int | None) -> Iterator[str]:
    """Rows as lines, in columns as wide as they need to be."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [f"{cell:<{size}}" for cell, size in zip(row[:-1], widths, strict=True)]
        line = "  ".join([*cells, row[-1]])
        yield line if width is None or len(line) <= width else f"{line[: width - 1]}…"


def sums(report: Report) -> Iterator[str]:
    """How many passed, and what was left out and why."""
    failed = sum(not result.passed for result in report.results)
    total = len(report.results)
    yield f"{report.backend}: {total - failed} of {total} cases passed" + (
        f", {failed} FAILED" if failed else ""
    )
    for language, reason in report.skipped.items():
        yield f"{language} skipped: {reason}"
