"""Totals and comparisons as plain text, aligned, without colour: made for terminals and logs."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Final

from knm.report import text
from knm.report.diff import ReportDiff
from knm.report.flips import Divergence, Flip
from knm.report.schema import CONTEXT
from knm.report.settings import show_value
from knm.report.summary import Totals
from knm.sandbox import Judgement, Verdict

MESSAGE_LENGTH: Final = 60
# Changes in 1000 steps: presets that act write several times as many otherwise.
_HARDLY: Final = 0.5
MOST_IDS: Final = 12
"""Of those that are not compared: their number says more than their names."""


def render_summary(
    totals: Totals, report: Path | None = None, commands: Iterable[tuple[str, str]] = ()
) -> list[str]:
    """The lines that close a run; `report` is where its report is, None when there is none.

    `commands` can be typed next: what each is for, and the command.
    """
    rows = _decoded(totals) if totals.unjudged else _judged(totals)
    rows.append(("tokens", _tokens(totals)))
    if totals.knn:
        rows.append(("kNN", _knn(totals)))
        rows += [
            ("not used", f"for {count} of {totals.problems} problems: {reason}")
            for reason, count in totals.knn.withheld.items()
        ]
    if report:
        rows.append(("completions" if totals.unjudged else "report", str(report)))
    return text.table([*rows, *commands])


def _decoded(totals: Totals) -> list[tuple[str, str]]:
    """What there is to say of a run that has no verdicts."""
    rows = [("not judged", f"{totals.unjudged} of {totals.problems} problems, decoded only")]
    faults = totals.problems - totals.unjudged
    return [*rows, ("infrastructure", f"{faults} not decoded")] if faults else rows


def _judged(totals: Totals) -> list[tuple[str, str]]:
    rows = [("Pass@1", f"{text.pass_at_1(totals)}, 95 % interval {text.interval(totals.interval)}")]
    if totals.without_errata:
        rows.append(("without errata", text.sound_pass_at_1(totals)))
    if totals.pass_at_k:
        rows += [(name, line) for name, line in _pass_at_k(totals)]
    rows.append(
        ("tests passed", f"{text.percent(totals.mean_test_pass_rate)} of a problem's, on average")
    )
    rows.append(("verdicts", text.counts(totals.verdicts)))
    if totals.error_classes:
        rows.append(("error classes", text.counts(totals.error_classes)))
    if too_long := totals.error_classes.get(CONTEXT):
        rows.append(
            ("context", f"{too_long} failed: the prompt is longer than the model's context")
        )
    if totals.infrastructure:
        rows.append(("infrastructure", f"{totals.infrastructure} not counted in any rate"))
    return rows


class FlipView(StrEnum):
    """How much is told of each flip."""

    IDS = "ids"
    TABLE = "table"
    FULL = "full"


def render_diff(diff: ReportDiff, *, flips: FlipView = FlipView.TABLE) -> str:
    """A comparison as text, settings first; ends without a line end."""
    blocks = [
        text.table([("A", str(diff.a.path)), ("B", str(diff.b.path))]),
        _settings(diff),
        _problems(diff),
        _rates(diff),
        [
            *_answer(diff),
            *(line for floor in diff.noise for line in text.wrap(text.noise(floor), "  ")),
        ],
        _sampled(diff),
        _transitions(diff),
        _error_classes(diff),
        *_FLIP_VIEWS[flips](diff),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _answer(diff: ReportDiff) -> list[str]:
    if diff.sampled is None:
        return [
            f"{len(diff.gained)} gained, {len(diff.lost)} lost,"
            f" {diff.test}, two-sided: {text.p_value(diff.p_value)}"
        ]
    before, after = map(text.percent, diff.sampled.means)
    return [
        f"By problem, over all samples: mean pass rate {before} -> {after},"
        f" B - A {text.mean_change(diff.sampled.mean_change)}",
        f"{len(diff.sampled.up)} problems up, {len(diff.sampled.down)} down,"
        f" {diff.test}, two-sided: {text.p_value(diff.p_value)}",
        f"of the samples that decide: {len(diff.gained)} gained, {len(diff.lost)} lost",
    ]


def _sampled(diff: ReportDiff) -> list[str]:
    """The problems whose pass rates changed most."""
    if diff.sampled is None:
        return []
    lines = []
    for label, changed in (("up", diff.sampled.up), ("down", diff.sampled.down)):
        named = [f"{each.question_id} {text.rate(each.a)}->{text.rate(each.b)}" for each in changed]
        lines += text.id_list(label, named, MOST_IDS)
    return lines


def _settings(diff: ReportDiff) -> list[str]:
    if not diff.differences:
        return ["Same configuration."]
    rows = [
        ("!" if entry.critical else " ", entry.path, show_value(entry.a), show_value(entry.b))
        for entry in diff.differences
    ]
    lines = text.table([(" ", "Different settings", "A", "B"), *rows])
    if any(entry.critical for entry in diff.differences):
        lines.append("! these runs are not comparable; what follows was forced")
    return lines


def _problems(diff: ReportDiff) -> list[str]:
    lines = [text.compared(diff.a.totals.counted, len(diff.rate_changes))]
    for label, ids in (
        ("left out, infrastructure fault", diff.uncounted),
        ("only in A", diff.a.unmatched),
        ("only in B", diff.b.unmatched),
    ):
        if ids:
            lines.extend(text.id_list(label, ids, MOST_IDS))
    for name, side in (("A", diff.a), ("B", diff.b)):
        if side.missing:
            lines.append(f"{name} is unfinished: {side.missing} problems have no result")
    return lines


def _rates(diff: ReportDiff) -> list[str]:
    a, b = diff.a.totals, diff.b.totals
    rows = [
        ("", "A", "B"),
        ("Pass@1", text.pass_at_1(a), text.pass_at_1(b)),
        ("95 % interval", text.interval(a.interval), text.interval(b.interval)),
    ]
    if a.without_errata or b.without_errata:
        rows.append(("without errata", text.sound_pass_at_1(a), text.sound_pass_at_1(b)))
    if a.pass_at_k or b.pass_at_k:
        of_a, of_b = dict(_pass_at_k(a)), dict(_pass_at_k(b))
        rows += [(k, of_a.get(k, "-"), of_b.get(k, "-")) for k in {**of_a, **of_b}]
    rows += [
        ("tests passed", text.percent(a.mean_test_pass_rate), text.percent(b.mean_test_pass_rate)),
        ("generated", _generated(a), _generated(b)),
        ("speed", text.speed(a), text.speed(b)),
    ]
    lines = text.table(rows)
    if diff.mean_rate_change:
        # That mean is no difference of the columns where problems are samples of fewer.
        means = "" if len(diff.rate_changes) == a.counted else ", mean by problem"
        lines.append(f"tests passed, B - A{means}: {text.mean_change(diff.mean_rate_change)}")
    return lines


def _transitions(diff: ReportDiff) -> list[str]:
    rows = [
        (before, "->" if before != after else "=", after, str(count))
        for (before, after), count in diff.transitions.items()
    ]
    return text.table([("Verdict in A", "", "Verdict in B", "Problems"), *rows])


def _error_classes(diff: ReportDiff) -> list[str]:
    changed = [
        (name, str(a), str(b), f"{b - a:+d}")
        for name, (a, b) in diff.error_classes.items()
        if a != b
    ]
    return text.table([("Error class", "A", "B", ""), *changed]) if changed else []


def _flip_ids(diff: ReportDiff) -> list[list[str]]:
    return [[*text.id_list("gained", diff.gained), *text.id_list("lost", diff.lost)]]


def _flip_table(diff: ReportDiff) -> list[list[str]]:
    rows = [
        (
            "+" if flip.gained else "-",
            flip.question_id,
            f"{flip.a.label} -> {flip.b.label}",
            _place(flip.divergence),
        )
        for flip in _gained_first(diff)
    ]
    return [text.table([(" ", "Flip", "Verdict", "Completions part at"), *rows])] if rows else []


def _full_flips(diff: ReportDiff) -> list[list[str]]:
    return [_detailed(flip) for flip in _gained_first(diff)]


_FLIP_VIEWS: Final = {
    FlipView.IDS: _flip_ids,
    FlipView.TABLE: _flip_table,
    FlipView.FULL: _full_flips,
}


def _gained_first(diff: ReportDiff) -> list[Flip]:
    return sorted(diff.flips, key=lambda flip: not flip.gained)


def _place(divergence: Divergence | None) -> str:
    if divergence is None:
        return "nowhere: judged differently"
    token = "" if divergence.token is None else f", token {divergence.token}"
    return f"line {divergence.line}, character {divergence.column}{token}"


def _detailed(flip: Flip) -> list[str]:
    lines = [f"{'+' if flip.gained else '-'} {flip.question_id}"]
    lines += [f"  {name}  {_told(outcome)}" for name, outcome in (("A", flip.a), ("B", flip.b))]
    if flip.divergence is None:
        return [*lines, "  both wrote the same"]
    parting = flip.divergence
    lines += [
        f"  completions part at {_place(parting)}, after {text.quote(parting.before)}",
        f"    A goes on {text.quote(parting.a)}",
        f"    B goes on {text.quote(parting.b)}",
    ]
    if flip.change:
        lines.append(
            f"  datastore, token {flip.change.position}:"
            f" {text.quote(flip.change.lm_token)} -> {text.quote(flip.change.token)}"
        )
        near = text.neighbours(flip.change)
        lines += [f"    nearest {near}"] if near else []
    return lines


def _told(outcome: Judgement) -> str:
    """Verdict, message and tests; the message of a wrong output says no more than its test."""
    failed = outcome.failing_test is not None
    parts = [outcome.label]
    if outcome.message and not (failed and outcome.verdict == Verdict.WRONG_OUTPUT):
        parts = [f"{outcome.label}: {text.one_line(outcome.message, MESSAGE_LENGTH)}"]
    if outcome.failing_test is None:
        parts.append(f"{outcome.tests_passed} of {outcome.tests_total} tests passed")
    else:
        parts.append(f"failed test {outcome.failing_test + 1} of {outcome.tests_total}")
    return "; ".join(parts)


def _tokens(totals: Totals) -> str:
    rate = totals.throughput.tokens_per_second
    speed = "" if rate is None else f", {text.speed(totals)}"
    prompts = f"{totals.prompt_tokens:,} of prompts"
    samples = text.of_all_samples(totals)
    return f"{prompts}, {totals.completion_tokens:,} generated{samples}{speed}"


def _generated(totals: Totals) -> str:
    return f"{totals.completion_tokens:,} tokens{text.of_all_samples(totals)}"


def _pass_at_k(totals: Totals) -> list[tuple[str, str]]:
    """A line for each k: name, with the number of samples behind it, and figures."""
    samples = max(totals.pass_at_k, default=0)
    return [
        (
            f"pass@{k} of {samples}",
            f"{text.percent(share)}, 95 % interval {text.interval(interval)}",
        )
        for (k, share), interval in zip(
            totals.pass_at_k.items(), totals.pass_at_k_intervals.values(), strict=True
        )
    ]


def _knn(totals: Totals) -> str:
    assert totals.knn is not None
    if totals.knn.changes_per_1000 is None:
        return "no step was decoded"
    told = (
        f"searched {text.percent(totals.knn.searched_share)} of {totals.knn.steps:,} steps"
        f"{text.of_all_samples(totals)},"
        f" {totals.knn.changes_per_1000:.1f} argmax changes per 1000 steps"
    )
    if totals.knn.searched_share and totals.knn.changes_per_1000 < _HARDLY:
        return f"{told}: hardly any; for a LM that knows the language try --knn-preset residual"
    return told
