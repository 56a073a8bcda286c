"""A chart as shapes on a plane, in CSS pixels from the top left. Knows nothing of runs."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from knm.report.page.runs import printable

CHARACTER: Final = 7.0
"""About the width of a character of chart text: there are no font metrics here."""

LINE: Final = 18
"""Height of a line of chart text."""


@dataclass(frozen=True)
class Rect:
    """A filled rectangle; `kind` is a style of the palette or a name of the chart style sheet."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    title: str = ""


@dataclass(frozen=True)
class Line:
    """A stroke."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: str = "axis"


@dataclass(frozen=True)
class Dot:
    """A filled circle."""

    x: float
    y: float
    radius: float
    kind: str


@dataclass(frozen=True)
class Text:
    """A line of text on the base line `y`; `style` is label, value, tick or ink-KIND."""

    x: float
    y: float
    text: str
    style: str = "label"
    anchor: str = "start"


@dataclass(frozen=True)
class Link:
    """Shapes that lead to a problem when they are in a page."""

    question_id: str
    label: str
    shapes: tuple[Rect, ...]


Shape = Rect | Line | Dot | Text | Link


@dataclass
class Scene:
    """A chart being drawn. `summary` says in words what the shapes show."""

    name: str
    title: str
    width: float
    height: float = 0.0
    summary: str = ""
    shapes: list[Shape] = field(default_factory=list)

    def add(self, *shapes: Shape) -> None:
        """Draw."""
        self.shapes.extend(shapes)

    def caption(self, text: str, value: str = "") -> None:
        """A line of text at the bottom so far, and a value at its right end."""
        self.height += LINE
        room = self.width - CHARACTER * (len(value) + 2)
        self.add(Text(0, self.height - 5, shorten(text, room)))
        if value:
            self.add(Text(self.width, self.height - 5, value, "value", "end"))

    def legend(self, entries: Iterable[tuple[str, str]]) -> None:
        """(kind, name) marks, wrapped to the width."""
        x = 0.0
        self.height += LINE
        for kind, name in entries:
            needed = CHARACTER * len(name) + 30
            if x and x + needed > self.width + 12:
                x, self.height = 0.0, self.height + LINE
            self.add(Rect(x, self.height - 14, 10, 10, kind))
            self.add(Text(x + 15, self.height - 5, shorten(name, self.width - x - 15), "tick"))
            x += needed


def shorten(text: str, room: float) -> str:
    """Text that fits in about this many pixels, with an ellipsis for what does not."""
    text = printable(text).replace("\n", " ").replace("\t", " ")
    fitting = max(int(room / CHARACTER), 2)
    return text if len(text) <= fitting else text[: fitting - 1] + "…"
