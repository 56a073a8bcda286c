import pytest

from knm.datastore import Calibration, DistanceSummary
from knm.report.page.datastore import draw_datastore
from knm.report.page.rendering import render_chart
from knm.report.page.scene import Dot, Line, Rect, Text

POINTS = ("0.1", "0.25", "0.5", "0.75", "0.9")


def summary(*distances: float) -> DistanceSummary:
    return DistanceSummary(50, dict(zip(POINTS, distances, strict=True)), nearest_right=0.5)


CALIBRATION = Calibration(40.0, summary(10, 20, 40, 60, 80), summary(1, 2, 4, 6, 8))
TYPES = {"keyword": 30, "operator": 10, "other": 0}


def test_distances_of_both_sides_are_on_one_scale():
    scene = draw_datastore("store", CALIBRATION, TYPES)
    wrong, right = [shape.x for shape in scene.shapes if isinstance(shape, Dot)]
    ticks = [shape for shape in scene.shapes if isinstance(shape, Text) and shape.style == "tick"]
    zero = min(tick.x for tick in ticks)
    assert (wrong - zero) == pytest.approx(10 * (right - zero))
    assert [tick.text for tick in ticks] == ["0", "16", "32", "48", "64", "80"]


def test_bars_are_as_long_as_there_are_entries():
    scene = draw_datastore("store", None, TYPES)
    bars = [shape.width for shape in scene.shapes if isinstance(shape, Rect)]
    assert bars[0] == pytest.approx(3 * bars[1])
    assert bars[2] == 0


def test_everything_is_inside_the_picture():
    scene = draw_datastore("store", CALIBRATION, TYPES)
    for shape in scene.shapes:
        if isinstance(shape, Rect):
            assert 0 <= shape.x <= shape.x + shape.width <= scene.width
        if isinstance(shape, Line):
            assert max(shape.y1, shape.y2) <= scene.height


def test_what_was_not_measured_is_said():
    scene = draw_datastore("store", Calibration(None, None, None), None)
    assert scene.summary == "no distances; token types not known"
    assert "No distances were measured" in render_chart(scene)


def test_the_summary_says_it_in_words():
    scene = draw_datastore("store", CALIBRATION, TYPES)
    assert "at mistakes: 10, 20, 40, 60, 80; nearest right 50.0 %" in scene.summary
    assert "keyword: 30 (75.0 %)" in scene.summary
