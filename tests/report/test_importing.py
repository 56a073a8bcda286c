"""Reports made of files in the shapes that other programs write."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.jsonio import write_json
from knm.problems import load_problems
from knm.report import diff_reports, load_report, validate_document
from knm.report.importing import NOT_TOLD, Origin, import_results, missing_problems
from tests.problems.problem_files import grammar_records, write_problems

RECORDS: list[dict[str, Any]] = [
    {"question_id": "a", "passed": True, "generated_code": "print(1)"},
    {"question_id": "b", "passed": False, "error_type": "output error", "code": "print(2)"},
    {
        "question_id": "c",
        "passed": False,
        "error_type": "runtime error",
        "error": "luajit: main.lua:3: attempt to index local 'x' (a nil value)",
        "completion": "```lua\nlocal x\nprint(x.y)\n```",
    },
    {"question_id": "d", "passed": False},
    {"question_id": "e", "result": "fail:timeout", "solution": "while true do end"},
    {"question_id": "f", "result": "success", "solution": "print(3)"},
]


UNKNOWN = Origin()


def imported(tmp_path, document, origin=UNKNOWN):
    path = tmp_path / "eval_results_v1.json"
    path.write_text(json.dumps(document))
    content = import_results(path, origin)
    assert list(validate_document(content)) == []
    write_json(tmp_path / "r.json", content)
    return load_report(tmp_path / "r.json")


@pytest.mark.parametrize(
    "document",
    [
        RECORDS,
        {"config": {"k": 16}, "pass@1": 0.33, "results": RECORDS},
        {"details": {record["question_id"]: record for record in RECORDS}},
        {record["question_id"]: record for record in RECORDS},
    ],
)
def test_the_shapes_say_the_same(tmp_path, document):
    report = imported(tmp_path, document)
    verdicts = {result.question_id: result.judgement.label for result in report.results}
    assert verdicts == {
        "a": "accepted",
        "b": "wrong-output",
        "c": "runtime-error (index-nil)",
        "d": f"wrong-output ({NOT_TOLD})",
        "e": "timeout",
        "f": "accepted",
    }
    assert report.section["totals"]["pass_at_1"] == pytest.approx(2 / 6)
    assert report.results[2].program == "local x\nprint(x.y)"
    assert report.results[0].program == "print(1)"


def test_what_was_run_is_told_by_who_imports_and_problems_are_looked_up(tmp_path):
    problems = load_problems(write_problems(tmp_path / "set.jsonl", grammar_records(3)))
    origin = Origin(model="Qwen/Qwen3-4B", prompt="contest", preset="v1", problems=problems)
    first = problems.problems[0]
    report = imported(tmp_path, [{"task_id": first.question_id, "correct": True}], origin)
    assert report.configuration["model"] == "Qwen/Qwen3-4B"
    assert report.configuration["knn"]["preset"] == {"name": "v1"}
    assert report.hashes["problem_set"] == problems.content_hash
    assert report.results[0].fields == first.fields
    document = json.loads((tmp_path / "r.json").read_text())
    assert missing_problems(document, origin) == 2
    with pytest.raises(UserError, match="has no problem 'zzz'"):
        imported(tmp_path, [{"id": "zzz", "passed": True}], origin)


def test_two_imported_files_are_compared(tmp_path):
    a = imported(tmp_path, RECORDS)
    b = imported(tmp_path, [{**record, "passed": True, "result": None} for record in RECORDS])
    assert diff_reports(a, b).gained == ("b", "c", "d", "e")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "no results in it"),
        ({}, "there is nothing"),
        ({"pass@1": 0.3}, "expected a list or an object of them.* there is 'pass@1'"),
        (3, "a JSON int, not a list of results"),
        ([3], r"\[0\]: a JSON int, not a result"),
        ([{"passed": True}], r"no id of a problem: expected one of question_id"),
        ([{"id": "a"}], "nothing says whether it passed: expected one of passed"),
        ([{"id": "a", "passed": "maybe"}], "'maybe' does not say whether it passed"),
        ([{"id": "a", "status": "weird"}], "the outcome 'weird' is not known; it may be accepted"),
        ([{"id": "a", "passed": False, "result": "success"}], "one of the two is wrong"),
        ([{"id": "a", "passed": True}] * 2, "a second result of 'a'"),
    ],
)
def test_other_shapes_say_what_is_missing(tmp_path, document, said):
    with pytest.raises(UserError, match=said):
        imported(tmp_path, document)


values = st.none() | st.booleans() | st.integers(-2, 2) | st.text(max_size=5)
names = st.sampled_from(["id", "passed", "result", "code", "error", "results", "x"])


@given(st.recursive(values, lambda inner: st.lists(inner) | st.dictionaries(names, inner)))
def test_any_json_is_a_report_or_a_clear_error(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("any") / "eval_results.json"
    path.write_text(json.dumps(document))
    try:
        content = import_results(path, Origin())
    except UserError:
        return
    assert list(validate_document(content)) == []
    assert {test["metadata"]["knm"]["question_id"] for test in content["tests"]}


def test_groups_of_the_study_keep_their_groups(tmp_path):
    groups = ["output error", "syntax error", "runtime error", "other"]
    document = [{"id": group, "passed": False, "error_type": group} for group in groups]
    results = imported(tmp_path, document).results
    assert {result.question_id: result.verdict.study_group for result in results} == {
        group: group for group in groups
    }
