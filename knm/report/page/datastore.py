"""What a datastore holds, drawn: how near neighbours are, and what the stored tokens are."""

from collections.abc import Mapping
from typing import Final

from knm.datastore import Calibration, DistanceSummary
from knm.report.page.palette import run_kind
from knm.report.page.scene import CHARACTER, Dot, Line, Rect, Scene, Text
from knm.report.text import percent

WIDTH: Final = 720
_SIDE: Final = 100
_BAR: Final = 18
_STEPS: Final = 5


def draw_datastore(
    name: str, calibration: Calibration | None, token_types: Mapping[str, int] | None
) -> Scene:
    """A chart of distances, at mistakes and where the LM was right, and of token types.

    What was not measured is left out, and said to be.
    """
    scene = Scene("datastore", f"{name}: distances and token types", WIDTH)
    scene.summary = "; ".join(
        [*_draw_distances(scene, calibration), *_draw_types(scene, token_types)]
    )
    return scene


def _draw_distances(scene: Scene, calibration: Calibration | None) -> list[str]:
    measured: dict[str, DistanceSummary] = {}
    if calibration is not None:
        both = {"at mistakes": calibration.mistakes, "where right": calibration.correct}
        measured = {name: summary for name, summary in both.items() if summary is not None}
    if not measured:
        scene.caption("No distances were measured: there are no two records to compare")
        return ["no distances"]
    scene.caption("Squared distance to the nearest key of another record: 10, 25, 50, 75, 90 %")
    scene.height += 6
    top = max(max(summary.quantiles.values()) for summary in measured.values()) or 1.0
    room = scene.width - _SIDE - 150
    lines = []
    for number, (name, summary) in enumerate(measured.items()):
        ends = [_SIDE + room * value / top for value in summary.quantiles.values()]
        y, kind = scene.height + _BAR / 2, run_kind(number + 1)
        scene.add(
            Text(0, y + 4, name),
            Line(ends[0], y, ends[-1], y, f"stroke-{kind}"),
            Rect(ends[1], y - 6, ends[-2] - ends[1], 12, f"{kind} faint"),
            *(Line(x, y - 6, x, y + 6, f"stroke-{kind}") for x in (ends[0], ends[-1])),
            Dot(ends[2], y, 5, kind),
        )
        right = f"nearest right {percent(summary.nearest_right)}"
        scene.add(Text(scene.width, y + 4, right, "value", "end"))
        scene.height += _BAR + 10
        values = ", ".join(f"{value:.4g}" for value in summary.quantiles.values())
        lines.append(f"{name}: {values}; {right}")
    for step in range(_STEPS + 1):
        x = _SIDE + room * step / _STEPS
        scene.add(Line(x, scene.height, x, scene.height + 4))
        scene.add(Text(x, scene.height + 16, f"{top * step / _STEPS:.3g}", "tick", "middle"))
    scene.height += 30
    return lines


def _draw_types(scene: Scene, token_types: Mapping[str, int] | None) -> list[str]:
    if token_types is None or not any(token_types.values()):
        scene.caption("Token types are not known")
        return ["token types not known"]
    total = sum(token_types.values())
    scene.caption("Types of the stored tokens", f"{total} entries")
    scene.height += 6
    longest = max(token_types.values())
    lines = []
    for name, number in token_types.items():
        label = f"{number} ({percent(number / total)})"
        length = (scene.width - _SIDE - CHARACTER * 20) * number / longest
        scene.add(Text(0, scene.height + 13, name))
        scene.add(Rect(_SIDE, scene.height + 2, length, _BAR - 4, run_kind(1)))
        scene.add(Text(_SIDE + length + 6, scene.height + 13, label, "small"))
        scene.height += _BAR + 2
        lines.append(f"{name}: {label}")
    return lines
