import pytest

from knm.errors import UserError
from knm.report.explanation import Origin, explain, find_result
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result, write_report
from tests.report.page.examples import CHANGES, KNN, KNN_PROGRAM, KNN_TEXT

STATIC = {"knn": {"datastore": "d", "preset": {"weight": 0.75, "weight_kind": "static"}}}


def corrected(name="grammar_ab12", verdict=Verdict.ACCEPTED, **knn):
    return result(name, verdict, completion=KNN_TEXT, program=KNN_PROGRAM, knn={**KNN, **knn})


@pytest.fixture
def report(tmp_path):
    results = [corrected(), result("grammar_ab99"), result("contest_1")]
    return write_report(tmp_path / "run.json", results, configuration=STATIC)


def test_changes_come_with_their_place_in_the_program(report):
    explanation = explain(report, "ab12")
    assert [entry.start for entry in explanation.changes] == [
        KNN_PROGRAM.index(" io"),
        KNN_PROGRAM.index(" n\n"),
    ]
    assert explanation.to_json()["changes"][0]["neighbours"][0]["record"] == "train-1"


def test_the_weight_is_the_changes_own_or_that_of_a_static_preset(tmp_path):
    own = corrected(changes=[{**CHANGES[0], "weight": 0.31}, CHANGES[1]])
    confident = {"knn": {"preset": {"weight": 0.25, "weight_kind": "confidence"}}}
    found = [
        [entry.weight for entry in explain(report, "grammar").changes]
        for report in (
            write_report(tmp_path / "a.json", [own], configuration=STATIC),
            write_report(tmp_path / "b.json", [own], configuration=confident),
        )
    ]
    assert found == [[0.31, 0.75], [0.31, None]]


def test_what_is_known_of_an_origin_stands_beside_the_neighbour(report):
    origin = Origin(source="grammar", line="local n", lm_token=" x", probability=0.5)
    explanation = explain(report, "ab12", lambda neighbour: origin)
    first = explanation.to_json()["changes"][0]["neighbours"][0]
    assert first == {**CHANGES[0]["neighbours"][0], "source": "grammar", "line": "local n",
                     "lm_token": " x", "probability": 0.5,
                     "outcome": None, "crash": None}  # fmt: skip


@pytest.mark.parametrize("name", ["contest_1", "contest", "st_1"])
def test_a_part_that_one_id_has_is_enough(report, name):
    assert find_result(report, name).question_id == "contest_1"


def test_an_id_that_is_a_part_of_another_is_meant_itself(tmp_path):
    report = write_report(tmp_path / "run.json", [result("p1"), result("p10")])
    assert find_result(report, "p1").question_id == "p1"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ab", "a part of 2 problems' ids: grammar_ab12, grammar_ab99; give more"),
        ("gramar_ab12", "has no problem 'gramar_ab12'; it has grammar_ab12"),
        ("zzz", "it has contest_1, grammar_ab12, grammar_ab99"),
    ],
)
def test_what_cannot_be_explained_says_what_can(report, name, message):
    with pytest.raises(UserError, match=message):
        explain(report, name)


def test_any_sample_can_be_explained_and_by_default_the_one_that_decides(tmp_path):
    several = of_samples(result("p", Verdict.TIMEOUT), corrected("p"))
    report = write_report(tmp_path / "run.json", [several, result("one")])
    assert explain(report, "p").number == 0
    told = explain(report, "p", sample=2).to_json()
    assert (told["sample"], told["verdict"], len(told["changes"])) == (2, "accepted", 2)
    assert told["samples"] == ["timeout", "accepted"]
    with pytest.raises(UserError, match="sample 3: p has samples 1 to 2"):
        explain(report, "p", sample=3)
    with pytest.raises(UserError, match="sample 2: one has one sample: leave it out"):
        explain(report, "one", sample=2)


def test_a_program_without_a_datastore_is_explained_by_its_failing_test(report):
    told = explain(report, "contest").to_json()
    assert (told["steps"], told["changes"], told["weights"]) == (None, [], None)
