import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.report import CONTEXT, RunningTotals, Throughput, render_summary, summarize
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result

KNN = {"steps": 20, "searched": 5, "argmax_changes": 1, "changes": []}


def test_what_was_only_decoded_is_in_no_rate_and_no_failure():
    decoded = [result(name, Verdict.NOT_JUDGED, tests_passed=0, tests_total=0) for name in "ab"]
    lost = result("c", Verdict.ENGINE_FAULT, completion=None, program=None)
    totals = summarize([*decoded, lost])
    assert (totals.unjudged, totals.counted, totals.pass_at_1) == (2, 0, None)
    assert totals.completion_tokens == 40
    shown = "\n".join(render_summary(totals, Path("r.json")))
    assert re.search(r"^not judged +2 of 3 problems, decoded only$", shown, re.MULTILINE)
    assert re.search(r"^infrastructure +1 not decoded$", shown, re.MULTILINE)
    assert re.search(r"^completions +r\.json$", shown, re.MULTILINE)
    assert "Pass@1" not in shown
    assert "verdicts" not in shown
    running = RunningTotals(3)
    for each in (*decoded, lost):
        running.add(each)
    assert running.line() == "3 of 3 · 40 tokens/s · 1 fault"


def test_infrastructure_is_counted_apart():
    totals = summarize(
        [
            result("a"),
            result("b", Verdict.WRONG_OUTPUT),
            result("c", Verdict.SANDBOX_FAULT, error_class="jail"),
            result("d", Verdict.BROKEN_PROBLEM, tests_total=0, tests_passed=0),
        ]
    )

    assert (totals.problems, totals.counted, totals.infrastructure) == (4, 2, 2)
    assert totals.pass_at_1 == 0.5
    assert totals.mean_test_pass_rate == (4 / 4 + 1 / 4) / 2
    assert totals.error_classes == {}
    assert sum(totals.verdicts.values()) == 4


@given(st.lists(st.sampled_from(list(Verdict))))
def test_totals_add_up(verdicts):
    totals = summarize([result(str(n), verdict) for n, verdict in enumerate(verdicts)])

    assert totals.problems == len(verdicts) == sum(totals.verdicts.values())
    assert totals.passed == verdicts.count(Verdict.ACCEPTED)
    assert list(totals.verdicts) == [v for v in Verdict if v in verdicts]
    low, high = totals.interval
    if totals.pass_at_1 is None:
        assert totals.counted == 0
    else:
        assert low <= totals.pass_at_1 <= high


def test_nothing_counted_gives_no_rate():
    totals = summarize([result("a", Verdict.ENGINE_FAULT)])

    assert totals.pass_at_1 is None
    assert totals.mean_test_pass_rate is None
    assert totals.to_json()["pass_at_1"] is None


def test_a_completion_without_a_program_passes_no_test():
    totals = summarize([result("a", Verdict.NO_CODE, tests_passed=0, tests_total=0), result("b")])

    assert totals.mean_test_pass_rate == 0.5


def test_error_classes_come_most_frequent_first():
    classes = ["index-nil", "call-nil", "index-nil", None, "arithmetic-nil"]
    totals = summarize(
        [
            result(str(n), Verdict.RUNTIME_ERROR, error_class=error_class)
            for n, error_class in enumerate(classes)
        ]
    )

    assert list(totals.error_classes.items()) == [
        ("index-nil", 2), ("arithmetic-nil", 1), ("call-nil", 1),
    ]  # fmt: skip


def test_the_lenient_grader_is_counted_beside_the_strict_one():
    totals = summarize([result("a"), result("b", Verdict.WRONG_OUTPUT, lenient_accepted=True)])

    assert (totals.passed, totals.lenient_passed) == (1, 2)


def test_tokens_and_times_add_up():
    totals = summarize([result("a"), result("b", Verdict.SANDBOX_FAULT)])

    assert (totals.prompt_tokens, totals.completion_tokens) == (200, 40)
    assert totals.throughput == Throughput(
        generation_seconds=1.0, judge_seconds=0.2, tokens_per_second=40.0
    )


def test_no_generation_has_no_speed():
    totals = summarize([result("a", generation_seconds=0.0)])

    assert totals.throughput.tokens_per_second is None


def test_knn_rates_are_over_all_steps():
    totals = summarize(
        [result("a", knn=KNN), result("b", knn={**KNN, "steps": 80, "argmax_changes": 3})]
    )

    assert totals.knn is not None
    assert totals.knn.searched_share == pytest.approx(10 / 100)
    assert totals.knn.changes_per_1000 == pytest.approx(40)
    assert summarize([result("a")]).knn is None


def test_the_summary_says_what_came_of_the_run(tmp_path):
    lines = render_summary(
        summarize(
            [
                result("a", knn=KNN),
                result("b", Verdict.RUNTIME_ERROR, error_class="index-nil"),
                result("c", Verdict.SANDBOX_FAULT),
            ]
        ),
        tmp_path / "report.json",
    )

    assert lines == [
        "Pass@1          50.0 % (1 of 2), 95 % interval 9.5-90.5 %",
        "tests passed    62.5 % of a problem's, on average",
        "verdicts        accepted 1, runtime-error 1, sandbox-fault 1",
        "error classes   index-nil 1",
        "infrastructure  1 not counted in any rate",
        "tokens          300 of prompts, 60 generated, 40.0 tokens/s",
        "kNN             searched 25.0 % of 20 steps, 50.0 argmax changes per 1000 steps",
        f"report          {tmp_path / 'report.json'}",
    ]


