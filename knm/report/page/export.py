"""The page and its charts as files."""

from pathlib import Path
from typing import Final

from knm.errors import UserError, named
from knm.jsonio import write_text
from knm.report.formats import ChartFormat
from knm.report.page.charts import draw_charts
from knm.report.page.rendering import render_chart, render_page
from knm.report.page.runs import Bench
from knm.report.page.scene import Scene

CHART_WIDTH: Final = 720
PNG_ZOOM: Final = 2.0

_FAMILIES: Final = "'DejaVu Sans', Arial, sans-serif"  # of those in chart.css, what systems have
PROBE: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">{}</svg>'


def write_page(bench: Bench, path: Path) -> None:
    """Write the page of these runs, atomically.

    Raises:
        UserError: a result is malformed, or the file cannot be written.
    """
    page = render_page(bench)
    try:
        write_text(path, page)
    except OSError as error:
        raise _unwritable(path, error) from None


def write_charts(bench: Bench, directory: Path, kind: ChartFormat) -> list[Path]:
    """Write each chart that the runs have data for; the files' paths, in the order of the page.

    Raises:
        UserError: a file cannot be written, or a PNG would lack its text for want of fonts.
    """
    if kind is ChartFormat.PNG:
        check_fonts(f"{named('format')} {kind.value}", f"{named('format')} {ChartFormat.SVG.value}")
    paths = []
    for scene in draw_charts(bench, CHART_WIDTH):
        path = directory / f"{scene.name}.{kind.value}"
        _write(scene, path, kind)
        paths.append(path)
    return paths


def write_chart(scene: Scene, path: Path) -> None:
    """Write one chart in the format that its file's name ends in.

    Raises:
        UserError: the name ends in neither, the file cannot be written, or a PNG would lack its
            text for want of fonts.
    """
    kind = check_picture(path)
    _write(scene, path, kind)


def check_picture(path: Path) -> ChartFormat:
    """The format that a picture's name asks for.

    Raises:
        UserError: the name ends in neither, or a PNG would lack its text for want of fonts.
    """
    ending = path.suffix.lstrip(".").lower()
    if ending not in set(ChartFormat):
        raise UserError(f"{named('picture')} {path}: must end in .svg or .png")
    kind = ChartFormat(ending)
    if kind is ChartFormat.PNG:
        check_fonts(f"{named('picture')} {path}", "a file that ends in .svg")
    return kind


def _write(scene: Scene, path: Path, kind: ChartFormat) -> None:
    drawing = render_chart(scene)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if kind is ChartFormat.PNG:
            path.write_bytes(rasterize(drawing))
        else:
            write_text(path, drawing)
    except OSError as error:
        raise _unwritable(path, error) from None


def rasterize(drawing: str) -> bytes:
    """A drawing, SVG text, as a PNG file's bytes."""
    from resvg_py import svg_to_bytes

    return svg_to_bytes(svg_string=drawing, zoom=PNG_ZOOM, languages=["en"])


def check_fonts(option: str, instead: str) -> None:
    """Refuse a picture whose text would silently be missing, for want of any font on the system.

    Raises:
        UserError: naming the option, and what to take instead.
    """
    blank = PROBE.format("")
    lettered = PROBE.format(f'<text y="18" font-family="{_FAMILIES}">M</text>')
    if rasterize(blank) == rasterize(lettered):
        raise UserError(
            f"{option}: this system has no fonts to draw text with; install some"
            f" (on Debian: fonts-dejavu-core) or use {instead}"
        )


def _unwritable(path: Path, error: OSError) -> UserError:
    return UserError(f"{path}: cannot be written: {error.strerror}; choose another place")
