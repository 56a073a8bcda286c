"""The hand-written problem set: the built file, and what every problem promises."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from bench.authoring.authored import MAX_TESTS, MIN_TESTS, Authored, record
from bench.authoring.build import CONTEST_FILE, authored_problems, contest_records
from knm.jsonio import dumps, read_jsonl

RECORDS = [built for _, built in read_jsonl(CONTEST_FILE)]
each_record = pytest.mark.parametrize("built", RECORDS, ids=lambda built: built["question_id"])


def cases_of(built: dict[str, Any]) -> list[dict[str, str]]:
    tests: list[dict[str, str]] = json.loads(built["private_test_cases"])
    return tests


def words(text: str) -> str:
    return " ".join(text.split())


def example(**changes: Any) -> Authored:
    fields: dict[str, Any] = {
        "question_id": "example",
        "title": "Echo",
        "difficulty": "beginner",
        "statement": "Print the input.",
        "oracle": str,
        "fixed": ("1", "2"),
        "generate": lambda source: str(source.randint(1, 10**9)),
        "random_count": 10,
        "reference": "print(io.read())",
        "wrong": ("print(1)", "print(2)"),
        "tags": ("io",),
    }
    return Authored(**{**fields, **changes})


def test_committed_file_equals_a_fresh_build():
    fresh = "".join(dumps(built) + "\n" for built in contest_records())
    assert CONTEST_FILE.read_text(encoding="utf-8") == fresh


def test_set_holds_at_least_sixty_problems_about_a_third_of_each_difficulty():
    counts = Counter(built["difficulty"] for built in RECORDS)
    assert set(counts) == {"beginner", "abc", "codeforces"}
    assert sum(counts.values()) >= 60
    assert min(counts.values()) >= 0.25 * sum(counts.values())


def test_ids_are_unique_and_ordered():
    ids = [built["question_id"] for built in RECORDS]
    assert ids == sorted(set(ids))
    assert ids == [problem.question_id for problem in authored_problems()]


def test_problems_of_the_original_study_are_there_and_say_what_they_restate():
    named = {"abc305_a", "abc320_a", "1899_A", "abc311_b", "abc307_d", "1899_D"}
    restated = {built["question_id"] for built in RECORDS if built["inspired_by"]}
    assert named <= restated


def test_exactly_one_id_contains_abc305():
    assert [b["question_id"] for b in RECORDS if "abc305" in b["question_id"]] == ["abc305_a"]


@each_record
def test_number_of_tests_is_within_bounds_and_inputs_differ(built):
    tests = cases_of(built)
    assert MIN_TESTS <= len(tests) <= MAX_TESTS
    assert len({test["input"] for test in tests}) == len(tests)


@each_record
def test_first_test_is_the_sample_of_the_statement(built):
    sample = cases_of(built)[0]
    assert words(sample["input"]) in words(built["question_content"])
    assert words(sample["output"]) in words(built["question_content"])


@each_record
def test_every_output_is_plain_text_that_a_right_program_reproduces_exactly(built):
    outputs = [test["output"] for test in cases_of(built)]
    assert len(set(outputs)) > 1
    # A number in exponent form is one that languages print each in their own way.
    exponent = re.compile(r"-?\d+(\.\d+)?[eE][+-]?\d+|-?inf|-?nan")
    assert not any(exponent.fullmatch(token) for output in outputs for token in output.split())


@each_record
def test_wrong_solutions_are_several_and_differ_from_the_reference(built):
    assert len(set(built["wrong"])) >= 2
    assert built["reference"] not in built["wrong"]


def test_record_of_a_problem_is_always_the_same():
    assert record(example()) == record(example())


def test_problems_with_different_ids_draw_different_tests():
    tests = {record(example(question_id=name))["private_test_cases"] for name in "abc"}
    assert len(tests) == 3


def test_record_refuses_too_few_and_too_many_tests():
    with pytest.raises(ValueError, match="example: 9 tests"):
        record(example(random_count=7))
    with pytest.raises(ValueError, match="example: 41 tests"):
        record(example(random_count=39))


def test_record_refuses_a_fixed_input_that_occurs_twice():
    with pytest.raises(ValueError, match="twice"):
        record(example(fixed=("1", "1\n")))


def test_record_refuses_a_generator_that_repeats_itself():
    with pytest.raises(ValueError, match="distinct"):
        record(example(generate=lambda source: "7"))
