from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.report.page.charts import draw_charts
from knm.report.page.palette import fills, ink_on, verdict_kind
from knm.report.page.rendering import render_chart
from knm.report.page.runs import join_runs
from knm.report.page.scene import Link, Rect, Scene, Text
from knm.sandbox import Verdict
from tests.report.builders import result, write_report
from tests.report.page.examples import KNN, example_bench


@pytest.fixture
def charts(tmp_path: Path) -> dict[str, Scene]:
    return {scene.name: scene for scene in draw_charts(example_bench(tmp_path), 540)}


def test_every_chart_says_its_figures_in_words(charts: dict[str, Scene]) -> None:
    assert charts["pass-at-1"].summary.startswith("baseline: 50.0 %, interval 15.0 % to 85.0 %")
    assert charts["error-groups"].summary == (
        "baseline: output error 1, runtime error 1; knn: syntax error 1, other 1"
    )
    assert "infrastructure (not counted) 1" in charts["verdicts"].summary
    assert charts["error-classes"].summary == "index-nil: 1, 0; unbalanced-block: 0, 1"
    assert charts["tokens-time"].summary.startswith("generated tokens: 100, 104")
    assert "knn, searched: 83.3 % of 24 steps" in charts["retrieval"].summary
    assert charts["weights"].summary == "knn: most often 0.7 to 0.8"
    assert charts["interventions"].summary == "knn: median 2, most 2"
    assert charts["flips"].summary.startswith("gained: 1; lost: 1; always accepted: 1")


def test_runs_without_retrieval_or_errors_have_no_chart_of_them(tmp_path: Path) -> None:
    bench = join_runs([write_report(tmp_path / "a.json", [result("p")])])
    names = {scene.name for scene in draw_charts(bench, 540)}
    assert names == {"pass-at-1", "error-groups", "verdicts", "tokens-time", "flips"}


def test_a_run_whose_weights_are_not_known_has_no_histogram_of_them(tmp_path: Path) -> None:
    older = {name: value for name, value in KNN.items() if name != "weights"}
    bench = join_runs([write_report(tmp_path / "a.json", [result("p", knn=older)])])
    names = {scene.name for scene in draw_charts(bench, 540)}
    assert "interventions" in names
    assert "weights" not in names


def test_a_run_in_which_nothing_counts_is_drawn(tmp_path: Path) -> None:
    faults = [result("p", Verdict.SANDBOX_FAULT, generation_seconds=0.0)]
    bench = join_runs([write_report(tmp_path / "a.json", faults)])
    summaries = [scene.summary for scene in draw_charts(bench, 311)]
    assert summaries[0] == "a: nothing counted, interval 0.0 % to 100.0 %"


@pytest.mark.parametrize("width", [311, 540, 1150])
def test_nothing_is_drawn_beyond_the_edges(tmp_path: Path, width: float) -> None:
    for scene in draw_charts(example_bench(tmp_path), width):
        rects = [item for item in scene.shapes if isinstance(item, Rect)]
        rects += [part for item in scene.shapes if isinstance(item, Link) for part in item.shapes]
        assert all(item.x >= 0 and item.x + item.width <= width + 0.1 for item in rects)
        assert all(item.y >= 0 and item.y + item.height <= scene.height + 0.1 for item in rects)
        texts = [item for item in scene.shapes if isinstance(item, Text)]
        assert all(0 <= item.x <= width for item in texts)


def test_every_verdict_has_a_colour_with_readable_ink() -> None:
    for verdict in Verdict:
        assert verdict_kind(verdict) in fills()
    assert ink_on("#ffffff") == "#000000"
    assert ink_on("#101010") == "#ffffff"


@given(st.text(max_size=30))
def test_a_chart_of_any_text_is_well_formed_xml(text: str) -> None:
    scene = Scene("name", "Title", 300, summary=text)
    scene.caption(text, text)
    scene.legend([("accepted", text)])
    scene.add(Rect(0, 0, 1, 1, "accepted", text), Link(text, text, (Rect(0, 0, 1, 1, "other"),)))
    root = ElementTree.fromstring(render_chart(scene))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert "<script" not in render_chart(scene)
