import pytest

from knm.errors import UserError
from knm.report import diff_reports, noise_of_repeats, render_diff
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

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

    assert diff_reports(a, b).noise is None
    assert "noise floor" in render_diff(diff_reports(a, b), noise=[noise_of_repeats([a, b], b)])


def test_what_repeats_neither_run_is_refused(tmp_path):
    a = write_report(tmp_path / "a.json", [result("a")])
    other = write_report(tmp_path / "o.json", [result("a")], configuration={"model": "other"})

    with pytest.raises(UserError, match=r"o\.json is no repeat of .*a\.json: configuration\.model"):
        noise_of_repeats([a], other)
