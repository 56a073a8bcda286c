import re

from hypothesis import given
from hypothesis import strategies as st

from knm.report import diff_reports, markdown_diff
from knm.report.markdown import MOST_FLIPS
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

WRONG = Verdict.WRONG_OUTPUT


def compare(folder, before, after, **settings):
    a = write_report(folder / "a.json", before)
    b = write_report(folder / "b.json", after, **settings)
    return diff_reports(a, b)


def test_the_answer_comes_first(tmp_path):
    text = markdown_diff(
        compare(
            tmp_path,
            [result("a", WRONG, message="wrong output on test 2 of 4"), result("b")],
            [result("a"), result("b")],
        )
    )

    assert text.splitlines()[0] == "### Pass@1 50.0 % → 100.0 %"
    assert "**1 gained, 0 lost**, exact McNemar p = 1, 2 problems compared." in text
    assert "| ➕ gained | `a` | wrong-output → accepted | wrong output on test 2 of 4 |" in text


def test_what_limits_the_comparison_is_said(tmp_path):
    text = markdown_diff(
        compare(
            tmp_path,
            [result("a"), result("b", Verdict.SANDBOX_FAULT), result("x")],
            [result("a"), result("b")],
            selected=9,
        )
    )

    assert "1 left out for infrastructure faults." in text
    assert "B is unfinished, 7 problems have no result." in text
    assert "1 problems are only in A." in text


def test_a_comment_stays_within_githubs_bound(tmp_path):
    names = [f"problem_{number:03}" for number in range(499)]
    long = "x|`<b>`" * 400
    text = markdown_diff(
        compare(
            tmp_path,
            [result(name, WRONG, message=long, completion=long) for name in names],
            [result(name) for name in names],
        )
    )

    assert len(text) < 65536
    assert f"… and {499 - MOST_FLIPS} more." in text


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_message_breaks_the_table(tmp_path_factory, message):
    text = markdown_diff(
        compare(
            tmp_path_factory.mktemp("reports"),
            [result("a", WRONG, message=message)],
            [result("a")],
        )
    )
    (row,) = [line for line in text.split("\n") if line.startswith("| ➕")]

    assert len(re.findall(r"(?<!\\)\|", row.replace(r"\\", ""))) == 6


def test_a_repeat_adds_its_noise_floor(tmp_path):
    a = write_report(tmp_path / "a.json", [result("a")])
    repeat = write_report(tmp_path / "r.json", [result("a", WRONG)])
    text = markdown_diff(diff_reports(a, a, repeats=[repeat]))

    assert "Noise floor: the same run twice differs on 0 of 1 problems" in text
    assert "Noise floor: the same run twice differs on 1 of 1 problems" in text
