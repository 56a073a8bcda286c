import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.codec import to_json
from knm.errors import UserError
from knm.records import TokenChange
from knm.report import read_result
from knm.report.schema import place_changes
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result
from tests.report.page.examples import CHANGES, KNN, KNN_PROGRAM, KNN_TEXT

CORRECTED = result("p", completion=KNN_TEXT, program=KNN_PROGRAM, completion_tokens=24, knn=KNN)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_result_of_any_verdict_survives_json(verdict):
    written = result("abc305_a", verdict, knn=KNN, failing_test=None, errata="none")

    assert read_result(json.loads(json.dumps(to_json(written))), "here") == written


def test_a_fault_before_anything_was_generated_is_a_result():
    written = result("q", Verdict.ENGINE_FAULT, completion=None, program=None, tests_total=0)

    assert read_result(to_json(written), "here") == written
    assert (written.prompt_tokens, written.completion_tokens) == (0, 0)
    assert (written.text, written.interventions, written.changes) == (None, None, ())


def test_fields_of_later_minor_additions_are_ignored():
    written = result("q")

    assert read_result({**to_json(written), "colour": "red"}, "here") == written


def test_a_result_without_a_sample_is_none():
    with pytest.raises(UserError, match="here: no `samples`, of which there is at least one"):
        read_result({"question_id": "q", "samples": []}, "here")


def test_the_first_sample_decides_and_tokens_and_times_are_sums():
    wrong = result("q", Verdict.NO_CODE, program=None, completion="I give up.")
    together = of_samples(wrong, result("q"), result("q"))
    assert (together.verdict, together.text) == (Verdict.NO_CODE, "I give up.")
    assert (together.prompt_tokens, together.completion_tokens) == (100, 60)
    assert together.generation_seconds == pytest.approx(1.5)
    assert together.judge_seconds == pytest.approx(0.3)


def test_a_fault_in_any_sample_decides():
    together = of_samples(result("q"), result("q", Verdict.SANDBOX_FAULT), result("q"))
    assert together.verdict is Verdict.SANDBOX_FAULT
    assert not together.accepted


def test_a_fault_decides_among_samples_that_nobody_judged():
    unjudged = result("q", Verdict.NOT_JUDGED)
    lost = result("q", Verdict.ENGINE_FAULT, completion=None, program=None)
    assert of_samples(unjudged, lost).verdict is Verdict.ENGINE_FAULT
    assert of_samples(unjudged, unjudged).verdict is Verdict.NOT_JUDGED


def test_a_change_stands_where_the_report_says():
    assert place_changes(CORRECTED.sample) == [KNN_PROGRAM.index(" io"), KNN_PROGRAM.index(" n\n")]


def test_a_report_that_does_not_tell_has_no_places():
    older = [{**change, "start": None} for change in CHANGES]
    corrected = result("p", completion=KNN_TEXT, program=KNN_PROGRAM, knn={**KNN, "changes": older})
    assert place_changes(corrected.sample) == [None, None]


def test_a_program_that_is_no_part_of_the_completion_has_no_places():
    apart = result("p", completion=KNN_TEXT, program="print(2)", knn=KNN)
    assert place_changes(apart.sample) == [None, None]


@given(
    text=st.text(alphabet="ab \n", min_size=1, max_size=40),
    starts=st.lists(st.tuples(st.integers(0, 50), st.text(alphabet="ab \n", max_size=3))),
)
def test_a_place_always_holds_its_token(text, starts):
    changes = [TokenChange(number, at, "?", token, ()) for number, (at, token) in enumerate(starts)]
    shown = result("p", completion=f"``{text}``", program=text, knn={"changes": changes})
    for change, place in zip(changes, place_changes(shown.sample), strict=True):
        if place is not None:
            assert text.startswith(change.token, place)
