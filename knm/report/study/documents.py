"""A study's document as files: Markdown with its pictures beside it, or one PDF."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote
from xml.sax.saxutils import escape as escape_xml

from knm.errors import UserError, named
from knm.jsonio import write_text
from knm.report.formats import StudyFormat
from knm.report.markdown import escape, escaped_table
from knm.report.page.export import check_fonts, rasterize
from knm.report.study.blocks import Block, Commands, Files, Heading, Paragraph, Picture, Table

_MARGIN: Final = 48.0  # points, of an A4 page
_FONT: Final = 7.5
_HEADS: Final = {1: "Title", 2: "Heading2"}


def check_study(kind: StudyFormat) -> None:
    """Refuse what could not be written, before anything is read.

    Raises:
        UserError: a PDF, and the library that writes it is not installed, or no font.
    """
    if kind is StudyFormat.PDF:
        _import_reportlab()
        check_fonts(f"{named('format')} {kind.value}", f"{named('format')} {StudyFormat.MD.value}")


def write_study(blocks: Sequence[Block], path: Path, kind: StudyFormat) -> list[Path]:
    """Write the document, and of Markdown its pictures; the files' paths.

    Raises:
        UserError: a file cannot be written, or as `check_study`.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return (
            _write_pdf(blocks, path) if kind is StudyFormat.PDF else _write_markdown(blocks, path)
        )
    except OSError as error:
        raise UserError(f"{path}: cannot be written: {error.strerror}") from None


def pictures_beside(path: Path) -> Path:
    """The directory of the pictures of the Markdown document at `path`."""
    return path.with_name(f"{path.stem}-charts")


def _write_markdown(blocks: Sequence[Block], path: Path) -> list[Path]:
    directory = pictures_beside(path)
    written = [path]
    for block in blocks:
        if isinstance(block, Picture):
            directory.mkdir(exist_ok=True)
            written.append(directory / f"{block.name}.svg")
            write_text(written[-1], block.drawing)
    parts = (_markdown(block, directory.name) for block in blocks)
    write_text(path, "\n\n".join(parts) + "\n")
    return written


def _markdown(block: Block, directory: str) -> str:
    match block:
        case Heading(text, level):
            return f"{'#' * level} {escape(text)}"
        case Paragraph(text):
            return escape(text)
        case Table(rows):
            return escaped_table(rows)
        case Picture(name, title, _, summary):
            return (
                f"![{escape(f'{title}: {summary}' if summary else title)}]({directory}/{name}.svg)"
            )
        case Commands(lines):
            return "\n".join(f"    {line}" for line in lines)
        case Files(entries):
            return "\n".join(
                f"- {escape(what)}: [{escape(to)}]({quote(to)})" for what, to in entries
            )


def _import_reportlab() -> Any:
    try:
        import reportlab.platypus
    except ImportError:
        raise UserError(
            f"{named('format')} pdf: the library that writes it is not installed: pip install "
            f"'knm[pdf]', or take {named('format')} md"
        ) from None
    return reportlab.platypus


def _write_pdf(blocks: Sequence[Block], path: Path) -> list[Path]:
    platypus = _import_reportlab()
    from reportlab.lib.pagesizes import A4

    title = next((block.text for block in blocks if isinstance(block, Heading)), path.stem)
    # Without a date inside, the same reports give the same file.
    document = platypus.SimpleDocTemplate(
        str(path),
        pagesize=A4,
        title=title,
        invariant=1,
        **{f"{side}Margin": _MARGIN for side in ("left", "right", "top", "bottom")},
    )
    document.build([part for block in blocks for part in _flowables(block, document.width)])
    return [path]


def _flowables(block: Block, width: float) -> Iterator[Any]:
    import reportlab.platypus as platypus
    from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet
    from reportlab.lib.utils import ImageReader

    styles = getSampleStyleSheet()
    match block:
        case Heading(text, level):
            style = ParagraphStyle("heading", parent=styles[_HEADS[level]], keepWithNext=True)
            yield platypus.Paragraph(_pdf_text(text), style)
            return
        case Paragraph(text):
            yield platypus.Paragraph(_pdf_text(text), styles["BodyText"])
        case Table(rows):
            yield _pdf_table(rows, width)
        case Picture(_, _, drawing, _):
            image = rasterize(drawing)
            across, high = ImageReader(io.BytesIO(image)).getSize()
            # A picture that is taller than a page would have no place.
            scale = min(width / across, 600 / high)
            yield platypus.Image(io.BytesIO(image), across * scale, high * scale)
        case Commands(lines):
            for line in lines:
                yield platypus.Paragraph(_pdf_text(line), styles["Code"])
        case Files(entries):
            for what, to in entries:
                yield platypus.Paragraph(_pdf_text(f"{what}: {to}"), styles["BodyText"])
    yield platypus.Spacer(1, 8)


def _pdf_table(rows: Sequence[Sequence[str]], width: float) -> Any:
    """A table of that width whose cells wrap; columns go by their longest cells."""
    import reportlab.platypus as platypus
    from reportlab.lib import colors
    from reportlab.lib.styles import ParagraphStyle

    plain = ParagraphStyle("cell", fontSize=_FONT, leading=_FONT + 2, wordWrap="CJK")
    head = ParagraphStyle("head", parent=plain, fontName="Helvetica-Bold")
    longest = [min(40, max(8, *map(len, column))) + 3 for column in zip(*rows, strict=True)]
    widths = [width * each / sum(longest) for each in longest]
    cells = [
        [platypus.Paragraph(_pdf_text(cell), head if not number else plain) for cell in row]
        for number, row in enumerate(rows)
    ]
    lines = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.lightgrey),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    return platypus.Table(cells, colWidths=widths, repeatRows=1, style=lines, hAlign="LEFT")


def _pdf_text(text: str) -> str:
    """Text for the fonts that every PDF reader has, which know Latin letters alone."""
    known = text.replace("…", "...").encode("cp1252", "replace").decode("cp1252")
    return escape_xml(known)
