"""What a study's document is made of, whatever it is written as. All text is plain."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Heading:
    """The title (level 1) or a section's (level 2)."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Table:
    """Rows of cells, the first row being the head."""

    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A drawing as SVG text, and what it shows in words. `name` is its file's without ending."""

    name: str
    title: str
    drawing: str
    summary: str = ""


@dataclass(frozen=True)
class Commands:
    """Lines to be typed."""

    lines: Sequence[str]


@dataclass(frozen=True)
class Files:
    """Files that belong to the document: what each is, and its path from the document's folder."""

    entries: Sequence[tuple[str, str]]


Block = Heading | Paragraph | Table | Picture | Commands | Files
