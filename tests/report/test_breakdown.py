from dataclasses import replace

import pytest

from knm.errors import UserError
from knm.problems import FieldValue
from knm.report import diff_reports
from knm.report.breakdown import MOST_GROUPS, OTHERS, break_down, break_down_diff, render_groups
from knm.report.rates import Significance
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

PASSED, FAILED = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT


def of(question_id: str, verdict: Verdict, **fields: FieldValue):
    return replace(result(question_id, verdict), fields=fields)


RESULTS = [
    of("a", PASSED, level="easy", tags=["dp", "graphs"], rating=900, day="2024-05-01"),
    of("b", FAILED, level="easy", tags=["dp"], rating=1000, day="2024-05-30"),
    of("c", PASSED, level="hard", tags=[], rating=2000, day="2024-06-02"),
    of("d", Verdict.SANDBOX_FAULT, level="hard", rating=900, day="2024-06-02"),
]


def figures(field: str) -> dict[str, tuple[int, int]]:
    groups = break_down(RESULTS, field)
    return {group.value: (group.totals.passed, group.totals.counted) for group in groups}


def test_a_run_is_told_by_the_values_of_a_field():
    assert figures("level") == {"easy": (1, 2), "hard": (1, 1)}
    assert list(figures("rating")) == ["900", "1000", "2000"]
    assert "easy" in render_groups("level", break_down(RESULTS, "level"))[1]


def test_a_problem_of_several_values_is_in_each_group():
    assert figures("tags") == {"dp": (1, 2), "graphs": (1, 1), "(none)": (1, 1)}


def test_many_dates_go_by_month_and_many_values_leave_others():
    days = [of(f"q{n}", PASSED, day=f"2024-{n % 3 + 1:02}-{n % 28 + 1:02}") for n in range(84)]
    assert [group.value for group in break_down(days, "day")] == ["2024-01", "2024-02", "2024-03"]
    names = [of(f"q{n}", PASSED, name=f"n{n:02}") for n in range(MOST_GROUPS + 6)]
    groups = break_down(names, "name")
    assert len(groups) == MOST_GROUPS + 1
    assert (groups[-1].value, groups[-1].totals.counted) == (OTHERS, 6)


def test_an_unknown_field_is_named_with_those_there_are():
    with pytest.raises(UserError, match="by levl: .* there are day, level, rating, tags"):
        break_down(RESULTS, "levl")
    with pytest.raises(UserError, match="the report tells none"):
        break_down([result("a")], "level")


def test_a_comparison_is_told_by_a_field_even_where_one_report_does_not_know_it(tmp_path):
    old = [replace(one, fields={}) for one in RESULTS]
    new = [replace(RESULTS[0], samples=result("a", FAILED).samples), *RESULTS[1:]]
    diff = diff_reports(
        write_report(tmp_path / "old.json", old), write_report(tmp_path / "new.json", new)
    )
    changes = {one.value: one for one in break_down_diff(diff, old, new, "level")}
    assert (changes["easy"].gained, changes["easy"].lost) == (0, 1)
    assert changes["easy"].significance == Significance(1.0, "exact McNemar")
    assert (changes["hard"].a.counted, changes["hard"].lost) == (1, 0)


def test_a_field_of_problems_made_of_one_is_compared_as_those_are(tmp_path):
    """Six programs of problem p, all gained, are one problem that rose: no six that did."""
    made = [of(f"p-{number}", FAILED, level="easy", of_problem="p") for number in range(6)]
    gained = [of(f"p-{number}", PASSED, level="easy", of_problem="p") for number in range(6)]
    diff = diff_reports(
        write_report(tmp_path / "a.json", made), write_report(tmp_path / "b.json", gained)
    )
    (change,) = break_down_diff(diff, made, gained, "level")
    assert (change.gained, change.lost) == (6, 0)
    assert change.significance == Significance(
        1.0, "paired permutation test of pass rates by problem (exact)"
    )
    assert change.to_json()["test"] == change.significance.test
