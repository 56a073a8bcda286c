"""A sweep as a heat map: two settings across and down, the best score of each pair as a colour."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError, named
from knm.jsonio import write_text
from knm.metrics.space import Space
from knm.metrics.sweep import SweepResult, Tried
from knm.option_fields import read_list

_CELL: Final = (72, 34)
_LEFT: Final = 150
_TOP: Final = 62
_NOTE: Final = "best of each pair over all other settings"
_BINNED: Final = "; many values: bins, by their lower ends"
_MOST_VALUES: Final = 12  # of a setting; more are put into bins
# Dark to light, as viridis: readable in print and by the colour-blind.
_COLOURS: Final = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def choose_axes(space: Space, asked: str | None) -> tuple[str, str] | None:
    """The settings across and down: those `asked` for, `A,B`, or the first two that vary.

    None where fewer than two vary and none were asked for.

    Raises:
        UserError: there are no such settings.
    """
    if asked is None:
        varied = [name for name, axis in space.axes.items() if len(axis.values) > 1]
        return (varied[0], varied[1]) if len(varied) > 1 else None
    names = read_list("axes", asked, "two settings", str)
    if len(names) != 2 or not set(names) <= space.axes.keys():
        raise UserError(
            f"{named('axes')} {asked}: give two different ones of {', '.join(space.axes)}"
        )
    return names[0], names[1]


def write_heat_map(result: SweepResult, axes: tuple[str, str], path: Path) -> None:
    """Draw the heat map as SVG."""
    write_text(path, draw_heat_map(result, axes))


def draw_heat_map(result: SweepResult, axes: tuple[str, str]) -> str:
    """The heat map as the text of a SVG file; the best cell is framed."""
    across, down = (_Scale(name, result.tried) for name in axes)
    best: dict[tuple[int, int], float] = {}
    for tried in result.tried:
        cell = across.place(tried), down.place(tried)
        best[cell] = max(best.get(cell, -math.inf), tried.objective)
    low, high = min(best.values()), max(best.values())
    width = _LEFT + _CELL[0] * len(across.labels) + 20
    height = _TOP + _CELL[1] * len(down.labels) + 20
    title = f"{result.objective.name}: {down.name} by {across.name}"
    shapes = [
        _text(12, 22, title, size=14, weight="bold"),
        _text(12, 40, _NOTE + (_BINNED if across.binned or down.binned else ""), colour="#555"),
    ]
    for column, label in enumerate(across.labels):
        shapes.append(_text(_LEFT + (column + 0.5) * _CELL[0], _TOP - 6, label, anchor="middle"))
    for row, label in enumerate(down.labels):
        shapes.append(_text(_LEFT - 8, _TOP + (row + 0.62) * _CELL[1], label, anchor="end"))
    for (column, row), value in sorted(best.items()):
        place = (value - low) / (high - low) if high > low else 1.0
        x, y = _LEFT + column * _CELL[0], _TOP + row * _CELL[1]
        frame = ' stroke="#c00" stroke-width="3"' if value == high else ""
        shapes.append(
            f'<rect x="{x + 2}" y="{y + 2}" width="{_CELL[0] - 4}" height="{_CELL[1] - 4}" '
            f'fill="rgb{_colour(place)}"{frame}/>'
        )
        ink = "#fff" if place < 0.6 else "#000"
        shapes.append(_text(x + _CELL[0] / 2, y + 21, f"{value:.4g}", anchor="middle", colour=ink))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}" font-family="sans-serif">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(shapes)}</svg>\n'
    )


class _Scale:
    """The values of one setting in order, or bins of them where there are many."""

    def __init__(self, name: str, tried: Sequence[Tried]) -> None:
        self.name = name
        values = {repr(one.point.values[name]): one.point.values[name] for one in tried}
        numeric = all(_is_number(value) for value in values.values())
        order = sorted(values, key=lambda text: values[text] if numeric else text)
        self._edges: list[float] = []
        if numeric and len(values) > _MOST_VALUES:
            low, high = float(values[order[0]]), float(values[order[-1]])
            steps = range(1, _MOST_VALUES)
            if low > 0 and high / low > 10:
                self._edges = [low * (high / low) ** (step / _MOST_VALUES) for step in steps]
            else:
                self._edges = [low + (high - low) * step / _MOST_VALUES for step in steps]
            self.labels = [f"{edge:.3g}" for edge in (low, *self._edges)]
        else:
            self._places = {text: place for place, text in enumerate(order)}
            self.labels = [_label(values[text]) for text in order]

    @property
    def binned(self) -> bool:
        """Whether a label is the lower end of a bin."""
        return bool(self._edges)

    def place(self, tried: Tried) -> int:
        """The row or column of a configuration."""
        value = tried.point.values[self.name]
        if self._edges:
            return sum(value >= edge for edge in self._edges)
        return self._places[repr(value)]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _label(value: Any) -> str:
    text = f"{value:g}" if _is_number(value) else str(value)
    return text if len(text) <= 20 else f"…{text[-19:]}"


def _colour(place: float) -> tuple[int, int, int]:
    at = place * (len(_COLOURS) - 1)
    below = min(int(at), len(_COLOURS) - 2)
    part = at - below
    red, green, blue = (
        round(a + part * (b - a)) for a, b in zip(_COLOURS[below], _COLOURS[below + 1], strict=True)
    )
    return red, green, blue


def _text(
    x: float,
    y: float,
    text: str,
    *,
    size: int = 12,
    anchor: str = "start",
    colour: str = "#000",
    weight: str = "normal",
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}" fill="{colour}" '
        f'font-weight="{weight}">{escape(text)}</text>'
    )
