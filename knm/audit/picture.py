"""The pictures of an audit: the ladder of rows, and the gain against the number of programs."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from knm.audit.results import Line as Figures
from knm.audit.rows import BASELINE, FINETUNED, Role
from knm.errors import UserError
from knm.report.page.export import CHART_WIDTH, write_chart
from knm.report.page.palette import run_kind
from knm.report.page.scene import LINE, Dot, Line, Rect, Scene, Text
from knm.report.text import percent

_KINDS: Final[Mapping[Role, str]] = {
    Role.REFERENCE: run_kind(0),
    Role.IDENTITY: run_kind(0),
    Role.METHOD: run_kind(1),
    Role.PLUMBING: run_kind(2),
    Role.RIVAL: run_kind(3),
    Role.HARMLESS: run_kind(5),
}
_NAMES: Final[Mapping[Role, str]] = {
    Role.REFERENCE: "LM alone",
    Role.METHOD: "store",
    Role.PLUMBING: "oracle",
    Role.RIVAL: "other uses of the corpus",
    Role.HARMLESS: "useless stores",
}
_TALL: Final = 220.0
_MARGIN: Final = 48.0


def ladder_scene(lines: Sequence[Figures], name: str = "audit") -> Scene:
    """Pass@1 of each row as a dot in its interval, and a line where the LM alone is."""
    scene = Scene(name, "Pass@1 with 95 % Wilson interval", CHART_WIDTH)
    shown = {line.result.row.role for line in lines}
    scene.legend((_KINDS[role], said) for role, said in _NAMES.items() if role in shown)
    scene.height += 4
    top, width = scene.height, scene.width
    said = []
    for line in lines:
        row, totals = line.result.row, line.result.trial.totals
        share, (low, high) = totals.pass_at_1, totals.interval
        value = percent(share) + _flips(line)
        scene.caption(row.title, value)
        middle, kind = scene.height + 7, _KINDS[row.role]
        scene.add(Rect(0, middle - 3, width, 6, "track"))
        scene.add(Rect(width * low, middle - 3, width * (high - low), 6, f"{kind} faint"))
        if share is not None:
            scene.add(Dot(width * share, middle, 5, kind))
        scene.height += 18
        said.append(f"{row.title}: {value}")
    baseline = next((line for line in lines if line.result.row.name == BASELINE), None)
    if baseline is not None and baseline.result.trial.totals.pass_at_1 is not None:
        x = width * baseline.result.trial.totals.pass_at_1
        scene.add(Line(x, top + LINE, x, scene.height, f"stroke-{run_kind(0)}"))
    _shares_below(scene)
    scene.summary = "; ".join(said)
    return scene


def curve_scene(ladder: Sequence[Figures], curve: Sequence[Figures]) -> Scene:
    """Pass@1 against the number of programs in the store, with its speed and size below."""
    scene = Scene("curve", "Pass@1 by number of programs in the store", CHART_WIDTH)
    left, right = _MARGIN, scene.width - _MARGIN
    base = scene.height + LINE + _TALL
    for step in range(6):
        y = base - _TALL * step / 5
        scene.add(Line(left, y, right, y), Text(left - 6, y + 4, f"{20 * step} %", "tick", "end"))
    by_name = {line.result.row.name: line for line in ladder}
    for name, said, x, anchor in (
        (BASELINE, "LM alone", left, "start"),
        (FINETUNED, "fine-tuned copy", right, "end"),
    ):
        level = by_name[name].result.trial.totals.pass_at_1 if name in by_name else None
        if level is not None:
            y = base - _TALL * level
            kind = _KINDS[by_name[name].result.row.role]
            scene.add(
                Line(left, y, right, y, f"stroke-{kind}"), Text(x, y - 4, said, "tick", anchor)
            )
    logs = [math.log(line.result.row.programs or 1) for line in curve]
    span = max(logs) - min(logs) or 1.0
    places = [left + 24 + (right - left - 48) * (log - min(logs)) / span for log in logs]
    before: tuple[float, float] | None = None
    said_all = []
    for line, x in zip(curve, places, strict=True):
        totals, store = line.result.trial.totals, line.result.store
        share, (low, high) = totals.pass_at_1 or 0.0, totals.interval
        y = base - _TALL * share
        kind = _KINDS[Role.METHOD]
        if before is not None:
            scene.add(Line(*before, x, y, f"stroke-{kind}"))
        scene.add(Line(x, base - _TALL * low, x, base - _TALL * high, f"stroke-{kind}"))
        scene.add(Dot(x, y, 5, kind))
        before = (x, y)
        speed = line.result.trial.tokens_per_second
        notes = [
            f"{line.result.row.programs:,}",
            "" if speed is None else f"{speed:,.0f} tok/s",
            "" if store is None else f"{store.bytes / 1e6:,.1f} MB",
        ]
        for number, note in enumerate(notes):
            style = "tick" if number else "label"
            scene.add(Text(x, base + 16 + 15 * number, note, style, "middle"))
        said_all.append(f"{line.result.row.title}: {percent(totals.pass_at_1)}")
    scene.height = base + 16 + 15 * 3
    scene.summary = "; ".join(said_all)
    return scene


def write_pictures(scenes: Sequence[Scene], directory: Path) -> None:
    """Write each as SVG, and as PNG where the system has fonts to draw text with."""
    for scene in scenes:
        write_chart(scene, directory / f"{scene.name}.svg")
        with suppress(UserError):
            write_chart(scene, directory / f"{scene.name}.png")


def _flips(line: Figures) -> str:
    comparison = line.comparison
    if comparison is None or comparison.identical:
        return ""
    return f"  +{len(comparison.gained)} -{len(comparison.lost)}"


def _shares_below(scene: Scene) -> None:
    scene.height += LINE
    for step in range(6):
        anchor = "start" if step == 0 else "end" if step == 5 else "middle"
        x = scene.width * step / 5
        scene.add(Text(x, scene.height - 5, f"{20 * step} %", "tick", anchor))
