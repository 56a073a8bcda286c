"""Putting a page, or a chart as a file, together from the assets beside this module."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from knm import __version__
from knm.jsonio import dumps
from knm.report import text
from knm.report.diff import ReportDiff
from knm.report.page.charts import draw_charts
from knm.report.page.data import page_data
from knm.report.page.palette import fills, ink_on, run_kind
from knm.report.page.runs import Bench, Comparison, Run, printable
from knm.report.page.scene import Scene
from knm.report.rates import SampledComparison
from knm.report.settings import show_value

ASSETS: Final = Path(__file__).parent / "assets"
SCRIPTS: Final = (
    "dom",
    "data",
    "diff",
    "program",
    "popover",
    "columns",
    "filters",
    "list",
    "breakdown",
    "export",
    "evidence",
    "samples",
    "detail",
    "address",
    "main",
)
"""In the order in which they stand in the page, where they share one scope."""

WIDE: Final = 540
FULL: Final = 1150
NARROW: Final = 311
"""Widths of charts: in two columns, across both, and on a phone."""


def render_page(bench: Bench) -> str:
    """The whole page. Its policy admits its own style and script, by hash, and nothing else."""
    script = _asset_text(*(f"{name}.js" for name in SCRIPTS))
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    style = _asset_text("page.css") + _palette_css()
    labels = [run.label for run in bench.runs]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title=f"kNM-LM Bench: {', '.join(labels)}",
            bench=bench,
            facts=list(_facts(bench)),
            charts=_chart_pairs(bench),
            data=Markup(page_data(bench)),  # escaped there, as JSON
            script=Markup(script),
            style=Markup(style),
            policy=_policy(script, style),
            version=__version__,
        )
    )


def render_chart(scene: Scene) -> str:
    """A chart as an SVG file of its own, on white."""
    style = _asset_text("chart.css") + _palette_css()
    return _environment().get_template("chart.jinja").render(scene=scene, style=Markup(style))


def _chart_pairs(bench: Bench) -> list[tuple[Scene, Scene]]:
    wide, full, narrow = (draw_charts(bench, width) for width in (WIDE, FULL, NARROW))
    return [
        (across if across.name == "flips" else half, small)
        for half, across, small in zip(wide, full, narrow, strict=True)
    ]


def _facts(bench: Bench) -> Iterator[tuple[str, list[str]]]:
    """Rows of the table of totals: a name, and a value per run."""
    totals = [run.totals for run in bench.runs]
    yield "model", [show_value(run.report.configuration.get("model")) for run in bench.runs]
    yield "retrieval", [_retrieval(run) for run in bench.runs]
    yield "Pass@1", [text.pass_at_1(entry) for entry in totals]
    yield "95 % interval", [text.interval(entry.interval) for entry in totals]
    if any(entry.pass_at_k for entry in totals):
        yield "several samples", [text.pass_at_k(entry) or "-" for entry in totals]
    if any(entry.without_errata for entry in totals):
        yield "without errata", [text.sound_pass_at_1(entry) for entry in totals]
    yield "tests passed", [text.percent(entry.mean_test_pass_rate) for entry in totals]
    if any(entry.infrastructure for entry in totals):
        yield "infrastructure", [f"{entry.infrastructure} not counted" for entry in totals]
    if any(run.report.missing for run in bench.runs):
        yield "unfinished", [f"{run.report.missing} without a result" for run in bench.runs]
    yield (
        "tokens",
        [f"{entry.completion_tokens:,} generated{text.of_all_samples(entry)}" for entry in totals],
    )
    yield "speed", [text.speed(entry) for entry in totals]


def _retrieval(run: Run) -> str:
    knn = run.report.configuration.get("knn")
    if not isinstance(knn, dict):
        return "none"
    preset = knn.get("preset")
    name = preset.get("name") if isinstance(preset, dict) else preset
    return f"{show_value(name)}, datastore {show_value(knn.get('datastore'))}"


def _statement(pair: Comparison) -> str:
    """What the flips amount to, in a sentence or two."""
    diff = pair.diff
    if diff.sampled is not None:
        return _sampled_statement(pair, diff.sampled)
    change = len(diff.gained) - len(diff.lost)
    compared = f"of the {diff.a.totals.counted} problems that both runs count"
    if change:
        more = "more" if change > 0 else "fewer"
        said = f"{pair.b.label} passes {abs(change)} {more} {compared} than {pair.a.label}."
    else:
        said = f"Both runs pass as many {compared}."
    flips = len(diff.gained) + len(diff.lost)
    if flips:
        said += (
            f" If gains and losses were equally likely, {flips} flips would split at least"
            f" this unevenly with probability {diff.p_value:.3g}."
        )
    return said + _left_out(diff)


def _sampled_statement(pair: Comparison, sampled: SampledComparison) -> str:
    before, after = map(text.percent, sampled.means)
    return (
        f"Over all samples, the mean pass rate of the {len(sampled.problems)} problems that"
        f" both runs count goes from {before} to {after}: {text.mean_change(sampled.mean_change)}."
        f" {len(sampled.up)} problems pass more often, {len(sampled.down)} less often. Gained and"
        f" lost are of the sample of each problem that decides.{_left_out(pair.diff)}"
    )


def _left_out(diff: ReportDiff) -> str:
    count = len(diff.uncounted) + len(diff.a.unmatched) + len(diff.b.unmatched)
    if not count:
        return ""
    return f" {count} problems are not compared: lost to a fault, or in one run only."


def _differing(pair: Comparison) -> str:
    """How many settings differ, and in which parts of the configuration."""
    paths = [entry.path for entry in pair.diff.differences]
    parts = dict.fromkeys(".".join(path.split(".")[:2]) for path in paths)
    settings = "setting differs" if len(paths) == 1 else "settings differ"
    return printable(f"{len(paths)} {settings}: {', '.join(parts)}")


def _settings(run: Run) -> str:
    """A run's settings and surroundings in full, as JSON."""
    section = run.report.section
    shown = {name: section.get(name) for name in ("configuration", "hashes", "environment")}
    return dumps(shown, pretty=True)


def _permalink(question_id: str) -> str:
    return "#problem/" + quote(question_id, safe="", errors="surrogatepass")


def _styles(kinds: str) -> str:
    return " ".join(f"k-{kind}" for kind in kinds.split())


def _px(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _palette_css() -> str:
    rules = [".k-faint{opacity:.35}"]
    for kind, fill in fills().items():
        rules.append(f".k-{kind}{{fill:{fill};background-color:{fill}}}")
        rules.append(f".k-stroke-{kind}{{stroke:{fill};stroke-width:2px}}")
        ink = "font-size:11px;font-weight:600;font-family:system-ui,'DejaVu Sans',Arial,sans-serif"
        rules.append(f".k-ink-{kind}{{fill:{ink_on(fill)};{ink}}}")
    return "\n".join(rules) + "\n"


def _policy(script: str, style: str) -> str:
    return (
        f"default-src 'none'; script-src {_source(script)}; style-src {_source(style)};"
        " base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )


def _source(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _asset_text(*names: str) -> str:
    return "\n".join((ASSETS / name).read_text(encoding="utf-8") for name in names)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    filters: dict[str, Any] = {
        "differing": _differing,
        "p_value": text.p_value,
        "permalink": _permalink,
        "printable": printable,
        "px": _px,
        "run_kind": run_kind,
        "settings": _settings,
        "show_value": show_value,
        "statement": _statement,
        "styles": _styles,
    }
    environment.filters.update(filters)
    return environment
