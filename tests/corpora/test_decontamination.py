from dataclasses import replace

import pytest

from knm.corpora import decontaminate, decontaminate_stream
from knm.corpora.decontamination import MOST_NOTED, normalize_statement
from knm.errors import UserError
from knm.problems import load_problems
from tests.corpora.corpora import LOOP, OTHER, RENAMED_LOOP, ids, record
from tests.problems.problem_files import write_problems

STATEMENT = "Read N numbers.  Print the SUM of the even ones.\n\nSample Input\n1\n2\n"


@pytest.fixture
def problems(tmp_path):
    fields = {"question_content": STATEMENT, "private_test_cases": "[]"}
    return load_problems(
        write_problems(
            tmp_path / "set.jsonl",
            [
                {"question_id": "p", **fields, "reference": LOOP, "composition": "list|even>sum"},
                {"question_id": "q", **fields, "question_content": "Nothing known of it."},
                {"question_id": "r", **fields, "question_content": "R.", "of_problem": "made-of"},
                {"question_id": "4_a", **fields, "question_content": "Four."},
                {"question_id": "abc042_a", **fields, "question_content": "Forty-two."},
            ],
        )
    )


@pytest.mark.parametrize(
    ("contaminated", "reason", "other"),
    [
        (replace(record("x", OTHER, "In other words."), problem="q"), "same problem", "q"),
        (record("x", OTHER, "In other words.", of_problem="made-of"), "same problem", "r"),
        (
            replace(record("x", OTHER, "In other words.", of_problem="none"), problem="q"),
            "same problem",
            "q",
        ),
        (replace(record("x", OTHER, "In other words."), problem="4A"), "same problem", "4_a"),
        (replace(record("x", OTHER, "Others."), problem="Abc042_A"), "same problem", "abc042_a"),
        (record("x", OTHER, composition="list|even>sum"), "same composition", "p"),
        (
            record("x", OTHER, "read n numbers; print the sum of the even ones"),
            "same statement",
            "p",
        ),
        (record("x", OTHER, "NOTHING known of it"), "same statement", "q"),
        (record("x", "-- mine\n" + LOOP), "similar program", "p"),
        (record("x", RENAMED_LOOP), "similar program, renamed", "p"),
    ],
)
def test_what_a_problem_asks_for_is_removed_with_the_reason(problems, contaminated, reason, other):
    clean = record("y", OTHER, composition="words|upper>sort")
    cleaned = decontaminate([contaminated, clean], problems)
    assert cleaned.kept == (clean,)
    (removal,) = cleaned.removed
    assert (removal.record, removal.reason, removal.other) == ("x", reason, other)


def test_a_record_is_removed_once_for_its_first_reason(problems):
    same = record("x", LOOP, STATEMENT, composition="list|even>sum")
    assert [entry.reason for entry in decontaminate([same], problems).removed] == [
        "same composition"
    ]


def test_the_threshold_decides_how_much_programs_may_share(problems):
    near = record("x", LOOP.replace("v % 2 == 0", "v % 3 == 1"))
    assert decontaminate([near], problems, threshold=0.9).removed == ()
    (removal,) = decontaminate([near], problems, threshold=0.5).removed
    assert 0.5 <= removal.similarity < 0.9
    with pytest.raises(UserError, match="threshold 0"):
        decontaminate([near], problems, threshold=0)


def test_removed_are_in_the_order_of_the_corpus(problems):
    records = [record("a", LOOP), record("b", OTHER), record("c", OTHER, "Nothing known of it")]
    cleaned = decontaminate(records, problems)
    assert [removal.record for removal in cleaned.removed] == ["a", "c"]
    assert ids(cleaned.kept) == ["b"]


def test_a_stream_is_decontaminated_as_a_list_and_described(problems):
    records = [record(f"r{i}", OTHER if i % 2 else LOOP) for i in range(2 * MOST_NOTED + 20)]
    found = decontaminate_stream(iter(records), problems)
    assert found.removed == decontaminate(records, problems).removed
    assert found.left_out == {f"r{i}" for i in range(0, len(records), 2)}
    described = found.describe()
    assert described["removed"] == MOST_NOTED + 10
    assert len(described["records"]) == MOST_NOTED
    assert described["problems_hash"] == problems.content_hash


@pytest.mark.parametrize(
    "text", ["Add  A and b!", "add a AND B\n\nSample Input\n1 2", "ADD\nA and B\nExamples:\n1"]
)
def test_statements_are_the_same_in_any_case_and_up_to_the_samples(text):
    assert normalize_statement(text) == "add a and b"


def test_nothing_is_contaminated_without_records_or_problems(problems):
    assert decontaminate([], problems).removed == ()
    assert decontaminate([record("a", LOOP)], []).removed == ()
