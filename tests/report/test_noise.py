import pytest

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import write_json
from knm.report import (
    NoiseFloor,
    diff_reports,
    load_report,
    noise_of_repeats,
    render_diff,
    validate_document,
)
from knm.sandbox import Verdict
from tests.report.builders import document, result, write_report

WRONG = Verdict.WRONG_OUTPUT


def test_the_noise_of_the_engine_and_of_the_judge_are_told_apart(tmp_path):
    first = write_report(
        tmp_path / "a.json",
        [result("a"), result("b"), result("c", WRONG), result("d"), result("only")],
    )
    again = write_report(
        tmp_path / "b.json",
        [
            result("a"),
            result("b", WRONG, completion="another"),
            result("c", Verdict.TIMEOUT),
            result("d", Verdict.SANDBOX_FAULT),
        ],
    )
    noise = noise_of_repeats([first], again)

    assert noise.problems == 3
    assert noise.rewritten == ("b",)
    assert noise.judged_otherwise == ("c",)
    assert noise.flips == ("b",)


def test_two_runs_of_one_configuration_show_their_noise_floor(tmp_path):
    a = write_report(tmp_path / "a.json", [result("a"), result("b")])
    b = write_report(tmp_path / "b.json", [result("a", WRONG), result("b")])

    assert "noise floor: the same run twice differs on 1 of 2" in render_diff(diff_reports(a, b))


def test_runs_of_different_configurations_have_none_of_their_own(tmp_path):
    a = write_report(tmp_path / "a.json", [result("a")])
    b = write_report(tmp_path / "b.json", [result("a")], configuration={"model": "other"})

    assert diff_reports(a, b).noise == ()
    assert "noise floor" in render_diff(diff_reports(a, b, repeats=[b]))


def test_what_a_report_holds_is_shown_once(tmp_path):
    content = document([result("a"), result("b", WRONG)])
    content["knm"]["noise"] = to_json(NoiseFloor(2, ("b",), (), ("b",)))
    assert list(validate_document(content)) == []
    write_json(tmp_path / "a.json", content)
    a = load_report(tmp_path / "a.json")
    other = write_report(tmp_path / "o.json", [result("a")], configuration={"model": "other"})

    assert diff_reports(a, other).noise == (NoiseFloor(2, ("b",), (), ("b",)),)
    assert len(diff_reports(a, a).noise) == 2  # its own, and that of these two


@pytest.mark.parametrize("value", [{}, {"problems": 1, "rewritten": 3}, {"problems": "x"}])
def test_a_damaged_noise_floor_is_named(tmp_path, value):
    content = document([result("a")])
    content["knm"]["noise"] = value
    write_json(tmp_path / "a.json", content)
    report = load_report(tmp_path / "a.json")

    with pytest.raises(UserError, match=r"a\.json: `noise`: .*`.*`; judge or run again"):
        diff_reports(report, report)


def test_what_repeats_neither_run_is_refused(tmp_path):
    a = write_report(tmp_path / "a.json", [result("a")])
    other = write_report(tmp_path / "o.json", [result("a")], configuration={"model": "other"})

    with pytest.raises(UserError, match=r"o\.json is no repeat of .*a\.json: configuration\.model"):
        noise_of_repeats([a], other)
