"""Totals and comparisons as plain text, aligned, without colour: made for terminals and logs."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from knm.report.diff import ReportDiff, show_value
from knm.report.summary import Totals

WIDTH = 100  # columns; id lists are wrapped to it


def render_summary(totals: Totals, report: Path | None = None) -> list[str]:
    """The lines that close a run; `report` is where its report is, None when there is none."""
    rows = [
        ("Pass@1", f"{_pass_at_1(totals)}, 95 % interval {_interval(totals)}"),
        ("tests passed", f"{_percent(totals.mean_test_pass_rate)} of a problem's, on average"),
        ("verdicts", _counts(totals.verdicts)),
    ]
    if totals.error_classes:
        rows.append(("error classes", _counts(totals.error_classes)))
    if totals.infrastructure:
        rows.append(("infrastructure", f"{totals.infrastructure} not counted in any rate"))
    rows.append(("tokens", _tokens(totals)))
    if totals.knn:
        rows.append(("kNN", _knn(totals)))
    if report:
        rows.append(("report", str(report)))
    return _table(rows)


def render_diff(diff: ReportDiff) -> str:
    """A comparison as text, settings first; ends without a line end."""
    a, b = diff.a.totals, diff.b.totals
    blocks = [
        _table([("A", str(diff.a.path)), ("B", str(diff.b.path))]),
        _settings(diff),
        _problems(diff),
        _table(
            [
                ("", "A", "B"),
                ("Pass@1", _pass_at_1(a), _pass_at_1(b)),
                ("95 % interval", _interval(a), _interval(b)),
                ("tests passed", _percent(a.mean_test_pass_rate), _percent(b.mean_test_pass_rate)),
            ]
        ),
        [
            *_ids("gained", diff.gained),
            *_ids("lost", diff.lost),
            f"exact McNemar, two-sided: p = {diff.p_value:.3g}",
        ],
        _transitions(diff),
    ]
    return "\n\n".join("\n".join(block) for block in blocks)


def _settings(diff: ReportDiff) -> list[str]:
    if not diff.differences:
        return ["Same configuration."]
    rows = [
        ("!" if entry.critical else " ", entry.path, show_value(entry.a), show_value(entry.b))
        for entry in diff.differences
    ]
    lines = _table([(" ", "Different settings", "A", "B"), *rows])
    if any(entry.critical for entry in diff.differences):
        lines.append("! these runs are not comparable; what follows was forced")
    return lines


def _problems(diff: ReportDiff) -> list[str]:
    lines = [f"{diff.a.totals.counted} problems compared"]
    for label, ids in (
        ("left out, infrastructure fault", diff.uncounted),
        ("only in A", diff.a.unmatched),
        ("only in B", diff.b.unmatched),
    ):
        if ids:
            lines.extend(_ids(label, ids))
    return lines


def _transitions(diff: ReportDiff) -> list[str]:
    rows = [
        (before, "->" if before != after else "=", after, str(count))
        for (before, after), count in diff.transitions.items()
    ]
    return _table([("Verdict in A", "", "Verdict in B", "Problems"), *rows])


def _pass_at_1(totals: Totals) -> str:
    return f"{_percent(totals.pass_at_1)} ({totals.passed} of {totals.counted})"


def _interval(totals: Totals) -> str:
    low, high = totals.interval
    return f"{100 * low:.1f}-{100 * high:.1f} %"


def _tokens(totals: Totals) -> str:
    rate = totals.throughput.tokens_per_second
    speed = "" if rate is None else f", {rate:,.1f} tokens/s"
    return f"{totals.prompt_tokens:,} of prompts, {totals.completion_tokens:,} generated{speed}"


def _knn(totals: Totals) -> str:
    assert totals.knn is not None
    if totals.knn.changes_per_1000 is None:
        return "no step was decoded"
    return (
        f"searched {_percent(totals.knn.searched_share)} of {totals.knn.steps:,} steps,"
        f" {totals.knn.changes_per_1000:.1f} argmax changes per 1000 steps"
    )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())


def _ids(label: str, ids: Sequence[str]) -> list[str]:
    text = f"{label} {len(ids)}: {' '.join(ids)}" if ids else f"{label} 0"
    return textwrap.wrap(
        text, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned, two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
