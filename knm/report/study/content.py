"""What the final report of a study tells, of its runs and of an audit."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from knm import __version__
from knm.errors import UserError, named
from knm.jsonio import read_json
from knm.report import text
from knm.report.breakdown import break_down
from knm.report.flips import Flip
from knm.report.page.charts import GROUPS, draw_charts
from knm.report.page.export import CHART_WIDTH
from knm.report.page.rendering import render_chart
from knm.report.page.runs import Bench, Comparison, Run
from knm.report.rates import MCNEMAR, name_tests
from knm.report.study.blocks import Block, Commands, Heading, Paragraph, Picture, Table
from knm.report.study.commands import commands_of

MOST_FLIPS: Final = 40
"""Rows of a comparison's table of flips; their numbers are told in full."""

AUDIT_NAME: Final = "audit.json"
_ERROR_CHARTS: Final = ("error-groups", "verdicts", "error-classes")
_LADDER_PICTURES: Final = (("audit", "The ladder"), ("curve", "Gain by number of programs"))


def compose_study(bench: Bench, audit: Path | None = None, by: str | None = None) -> list[Block]:
    """The document of these runs; with `audit`, the directory of one, its ladder too.

    `by` is a field of the problems that Pass@1 is broken down by.

    Raises:
        UserError: `audit` holds no audit, or no problem has the field.
    """
    charts = {scene.name: scene for scene in draw_charts(bench, CHART_WIDTH)}
    pictures = {
        name: Picture(name, scene.title, render_chart(scene), scene.summary)
        for name, scene in charts.items()
    }
    blocks: list[Block] = [
        Heading("Report of " + " and ".join(run.label for run in bench.runs), 1),
        *_runs(bench, pictures.pop("pass-at-1", None)),
        *_errors(bench, [pictures.pop(name) for name in _ERROR_CHARTS if name in pictures]),
        *_flips(bench, pictures.pop("flips", None)),
    ]
    if by is not None:
        blocks += _broken_down(bench, by)
    if pictures:
        blocks += [Heading("Tokens, time and retrieval"), *pictures.values()]
    if audit is not None:
        blocks += _ladder(audit)
    return [*blocks, *_made_by(bench, audit)]


def _runs(bench: Bench, picture: Picture | None) -> Iterator[Block]:
    yield Heading("Pass@1")
    head = ("Run", "Model", "Retrieval", "Pass@1", "95 % interval", "Tests passed", "Speed")
    yield Table([head, *map(_run_cells, bench.runs)])
    if picture is not None:
        yield picture


def _run_cells(run: Run) -> tuple[str, ...]:
    totals, configuration = run.totals, run.report.configuration
    return (
        run.label,
        str(configuration.get("model") or "-"),
        _retrieval(configuration),
        text.pass_at_1(totals),
        text.interval(totals.interval) if totals.counted else "-",
        text.percent(totals.mean_test_pass_rate),
        text.speed(totals),
    )


def _retrieval(configuration: Mapping[str, Any]) -> str:
    knn = configuration.get("knn")
    if not isinstance(knn, dict):
        return "none"
    preset = knn.get("preset")
    name = preset.get("name") if isinstance(preset, dict) else None
    return f"{name or '-'} on {knn.get('datastore') or '-'}"


def _errors(bench: Bench, pictures: Sequence[Picture]) -> Iterator[Block]:
    yield Heading("Error types")
    counts = [
        Counter(result.verdict.study_group for result in run.report.results) for run in bench.runs
    ]
    rows = [
        (run.label, *(str(found[group]) for group in GROUPS), str(run.totals.infrastructure))
        for run, found in zip(bench.runs, counts, strict=True)
    ]
    yield Table([("Run", *GROUPS, "not counted"), *rows])
    yield from pictures


def _flips(bench: Bench, picture: Picture | None) -> Iterator[Block]:
    if not bench.comparisons:
        return
    yield Heading("Flips")
    diffs = [pair.diff for pair in bench.comparisons]
    sampled = any(diff.sampled for diff in diffs)
    rates = ("More often", "Less often") if sampled else ()
    head = ("From", "To", "Problems", "Gained", "Lost", *rates, "p", "Tests passed")
    yield Table([head, *(_comparison_cells(pair, sampled) for pair in bench.comparisons)])
    decided = ", by the sample that decides" if sampled else ""
    often = " Of all samples, so many problems pass more and less often." if sampled else ""
    yield Paragraph(
        f"A problem is gained or lost where only one of two runs solves it{decided}.{often} p is "
        f"two-sided, by {name_tests(diff.test for diff in diffs)}; the change of tests passed is "
        "in points, with its 95 % interval."
    )
    unlike = [pair for pair in bench.comparisons if not pair.comparable]
    if unlike:
        names = ", ".join(pair.b.label for pair in unlike)
        yield Paragraph(
            f"Not comparable by their settings, and compared nevertheless: {names} with "
            f"{bench.runs[0].label}."
        )
    if picture is not None:
        yield picture
    for pair in bench.comparisons:
        flips = sorted(pair.diff.flips, key=lambda flip: flip.gained)  # what was lost comes first
        if flips:
            yield Table(
                [
                    (f"{pair.a.label} to {pair.b.label}", "Problem", "Before", "After"),
                    *map(_flip_cells, flips[:MOST_FLIPS]),
                ]
            )
        if len(flips) > MOST_FLIPS:
            yield Paragraph(f"and {len(flips) - MOST_FLIPS} more.")


