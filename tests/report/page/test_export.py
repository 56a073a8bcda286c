from pathlib import Path

import pytest

import knm.report.page.export as export
from knm.errors import UserError
from knm.report.page import ChartFormat, write_charts, write_page
from tests.report.page.examples import example_bench


def test_charts_are_files_of_their_own(tmp_path: Path) -> None:
    paths = write_charts(example_bench(tmp_path), tmp_path / "charts", ChartFormat.SVG)
    assert {path.name for path in paths} == {
        "pass-at-1.svg",
        "error-groups.svg",
        "verdicts.svg",
        "error-classes.svg",
        "tokens-time.svg",
        "retrieval.svg",
        "weights.svg",
        "interventions.svg",
        "flips.svg",
    }
    assert all(path.read_text().lstrip().startswith("<svg ") for path in paths)


def test_a_png_is_a_picture_of_twice_the_width(tmp_path: Path) -> None:
    try:
        paths = write_charts(example_bench(tmp_path), tmp_path, ChartFormat.PNG)
    except UserError as error:
        pytest.skip(str(error))
    header = paths[0].read_bytes()[:24]
    assert header.startswith(b"\x89PNG")
    assert int.from_bytes(header[16:20], "big") == 2 * (export.CHART_WIDTH + 32)


def test_a_png_without_fonts_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "rasterize", lambda drawing: b"blank")
    with pytest.raises(UserError, match="no fonts"):
        write_charts(example_bench(tmp_path), tmp_path, ChartFormat.PNG)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    bench = example_bench(tmp_path)
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match="cannot be written"):
        write_page(bench, blocked / "report.html")
    with pytest.raises(UserError, match="cannot be written"):
        write_charts(bench, blocked / "charts", ChartFormat.SVG)
