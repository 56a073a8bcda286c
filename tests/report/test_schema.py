import json

import pytest

from knm.errors import UserError
from knm.report import ProblemResult
from knm.sandbox import Verdict
from tests.report.builders import result

KNN = {"steps": 20, "searched": 5, "argmax_changes": 1, "changes": [{"position": 3}]}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_result_of_any_verdict_survives_json(verdict):
    written = result("abc305_a", verdict, knn=KNN, failing_test=None)

    assert ProblemResult.from_json(json.loads(json.dumps(written.to_json())), "here") == written


def test_a_fault_before_anything_was_generated_is_a_result():
    written = result(
        "q", Verdict.ENGINE_FAULT, completion=None, program=None, finish_reason=None, tests_total=0
    )

    assert ProblemResult.from_json(written.to_json(), "here") == written


def test_fields_of_later_minor_additions_are_ignored():
    written = result("q")

    assert ProblemResult.from_json({**written.to_json(), "colour": "red"}, "here") == written


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("question_id", 7),
        ("tests_passed", "4"),
        ("tests_passed", True),
        ("lenient_accepted", 1),
        ("failing_test", 1.5),
        ("generation_seconds", None),
        ("verdict", "excellent"),
        ("verdict", None),
        ("knn", [1]),
        ("knn", {"steps": 1, "searched": 1}),
        ("knn", {**KNN, "changes": [7]}),
        ("errata", True),
        ("samples", {}),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(name, value):
    with pytest.raises(UserError, match=rf"^report\.json: .*{name}"):
        ProblemResult.from_json({**result("q").to_json(), name: value}, "report.json")


def test_a_missing_field_is_named():
    value = result("q").to_json()
    del value["program"]

    with pytest.raises(UserError, match="no `program`"):
        ProblemResult.from_json(value, "report.json")


@pytest.mark.parametrize("value", [None, 3, "text", []])
def test_what_is_no_object_is_no_result(value):
    with pytest.raises(UserError, match="expected a JSON object"):
        ProblemResult.from_json(value, "report.json")


def test_results_of_schema_1_are_read_with_their_first_change():
    counts = {"steps": 9, "searched": 9, "argmax_changes": 2}
    written = result("q").to_json()
    del written["samples"], written["errata"]

    for first, changes in ((None, []), ({"position": 3}, [{"position": 3}])):
        older = {**written, "knn": {**counts, "first_change": first}}
        assert ProblemResult.from_json(older, "here").knn == {**counts, "changes": changes}


def test_why_a_datastore_was_not_used_is_text():
    knn = {"steps": 9, "searched": 0, "argmax_changes": 0, "changes": []}
    for withheld, fine in (("another language", True), (None, True), (3, False)):
        value = {**result("q").to_json(), "knn": {**knn, "withheld": withheld}}
        if fine:
            found = ProblemResult.from_json(value, "here").knn
            assert found is not None
            assert found["withheld"] == withheld
        else:
            with pytest.raises(UserError, match=r"here: `knn\.withheld` is not a text or null"):
                ProblemResult.from_json(value, "here")


def test_a_sample_says_nothing_of_its_problem():
    assert {"question_id", "errata", "samples"}.isdisjoint(result("q").to_sample())
