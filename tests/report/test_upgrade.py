"""What older versions wrote is read as they meant it; reports of schema 2 are kept for that."""

import json
from pathlib import Path
from typing import Any

import pytest

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.records import Neighbour
from knm.report import SCHEMA_VERSION, finish_stream, load_report, read_result, validate_document
from knm.sandbox import Verdict
from tests.report.builders import document, header

OLD = Path(__file__).parent / "schema2"
KEPT = ("baseline.json", "knn.json")
CHANGE = {"position": 3, "lm_token": "a", "token": "b", "neighbours": []}
KNN = {"steps": 9, "searched": 5, "argmax_changes": 2, "changes": [{**CHANGE, "start": 7}]}
FLAT: dict[str, Any] = {
    "question_id": "q",
    "completion": "```lua\nprint(1)\n```",
    "program": "print(1)",
    "verdict": "wrong-output",
    "error_class": None,
    "message": "wrong",
    "failing_test": 1,
    "tests_passed": 1,
    "tests_total": 4,
    "lenient_accepted": True,
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "finish_reason": "stop",
    "generation_seconds": 0.5,
    "judge_seconds": 0.1,
    "knn": KNN,
    "samples": [],
    "errata": "two right answers",
}
SAMPLE = {name: FLAT[name] for name in FLAT if name not in ("question_id", "samples", "errata")}


@pytest.mark.parametrize("name", KEPT)
def test_every_field_of_the_kept_reports_is_read(name):
    content = read_json(OLD / name)
    assert content["knm"]["schema_version"] == 2
    flat = {
        value["question_id"]: value
        for test in content["tests"]
        if (value := test.get("metadata", {}).get("knm"))
    }
    report = load_report(OLD / name)
    assert [result.question_id for result in report.results] == sorted(flat)
    for result in report.results:
        value, judgement = flat[result.question_id], result.judgement
        assert (result.text, result.program) == (value["completion"], value["program"])
        assert (result.verdict, judgement.error_class) == (value["verdict"], value["error_class"])
        assert (judgement.message, judgement.failing_test) == (
            value["message"], value["failing_test"],
        )  # fmt: skip
        assert (judgement.tests_passed, judgement.tests_total) == (
            value["tests_passed"], value["tests_total"],
        )  # fmt: skip
        assert judgement.lenient_accepted is value["lenient_accepted"]
        assert (result.prompt_tokens, result.completion_tokens) == (
            value["prompt_tokens"], value["completion_tokens"],
        )  # fmt: skip
        assert (result.generation_seconds, result.judge_seconds) == (
            value["generation_seconds"], value["judge_seconds"],
        )  # fmt: skip
        assert [each.finish_reason for each in result.completions] == [value["finish_reason"]]
        knn, done = value["knn"], result.interventions
        assert (knn is None) == (done is None)
        if done is None:
            continue
        assert {name: getattr(done, name) for name in ("steps", "searched", "argmax_changes")} == {
            name: knn[name] for name in ("steps", "searched", "argmax_changes")
        }
        assert list(done.weights) == knn["weights"]
        assert len(result.changes) == len(knn["changes"])
        for change, old in zip(result.changes, knn["changes"], strict=True):
            assert (change.position, change.start, change.weight) == (
                old["position"], old["start"], old["weight"],
            )  # fmt: skip
            assert change.neighbours == tuple(Neighbour(**use) for use in old["neighbours"])


@pytest.mark.parametrize("name", KEPT)
def test_a_committed_report_is_a_valid_one_of_today_once_it_is_written_again(name):
    content = read_json(OLD / name)
    content["knm"]["schema_version"] = SCHEMA_VERSION
    for test in content["tests"]:
        if "knm" in test.get("metadata", {}):
            test["metadata"]["knm"] = to_json(read_result(test["metadata"]["knm"], name))
    assert list(validate_document(content)) == []


