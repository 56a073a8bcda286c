from dataclasses import replace

import pytest

from knm.report import diff_reports, markdown_diff, outcome_line, parse_condition, render_diff
from knm.report.matrix import compare_runs, render_matrix
from knm.report.page.rendering import render_page
from knm.report.page.runs import join_runs
from knm.report.rates import name_tests
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result, write_report

SAMPLES = 4
SETTINGS = {"configuration": {"samples": SAMPLES}}


def solved(question_id, passed):
    """A problem of which the last `passed` samples are solved."""
    verdicts = [Verdict.WRONG_OUTPUT] * (SAMPLES - passed) + [Verdict.ACCEPTED] * passed
    return of_samples(*(result(question_id, verdict) for verdict in verdicts))


@pytest.fixture
def runs(tmp_path):
    before = {"p1": 0, "p2": 1, "p3": 1, "p4": 2, "p5": 4, "p6": 3}
    after = {"p1": 2, "p2": 3, "p3": 1, "p4": 4, "p5": 4, "p6": 2}
    return [
        write_report(tmp_path / f"{name}.json", [solved(*each) for each in found.items()],
                     **SETTINGS)
        for name, found in (("a", before), ("b", after))
    ]  # fmt: skip


def test_runs_of_several_samples_are_compared_by_problem(runs):
    diff = diff_reports(*runs)
    assert diff.sampled is not None
    # Changes of 2, 2, 2 and -1 quarters: 2 of the 16 choices of signs give a sum as far from 0 as
    # 5, and 2 give 7.
    assert diff.p_value == 4 / 16
    assert diff.sampled.means == pytest.approx((11 / 24, 16 / 24))
    assert [each.question_id for each in diff.sampled.up] == ["p1", "p2", "p4"]
    assert [each.question_id for each in diff.sampled.down] == ["p6"]
    told = diff.to_json()
    assert told["test"] == "paired permutation test of pass rates by problem (exact)"
    assert told["samples"]["changed"][0] == {"question_id": "p1", "a": [0, 4], "b": [2, 4]}
    assert (told["gained"], told["lost"]) == (["p4"], [])


def test_the_comparison_says_what_it_is_by(runs):
    shown = render_diff(diff_reports(*runs))
    assert "By problem, over all samples: mean pass rate 45.8 % -> 66.7 %, B - A +20.8" in shown
    assert "3 problems up, 1 down, paired permutation test of pass rates by problem" in shown
    assert "of the samples that decide: 1 gained, 0 lost" in shown
    assert "up 3: p1 0/4->2/4 p2 1/4->3/4 p4 2/4->4/4" in shown
    assert "480 tokens in 24 samples" in shown
    assert "pass@2 of 4" in shown
    assert "McNemar" not in shown
    assert "**Over all samples 45.8 % → 66.7 %, 3 problems up" in markdown_diff(diff_reports(*runs))
    matrix = render_matrix(compare_runs(runs))
    assert "+3 -1 p = 0.25" in matrix
    assert "more and less often, and p by paired permutation test" in matrix
    assert "McNemar" not in matrix
    (pair,) = compare_runs(runs).to_json()["pairs"]
    assert (pair["p_value"], pair["test"]) == (0.25, diff_reports(*runs).test)


def test_conditions_go_by_pass_rates(runs):
    there, back = diff_reports(*runs), diff_reports(*reversed(runs))
    assert not parse_condition("regression").met_by(there)
    assert parse_condition("regression").met_by(back)
    assert parse_condition("p:0.25").met_by(back)
    assert not parse_condition("p:0.2").met_by(back)
    assert parse_condition("any-loss").met_by(there)  # p6 passes less often
    assert "mean pass rate 66.7 % -> 45.8 %, 3 problems down, 1 up, p = 0.25" in outcome_line(back)


def test_single_samples_are_compared_as_ever(tmp_path):
    a = write_report(tmp_path / "a.json", [result("p", Verdict.TIMEOUT)])
    diff = diff_reports(a, write_report(tmp_path / "b.json", [result("p")]))
    assert diff.sampled is None
    assert (diff.test, diff.to_json()["samples"]) == ("exact McNemar", None)
    assert "1 gained, 0 lost, exact McNemar, two-sided: p = 1" in render_diff(diff)


def test_problems_made_of_one_are_its_samples(tmp_path):
    """Three programs of p to be translated, two of q and r as it is: three problems, not six."""

    def run(name, verdicts):
        results = [
            result(f"{of}-{number}", verdict, fields={"of_problem": of})
            for of, found in verdicts.items()
            for number, verdict in enumerate(found)
        ]
        return write_report(tmp_path / f"{name}.json", [*results, result("r", passed)])

    passed, failed = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT
    a = run("a", {"p": [failed, failed, failed], "q": [passed, failed]})
    b = run("b", {"p": [passed, passed, failed], "q": [passed, failed]})
    diff = diff_reports(a, b)
    assert diff.sampled is not None
    assert [(each.question_id, each.a, each.b) for each in diff.sampled.problems] == [
        ("p", (0, 3), (2, 3)),
        ("q", (1, 2), (1, 2)),
        ("r", (1, 1), (1, 1)),
    ]
    assert diff.p_value == 1  # one problem that changed; two programs that did would give .5
    assert diff.rate_changes == pytest.approx((1 / 2, 0, 0))  # a quarter of the tests before
    assert diff.gained == ("p-0", "p-1")
    shown = render_diff(diff)
    assert "up 1: p 0/3->2/3" in shown
    told = "6 problems compared, made of 3 as samples of these"
    assert told in shown
    assert told in markdown_diff(diff)
    assert "tests passed, B - A, mean by problem: +16.7 points" in shown  # of all six it is +25
    page = render_page(join_runs([a, b]))
    assert "the mean pass rate of the 3 problems that both runs count" in page


def test_either_run_tells_what_a_problem_was_made_of(tmp_path):
    """A report of an older schema does not."""
    told = [result(f"p-{number}", fields={"of_problem": "p"}) for number in range(2)]
    older = [replace(one, fields={}) for one in told]
    reports = [
        write_report(tmp_path / f"{name}.json", held) for name, held in (("a", older), ("b", told))
    ]
    for a, b in (reports, reversed(reports)):
        sampled = diff_reports(a, b).sampled
        assert sampled is not None
        assert [each.question_id for each in sampled.problems] == ["p"]


def test_no_problem_is_lost_to_one_of_the_same_name(tmp_path):
    """The only program of p has the name of a problem that has two."""
    made = [
        result("p-1", fields={"of_problem": "p"}),
        result("p-1-1", fields={"of_problem": "p-1"}),
        result("p-1-2", fields={"of_problem": "p-1"}),
    ]
    diff = diff_reports(*(write_report(tmp_path / f"{name}.json", made) for name in ("a", "b")))
    assert diff.sampled is not None
    assert [each.a for each in diff.sampled.problems] == [(1, 1), (2, 2)]
    assert len(diff.rate_changes) == 2


def test_one_program_of_each_problem_is_compared_as_problems_are(tmp_path):
    made = [result("p-1", fields={"of_problem": "p"}), result("q-1", fields={"of_problem": "q"})]
    runs = [write_report(tmp_path / f"{name}.json", made) for name in ("a", "b")]
    assert diff_reports(*runs).sampled is None


def test_tests_are_named_once_and_mcnemars_first():
    way = "paired permutation test of pass rates by problem (exact)"
    assert name_tests([way, "exact McNemar", way, "exact McNemar"]) == (
        f"exact McNemar, or with several samples by {way}"
    )
    assert name_tests([way, way]) == way