@pytest.mark.parametrize(
    ("searched", "changes", "told"), [(5000, 2, True), (5000, 3, False), (0, 0, False)]
)
def test_a_datastore_that_hardly_acts_names_a_preset_that_may(searched, changes, told):
    knn = {**KNN, "steps": 5000, "searched": searched, "argmax_changes": changes}
    (line,) = [
        line for line in render_summary(summarize([result("a", knn=knn)])) if line[:3] == "kNN"
    ]
    assert ("--knn-preset residual" in line) is told


def test_prompts_that_the_context_cannot_hold_are_failures_and_said_so():
    long = result("b", Verdict.TRUNCATED, error_class=CONTEXT, finish_reason=CONTEXT)
    totals = summarize([result("a"), long])
    assert (totals.passed, totals.counted) == (1, 2)
    lines = render_summary(totals)
    assert "context        1 failed: the prompt is longer than the model's context" in lines


def test_the_summary_says_for_how_many_problems_the_datastore_was_not_used_and_why():
    unused = {**KNN, "searched": 0, "argmax_changes": 0, "withheld": "the prompt asks for C17"}
    totals = summarize([result("a", knn=KNN), result("b", knn=unused), result("c", knn=unused)])
    assert totals.knn is not None
    assert totals.to_json()["knn"]["withheld"] == {"the prompt asks for C17": 2}
    lines = render_summary(totals, None)
    assert "not used      for 2 of 3 problems: the prompt asks for C17" in lines


def test_the_summary_of_nothing_is_still_text():
    assert "- (0 of 0" in render_summary(summarize([]))[0]


def test_problems_with_errata_are_left_out_of_a_second_total():
    totals = summarize(
        [
            result("a"),
            result("b", Verdict.WRONG_OUTPUT, errata="several right answers"),
            result("c", Verdict.WRONG_OUTPUT),
            result("d", errata="interactive"),
            result("e"),
        ]
    )

    assert (totals.passed, totals.counted) == (3, 5)
    assert (totals.sound_passed, totals.sound_counted) == (2, 3)
    assert totals.without_errata is not None
    assert totals.without_errata["pass_at_1"] == 2 / 3
    assert "without errata  66.7 % (2 of 3)" in render_summary(totals)
    assert summarize([result("a")]).without_errata is None


def test_several_samples_give_pass_at_k():
    right, wrong = result("q"), result("q", Verdict.TIMEOUT)
    totals = summarize(
        [
            of_samples(right, *[wrong] * 4),
            of_samples(*[wrong] * 5),
        ]
    )

    assert totals.pass_at_k == pytest.approx({1: 0.1, 2: 0.2, 4: 0.4, 5: 0.5})
    shown = "\n".join(render_summary(totals))
    assert "Pass@1        50.0 % (1 of 2), 95 %" in shown
    assert "pass@4 of 5   40.0 %, 95 % interval 0.0-80.0 %" in shown
    assert "200 of prompts, 200 generated in 10 samples," in shown
    assert totals.to_json()["pass_at_k_intervals"]["4"] == pytest.approx([0.0, 0.8])
    assert totals.to_json()["pass_at_k"]["2"] == pytest.approx(0.2)
    assert summarize([result("a")]).pass_at_k == {}


def test_the_interval_of_the_test_pass_rate_holds_the_rate():
    totals = summarize([result("a"), result("b", Verdict.TIMEOUT), result("c")])

    assert totals.test_pass_rate_interval is not None
    assert totals.mean_test_pass_rate is not None
    low, high = totals.test_pass_rate_interval
    assert low <= totals.mean_test_pass_rate <= high
    assert summarize([]).test_pass_rate_interval is None


def test_the_line_says_how_far_and_how_well():
    running = RunningTotals(4)
    assert running.line() == "0 of 4"

    running.add(result("a"))
    running.add(result("b", Verdict.TIMEOUT))
    assert running.line() == "2 of 4 · Pass@1 50.0 % (1) · 40 tokens/s"
    assert running.decile == 5

    running.add(result("c", Verdict.SANDBOX_FAULT))
    assert running.line() == "3 of 4 · Pass@1 50.0 % (1) · 40 tokens/s · 1 fault"


def test_a_run_of_unknown_length_says_what_it_can():
    running = RunningTotals(None)
    running.add(result("a", generation_seconds=0.0))

    assert running.line() == "1 · Pass@1 100.0 % (1)"
    assert running.decile == 0


def test_what_retrieval_did_is_summed_over_all_samples():
    one = result("a", knn=KNN, completion_tokens=20)
    several = of_samples(one, one, result("a", knn={**KNN, "steps": 7, "searched": 7}))
    totals = summarize([several, result("b", knn={**KNN, "withheld": "other prompts"})])
    assert totals.knn is not None
    assert (totals.knn.steps, totals.knn.searched, totals.knn.argmax_changes) == (67, 22, 4)
    assert totals.knn.withheld == {"other prompts": 1}
    assert (totals.samples, totals.completion_tokens, totals.prompt_tokens) == (4, 80, 200)
    assert "searched 32.8 % of 67 steps in 4 samples," in "\n".join(render_summary(totals))
