"""Comparisons as GitHub Markdown: made for the comment of a pull request."""

from collections.abc import Iterable, Sequence
from typing import Final

from knm.report import text
from knm.report.diff import ReportDiff
from knm.report.flips import Flip
from knm.report.matrix import RunMatrix, pair_caption, pair_rows, run_rows, setting_rows
from knm.report.settings import show_value

MOST_FLIPS: Final = 60
"""Rows of the flip table: a comment of GitHub's has at most 65,536 characters."""

_SPECIAL: Final = str.maketrans({character: "\\" + character for character in "\\`*_[]<>|#~"})


def markdown_diff(diff: ReportDiff) -> str:
    """A comparison as Markdown, the answer first; ends without a line end."""
    a, b = diff.a.totals, diff.b.totals
    rates = [
        ("", f"A: {_code(diff.a.path)}", f"B: {_code(diff.b.path)}"),
        ("Pass@1", text.pass_at_1(a), text.pass_at_1(b)),
        ("95 % interval", text.interval(a.interval), text.interval(b.interval)),
        ("tests passed", text.percent(a.mean_test_pass_rate), text.percent(b.mean_test_pass_rate)),
        ("speed", text.speed(a), text.speed(b)),
    ]
    if a.without_errata or b.without_errata:
        rates.insert(3, ("without errata", text.sound_pass_at_1(a), text.sound_pass_at_1(b)))
    if a.pass_at_k or b.pass_at_k:
        rates.insert(3, ("of samples", text.pass_at_k(a) or "-", text.pass_at_k(b) or "-"))
    compared = text.compared(a.counted, len(diff.rate_changes))
    parts = [
        f"### Pass@1 {text.percent(a.pass_at_1)} → {text.percent(b.pass_at_1)}",
        f"{_answer(diff)}, {compared}.{_reservations(diff)}",
        table(rates),
        *(text.noise(floor).capitalize() + "." for floor in diff.noise),
        _details("Settings that differ", _settings(diff)),
        _details(f"{len(diff.flips)} flips", _flips(diff.flips)) if diff.flips else "",
        _details("Verdicts", _transitions(diff)),
    ]
    return "\n\n".join(part for part in parts if part)


def markdown_matrix(matrix: RunMatrix) -> str:
    """A matrix of runs as Markdown; ends without a line end."""
    settings = setting_rows(matrix)
    parts = [
        f"### {len(matrix.reports)} runs compared",
        escaped_table(run_rows(matrix)),
        pair_caption(matrix),
        table(pair_rows(matrix)),
        _details(
            "Settings that differ",
            escaped_table([row[1:] for row in settings]) if settings else "None.",
        ),
    ]
    return "\n\n".join(parts)


def _answer(diff: ReportDiff) -> str:
    p = f"{diff.test} {text.p_value(diff.p_value)}"
    flips = f"{len(diff.gained)} gained, {len(diff.lost)} lost"
    if diff.sampled is None:
        return f"**{flips}**, {p}"
    before, after = map(text.percent, diff.sampled.means)
    return (
        f"**Over all samples {before} → {after}, {len(diff.sampled.up)} problems up,"
        f" {len(diff.sampled.down)} down**, {p}; of the samples that decide {flips}"
    )


def _reservations(diff: ReportDiff) -> str:
    notes = []
    if any(entry.critical for entry in diff.differences):
        notes.append(" **These runs are not comparable: the comparison was forced.**")
    if diff.uncounted:
        notes.append(f" {len(diff.uncounted)} left out for infrastructure faults.")
    for name, side in (("A", diff.a), ("B", diff.b)):
        if side.missing:
            notes.append(f" {name} is unfinished, {side.missing} problems have no result.")
        if side.unmatched:
            notes.append(f" {len(side.unmatched)} problems are only in {name}.")
    return "".join(notes)


def _settings(diff: ReportDiff) -> str:
    rows = [
        (_code(entry.path), escape(show_value(entry.a)), escape(show_value(entry.b)))
        for entry in diff.differences
    ]
    return table([("Setting", "A", "B"), *rows]) if rows else "None: the same run twice."


def _flips(flips: Sequence[Flip]) -> str:
    rows = [
        (
            "➕ gained" if flip.gained else "➖ lost",
            _code(flip.question_id),
            escape(f"{flip.a.label} → {flip.b.label}"),
            escape(text.one_line((flip.a if flip.gained else flip.b).message, 80)),
            _parting(flip),
        )
        for flip in flips[:MOST_FLIPS]
    ]
    lines = table([("", "Problem", "Verdict", "Message", "Completions part at"), *rows])
    left = len(flips) - MOST_FLIPS
    return f"{lines}\n\n… and {left} more." if left > 0 else lines


def _parting(flip: Flip) -> str:
    if flip.divergence is None:
        return "nowhere"
    where = f"line {flip.divergence.line}"
    if flip.change and flip.divergence.token is not None:
        where += f": {_code(flip.change.lm_token)} → {_code(flip.change.token)}"
    return where


def _transitions(diff: ReportDiff) -> str:
    rows = [(a, b, str(count)) for (a, b), count in diff.transitions.items()]
    return table([("A", "B", "Problems"), *rows])


def _details(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def escaped_table(rows: Iterable[Sequence[str]]) -> str:
    """A table whose cells are text."""
    return table([[escape(cell) for cell in row] for row in rows])


def table(rows: Iterable[Sequence[str]]) -> str:
    """A table; the first row is its head. Cells are Markdown."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _code(value: object) -> str:
    """Inline code; the fence is longer than any run of backticks inside."""
    content = str(value).replace("\n", "⏎").replace("|", "\\|") or " "
    fence = "`"
    while fence in content:
        fence += "`"
    space = " " if content.startswith("`") or content.endswith("`") else ""
    return f"{fence}{space}{content}{space}{fence}"


def escape(value: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return value.replace("\n", " ").translate(_SPECIAL)
