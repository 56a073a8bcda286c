import datetime
import json
import pickle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from knm.errors import UserError
from knm.problems import (
    BrokenProblem,
    ProblemSet,
    Selection,
    TestCase,
    encode_private_tests,
    load_problems,
    stream_rows,
)


def cases(index: int) -> tuple[TestCase, ...]:
    return (TestCase(f"{index}\n", f"{index * 2}\n"), TestCase("0\n", "0\n"))


def record(index: int, **extras: Any) -> dict[str, Any]:
    return {
        "question_id": f"abc{index}_a",
        "question_content": f"Double {index} – π.",
        "private_test_cases": encode_private_tests(cases(index)),
        **extras,
    }


def write_jsonl(path: Path, records: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in records))
    return path


def write_parquet(path: Path, records: list[dict[str, Any]], row_group_size: int = 2) -> Path:
    pq.write_table(pa.Table.from_pylist(records), path, row_group_size=row_group_size)
    return path


WRITERS = {"jsonl": write_jsonl, "parquet": write_parquet}


@pytest.fixture(params=WRITERS)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Five problems, in either format."""
    return WRITERS[request.param](
        tmp_path / f"five.{request.param}", [record(index) for index in range(5)]
    )


def ids(problems: ProblemSet) -> list[str]:
    return [problem.question_id for problem in problems]


def test_problems_keep_their_order_and_fields(source):
    problems = load_problems(source)
    assert problems.name == "five"
    assert ids(problems) == [f"abc{index}_a" for index in range(5)]
    assert problems.problems[3].question_content == "Double 3 – π."


def test_rows_have_all_their_fields_in_order(source):
    assert [dict(row.fields) for row in stream_rows(source)] == [record(n) for n in range(5)]


def test_each_problem_loads_its_own_tests_in_any_order(source):
    problems = load_problems(source).problems
    for index in (4, 0, 3, 1, 2):
        assert problems[index].tests.load() == cases(index)


def test_problems_are_small_when_pickled_and_load_afterwards(source):
    problem = pickle.loads(pickle.dumps(load_problems(source).problems[2]))
    assert problem.tests.load() == cases(2)


def test_a_relative_path_loads_from_another_directory(source, monkeypatch, tmp_path):
    monkeypatch.chdir(source.parent)
    problem = load_problems(source.name).problems[1]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    assert problem.tests.load() == cases(1)


@pytest.mark.parametrize("form", WRITERS)
def test_tests_stay_out_of_memory_and_undecoded_until_asked_for(form, tmp_path):
    secret = record(0) | {"private_test_cases": "undecodable " * 1000}
    problem = load_problems(WRITERS[form](tmp_path / f"a.{form}", [secret])).problems[0]
    assert len(pickle.dumps(problem)) < 1000
    with pytest.raises(BrokenProblem):
        problem.tests.load()


@pytest.mark.parametrize("form", WRITERS)
def test_unknown_fields_pass_through_as_extras(form, tmp_path):
    extras = {"title": "Doubling", "tags": ["math"], "difficulty": 7, "wrong": ["x", "y"]}
    problems = load_problems(WRITERS[form](tmp_path / f"a.{form}", [record(0, **extras)]))
    assert problems.problems[0].extras == extras


def test_dates_in_parquet_become_iso_text(tmp_path):
    row = record(0, contest_date=datetime.datetime(2023, 6, 10, 12))
    problems = load_problems(write_parquet(tmp_path / "a.parquet", [row]))
    assert problems.problems[0].extras == {"contest_date": "2023-06-10T12:00:00"}


def test_blank_lines_crlf_and_a_byte_order_mark_are_accepted(tmp_path):
    lines = [json.dumps(record(0)), "", json.dumps(record(1)), "  "]
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    problems = load_problems(path)
    assert [problem.tests.load() for problem in problems] == [cases(0), cases(1)]


# --- the hash


def test_hash_does_not_depend_on_format_order_or_extras(tmp_path):
    records = [record(index) for index in range(3)]
    hashes = {
        load_problems(path).content_hash
        for path in (
            write_jsonl(tmp_path / "a.jsonl", records),
            write_jsonl(tmp_path / "b.jsonl", records[::-1]),
            write_jsonl(tmp_path / "c.jsonl", [row | {"title": "x"} for row in records]),
            write_parquet(tmp_path / "d.parquet", records),
            write_parquet(tmp_path / "e.parquet", records, row_group_size=100),
        )
    }
    assert len(hashes) == 1


@pytest.mark.parametrize("field", ["question_id", "question_content", "private_test_cases"])
def test_hash_depends_on_every_required_field(field, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [record(0), record(1)])
    before = load_problems(path).content_hash
    write_jsonl(path, [record(0), record(1) | {field: "other"}])
    assert load_problems(path).content_hash != before


# --- limit


def test_limit_takes_the_first_problems_and_reads_no_further(source):
    problems = load_problems(source, Selection(limit=3))
    assert ids(problems) == ["abc0_a", "abc1_a", "abc2_a"]
    assert problems.content_hash != load_problems(source).content_hash


def test_limit_does_not_look_at_later_lines(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [record(0)])
    with path.open("a") as file:
        file.write("damaged\n")
    assert len(load_problems(path, Selection(limit=1))) == 1


def test_limit_beyond_the_end_takes_all(source):
    assert len(load_problems(source, Selection(limit=100))) == 5


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_an_error(source, limit):
    with pytest.raises(UserError, match=f"limit {limit}: take at least 1"):
        load_problems(source, Selection(limit=limit))


# --- directories


def test_a_directory_is_its_files_sorted_by_name(tmp_path):
    write_parquet(tmp_path / "b.parquet", [record(2)])
    write_jsonl(tmp_path / "c.jsonl", [record(0)])
    write_jsonl(tmp_path / "a.jsonl", [record(1)])
    (tmp_path / "README.md").write_text("not problems")
    (tmp_path / "below").mkdir()
    write_jsonl(tmp_path / "below" / "d.jsonl", [record(3)])
    problems = load_problems(tmp_path)
    assert problems.name == tmp_path.name
    assert ids(problems) == ["abc1_a", "abc2_a", "abc0_a"]
    assert [problem.tests.load() for problem in problems] == [cases(1), cases(2), cases(0)]


def test_an_id_used_in_two_files_is_an_error_that_names_both_places(tmp_path):
    write_jsonl(tmp_path / "a.jsonl", [record(0), record(1)])
    write_jsonl(tmp_path / "b.jsonl", [record(1)])
    for read in (load_problems, lambda source: list(stream_rows(source))):
        with pytest.raises(UserError, match=r"b\.jsonl:1: .*'abc1_a' is already .*a\.jsonl:2"):
            read(tmp_path)


def test_an_id_used_twice_in_a_parquet_file_names_both_rows(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [record(0), record(1), record(2), record(0)])
    with pytest.raises(UserError, match=r"a\.parquet: row 4: .*a\.parquet: row 1"):
        load_problems(path)


def test_a_directory_without_problems_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no \.jsonl or \.parquet file"):
        load_problems(tmp_path)


# --- what a user can get wrong


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_id": None}, "'question_id' is NoneType; make it a text"),
        ({"question_id": 5}, "'question_id' is int"),
        ({"question_id": " "}, "'question_id' is empty"),
        ({"question_content": ["x"]}, "'question_content' is list"),
        ({"private_test_cases": [{"input": ""}]}, "list; make it a text of JSON"),
    ],
)
def test_a_malformed_field_is_an_error_that_names_line_and_field(change, message, tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [record(0), record(1) | change])
    with pytest.raises(UserError, match=message) as raised:
        load_problems(path)
    assert f"{path}:2" in str(raised.value)


def test_an_unpaired_surrogate_is_an_error_that_names_line_and_field(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record(0) | {"question_content": "\ud800"}))
    with pytest.raises(UserError, match=r"a\.jsonl:1: field 'question_content' has an unpaired"):
        load_problems(path)


@pytest.mark.parametrize("field", ["question_id", "question_content", "private_test_cases"])
def test_a_missing_field_is_an_error_that_names_it(field, tmp_path):
    row = record(0)
    del row[field]
    with pytest.raises(UserError, match=rf"a\.jsonl:1: field '{field}' is missing"):
        load_problems(write_jsonl(tmp_path / "a.jsonl", [row]))
    with pytest.raises(UserError, match=rf"a\.parquet: no column {field}"):
        load_problems(write_parquet(tmp_path / "a.parquet", [row]))


@pytest.mark.parametrize("line", ["{", "[]", '"text"'])
def test_a_line_that_is_no_object_is_an_error_that_names_it(line, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(record(0)) + f"\n{line}\n")
    with pytest.raises(UserError, match=r"a\.jsonl:2: "):
        load_problems(path)


def test_a_null_in_a_parquet_row_is_an_error_that_names_the_row(tmp_path):
    rows = [record(0), record(1), record(2) | {"question_content": None}]
    with pytest.raises(UserError, match=r"a\.parquet: row 3: field 'question_content'"):
        load_problems(write_parquet(tmp_path / "a.parquet", rows))


def test_a_file_that_is_not_parquet_is_an_error(tmp_path):
    path = tmp_path / "a.parquet"
    path.write_text("not parquet, but long enough to have a footer")
    with pytest.raises(UserError, match=r"a\.parquet: not a readable parquet file"):
        load_problems(path)


@pytest.mark.parametrize("form", WRITERS)
def test_an_empty_set_is_an_error(form, tmp_path):
    path = tmp_path / f"a.{form}"
    if form == "jsonl":
        path.write_text("\n")
    else:
        pq.write_table(pa.Table.from_pylist([record(0)]).slice(0, 0), path)
    with pytest.raises(UserError, match="no problems in it"):
        load_problems(path)


def test_a_file_of_another_kind_is_an_error(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x")
    with pytest.raises(UserError, match=r"read from \.jsonl or \.parquet files"):
        load_problems(path)


@pytest.mark.parametrize(
    "source", ["missing.jsonl", "data/missing.jsonl", "/missing", "../missing/set", "./a/b", "word"]
)
def test_a_missing_path_is_an_error_and_not_looked_for_on_the_hub(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no such file or directory; give a"):
        load_problems(source)


# --- files that change under a run


def test_tests_of_a_file_that_changed_are_an_error_and_not_a_verdict(source):
    problems = load_problems(source).problems
    WRITERS[source.suffix[1:]](source, [record(index + 10) for index in range(4)])
    for problem in problems:
        with pytest.raises(UserError, match="changed or removed"):
            problem.tests.load()


def test_tests_of_a_file_that_vanished_are_an_error_and_not_a_verdict(source):
    problem = load_problems(source).problems[0]
    source.unlink()
    with pytest.raises(UserError, match="changed or removed"):
        problem.tests.load()