def _comparison_cells(pair: Comparison, sampled: bool) -> tuple[str, ...]:
    diff, change = pair.diff, pair.diff.mean_rate_change
    rates: tuple[str, ...] = ("-", "-") if sampled else ()
    if diff.sampled is not None:
        rates = str(len(diff.sampled.up)), str(len(diff.sampled.down))
    return (
        pair.a.label,
        pair.b.label,
        text.problems(diff.a.totals.counted, len(diff.rate_changes)),
        str(len(diff.gained)),
        str(len(diff.lost)),
        *rates,
        f"{diff.p_value:.3g}",
        "-" if change is None else text.mean_change(change),
    )


def _flip_cells(flip: Flip) -> tuple[str, ...]:
    return "gained" if flip.gained else "lost", flip.question_id, flip.a.label, flip.b.label


def _broken_down(bench: Bench, by: str) -> Iterator[Block]:
    groups = [
        {group.value: text.pass_at_1(group.totals) for group in break_down(run.report.results, by)}
        for run in bench.runs
    ]
    values = dict.fromkeys(value for found in groups for value in found)
    yield Heading(f"Pass@1 by {by}")
    yield Table(
        [
            (by, *(run.label for run in bench.runs)),
            *((value, *(found.get(value, "-") for found in groups)) for value in values),
        ]
    )


def _ladder(directory: Path) -> Iterator[Block]:
    """The rows of an audit beside each other, from the files that it left."""
    document = read_json(directory / AUDIT_NAME)
    rows = document.get("rows") if isinstance(document, dict) else None
    if not isinstance(rows, list) or not rows:
        raise UserError(f"{named('audit')} {directory}: {AUDIT_NAME} holds no rows of an audit")
    yield Heading("The ladder")
    yield Paragraph(
        "The datastore beside what would fool us: noise, useless stores, rivals, an oracle, and a "
        "copy of the model that was fine-tuned on the same programs."
    )
    head = ("Row", "Pass@1", "95 % interval", "Gained", "Lost", "p", "Recovered")
    try:
        yield Table([head, *map(_ladder_cells, rows)])
        # Audits of before did not tell, and knew one test alone.
        tests = [row["comparison"].get("test", MCNEMAR) for row in rows if row["comparison"]]
        if tests:
            yield Paragraph(f"p is two-sided, by {name_tests(tests)}.")
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{named('audit')} {directory}: {AUDIT_NAME} is of another version of knm ({error}); "
            "run knm audit again"
        ) from None
    for name, title in _LADDER_PICTURES:
        path = directory / f"{name}.svg"
        if path.is_file():
            yield Picture(f"ladder-{name}", title, path.read_text(encoding="utf-8"))


def _ladder_cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    compared, recovered = row["comparison"] or {}, row["recovered"]
    return (
        str(row["title"]),
        f"{text.percent(row['pass_at_1'])} ({row['passed']} of {row['counted']})",
        text.interval(row["interval"]),
        str(len(compared["gained"])) if compared else "",
        str(len(compared["lost"])) if compared else "",
        f"{compared['p']:.3g}" if compared else "",
        "" if recovered is None else f"{100 * recovered:.0f} %",
    )


def _made_by(bench: Bench, audit: Path | None) -> Iterator[Block]:
    yield Heading("How to get the same")
    yield Commands(
        [
            *(line for run in bench.runs for line in commands_of(run.report)),
            *([f"knm audit --out {audit}  # with the options in {AUDIT_NAME}"] if audit else []),
        ]
    )
    rows = [
        (run.label, name, str(value))
        for run in bench.runs
        for name, value in sorted(run.report.hashes.items())
        if value
    ]
    yield Table([("Run", "Content hash of", ""), *rows])
    yield Paragraph(f"Written by knm {__version__}.")
