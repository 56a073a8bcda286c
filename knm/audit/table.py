"""The table of an audit, for people: GitHub Markdown that reads well in a terminal too."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from knm.audit.checks import Check
from knm.audit.results import Line
from knm.report.markdown import escape, table
from knm.report.rates import name_tests
from knm.report.text import interval, percent

_HEAD: Final = (
    "Row",
    "Pass@1",
    "95 % interval",
    "Gained / lost",
    "p",
    "Recovered",
    "Tests passed",
    "Token accuracy",
    "Tokens/s",
    "Store",
)


def render_markdown(
    facts: Mapping[str, Any],
    lines: Sequence[Line],
    curve: Sequence[Line],
    checks: Sequence[Check],
) -> str:
    """All of an audit: what was audited, the rows, the curve and the checks."""
    model, problems, corpus = facts["model"], facts["problems"], facts["corpus"]
    blocks = [
        f"# Audit of {escape(facts['preset']['name'])} on {escape(problems['name'])}",
        f"Model {escape(model['name'])} ({model['weights_hash'][:12]}, {model['dtype']}) on "
        f"{escape(facts['device'])}; {problems['count']} problems "
        f"({problems['content_hash'][:12]}); {corpus['programs']:,} programs of "
        f"{escape(corpus['file'])} ({corpus['hash'][:12]}).",
        table([_HEAD, *map(_cells, lines)]),
        f"Gained and lost against the LM alone in the row's language{_tests(lines)}; recovered is "
        "the share of what the fine-tuned copy gains.",
    ]
    faults = [line for line in lines if line.result.trial.faults]
    if faults:
        said = ", ".join(f"{line.result.row.title}: {_faults(line)}" for line in faults)
        blocks.append(f"Lost to infrastructure and not counted: {escape(said)}.")
    if curve:
        blocks += ["## Gain by number of programs", table([_HEAD, *map(_cells, curve)])]
    if checks:
        blocks += ["## Checks", table([("Row", "Must show", "", "Found"), *map(_check, checks)])]
    return "\n\n".join(blocks) + "\n"


def _tests(lines: Sequence[Line]) -> str:
    tests = [line.comparison.test for line in lines if line.comparison is not None]
    return f", p by {name_tests(tests)}" if tests else ""


def _cells(line: Line) -> tuple[str, ...]:
    result, comparison = line.result, line.comparison
    totals, store, speed = result.trial.totals, result.store, result.trial.tokens_per_second
    flips, p = "", ""
    if comparison is not None:
        flips = f"{len(comparison.gained)} / {len(comparison.lost)}"
        p = f"{comparison.p:.2g}"
        if comparison.identical:
            flips = "identical"
    return (
        escape(result.row.title),
        f"{percent(totals.pass_at_1)} ({totals.passed} of {totals.counted})",
        interval(totals.interval),
        flips,
        p,
        "" if line.recovered is None else f"{100 * line.recovered:.0f} %",
        percent(totals.mean_test_pass_rate),
        "" if result.token_accuracy is None else f"{result.token_accuracy:.4f}",
        "" if speed is None else f"{speed:,.0f}",
        "" if store is None else f"{store.entries:,} keys, {_megabytes(store.bytes)}",
    )


def _check(check: Check) -> tuple[str, ...]:
    return (escape(check.row), check.what, "✅" if check.holds else "❌", escape(check.detail))


def _faults(line: Line) -> str:
    counts = line.result.trial.totals.verdicts
    found = {fault.verdict.value for fault in line.result.trial.faults}
    return ", ".join(f"{counts[name]} {name}" for name in sorted(found))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