def test_several_samples_of_schema_2_are_the_samples():
    samples = [SAMPLE, {**SAMPLE, "completion": None, "program": None, "verdict": "engine-fault"}]
    result = read_result({**FLAT, "samples": samples, "completion_tokens": 40}, "here")
    assert [sample.judgement.verdict for sample in result.samples] == [
        Verdict.WRONG_OUTPUT,
        Verdict.ENGINE_FAULT,
    ]
    assert result.verdict is Verdict.ENGINE_FAULT
    assert result.samples[1].completion is None
    assert result.errata == "two right answers"


def test_results_of_schema_1_are_read_with_their_first_change():
    older = {name: FLAT[name] for name in FLAT if name not in ("samples", "errata")}
    for first, positions in ((None, []), (CHANGE, [3])):
        counts = {name: KNN[name] for name in ("steps", "searched", "argmax_changes")}
        result = read_result({**older, "knn": {**counts, "first_change": first}}, "here")
        assert [change.position for change in result.changes] == positions
        assert [change.start for change in result.changes] == [None] * len(positions)
        assert result.interventions is not None
        assert (result.interventions.weights, result.errata) == ((), None)


@pytest.mark.parametrize(
    ("name", "value", "place"),
    [
        ("question_id", 7, "question_id"),
        ("tests_passed", "4", r"samples\[0\]\.judgement\.tests_passed"),
        ("tests_passed", True, r"samples\[0\]\.judgement\.tests_passed"),
        ("lenient_accepted", 1, r"samples\[0\]\.judgement\.lenient_accepted"),
        ("failing_test", 1.5, r"samples\[0\]\.judgement\.failing_test"),
        ("generation_seconds", None, r"samples\[0\]\.completion\.seconds"),
        ("verdict", "excellent", r"samples\[0\]\.judgement\.verdict"),
        ("verdict", None, r"samples\[0\]\.judgement\.verdict"),
        ("completion", 7, r"samples\[0\]\.completion\.text"),
        ("knn", [1], r"samples\[0\]\.completion\.interventions"),
        ("knn", {"steps": 1, "searched": 1}, "argmax_changes"),
        ("knn", {**KNN, "changes": [7]}, r"changes\[0\]"),
        ("knn", {**KNN, "changes": 7}, "changes"),
        ("knn", {**KNN, "changes": [{"position": 1}]}, r"changes\[0\]\.lm_token"),
        ("knn", {**KNN, "withheld": 3}, "withheld"),
        ("errata", True, "errata"),
        ("samples", {"a": 1}, "samples"),
        ("samples", [7], r"samples\[0\]"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named(name, value, place):
    with pytest.raises(UserError, match=rf"^report\.json: .*`.*{place}`"):
        read_result({**FLAT, name: value}, "report.json")


@pytest.mark.parametrize("name", ["question_id", "program", "verdict", "prompt_tokens"])
def test_a_missing_field_is_named(name):
    value = {each: FLAT[each] for each in FLAT if each != name}
    with pytest.raises(UserError, match=r"report\.json: (no )?`.*; was the file edited"):
        read_result(value, "report.json")


@pytest.mark.parametrize("value", [None, 3, "text", []])
def test_what_is_no_object_is_no_result(value):
    with pytest.raises(UserError, match="expected a JSON object"):
        read_result(value, "report.json")


def test_a_stream_of_schema_2_is_finished_as_a_report_of_today(tmp_path):
    (_, test) = document([read_result(FLAT, "here")])["tests"]
    lines = [{**header().to_json(), "knm_stream": 2}, {**test, "metadata": {"knm": FLAT}}]
    path = tmp_path / "old.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    finished = finish_stream(path)
    assert finished["knm"]["schema_version"] == SCHEMA_VERSION
    write_json(tmp_path / "old.json", finished)
    assert load_report(tmp_path / "old.json").results == (read_result(FLAT, "here"),)
    assert list(validate_document(finished)) == []


def test_a_stream_of_version_1_is_read_and_cannot_be_finished(tmp_path):
    path = tmp_path / "old.jsonl"
    path.write_text(json.dumps(FLAT) + "\n")
    with pytest.raises(UserError, match="no header line"):
        finish_stream(path)
