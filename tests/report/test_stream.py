import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import write_json
from knm.report import (
    SCHEMA_VERSION,
    ProblemResult,
    ResultStream,
    finish_stream,
    judged_test,
    load_report,
    read_stream,
    reserve_report,
    stream_path,
    stream_results,
    validate_document,
)
from knm.sandbox import Verdict
from tests.report.builders import document, header, result


def line(question_id: str, verdict: Verdict = Verdict.ACCEPTED, **changes: Any) -> dict[str, Any]:
    """One line of a stream."""
    return judged_test(result(question_id, verdict, **changes), "what went wrong")


def ids(results: tuple[ProblemResult, ...]) -> list[str]:
    return [entry.question_id for entry in results]


def test_results_are_on_disk_before_the_stream_is_closed(tmp_path):
    path = stream_path(tmp_path / "new" / "report.json")
    with ResultStream(path, header) as stream:
        stream.write(line("b"))
        stream.write(line("a", Verdict.TIMEOUT))

        read = read_stream(path)
        assert read.results == (result("a", Verdict.TIMEOUT), result("b"))
        assert read.header == header()


def test_any_cut_of_the_stream_gives_the_results_before_it(tmp_path):
    path, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    with ResultStream(path, header) as stream:
        for name in "abc":
            stream.write(line(name))
    whole = path.read_bytes()

    for size in range(len(whole) + 1):
        cut.write_bytes(whole[:size])
        done = max(0, whole[:size].count(b"\n") - 1)
        assert read_stream(cut).results == tuple(result(name) for name in "abc"[:done])


def test_a_stream_is_continued_after_a_torn_line(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path, header) as stream:
        stream.write(line("a"))
    with path.open("ab") as file:
        file.write(b'{"nodeid": "b", "meta')
    with ResultStream(path, header) as stream:
        stream.write(line("c"))

    assert ids(read_stream(path).results) == ["a", "c"]
    assert path.read_text().count("knm_stream") == 1


def test_the_last_result_of_a_problem_counts(tmp_path):
    with ResultStream(tmp_path / "s.jsonl", header) as stream:
        stream.write(line("a", Verdict.SANDBOX_FAULT))
        stream.write(line("a"))

    assert read_stream(tmp_path / "s.jsonl").results == (result("a"),)


@given(st.text(st.characters(exclude_categories=())))
def test_any_completion_survives(tmp_path_factory, completion):
    path = tmp_path_factory.mktemp("stream") / "s.jsonl"
    with ResultStream(path, header) as stream:
        stream.write(line("a", completion=completion))

    # JSON has no way to tell a surrogate pair from the character it stands for.
    expected = completion.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert read_stream(path).results[0].text == expected


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path, header) as stream:
        stream.write(line("a"))
    path.write_bytes(path.read_bytes() + b"garbage\n")

    with pytest.raises(UserError, match=r"s\.jsonl:3: not valid JSON"):
        read_stream(path)


def test_a_stream_is_replaced_by_the_first_result_of_another_run(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path, header) as stream:
        stream.write(line("a"))
    with ResultStream(path, header, fresh=True) as stream:
        assert ids(read_stream(path).results) == ["a"]
        stream.write(line("b"))
    assert ids(read_stream(path).results) == ["b"]


def test_a_run_without_a_result_leaves_no_stream(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path, header):
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("content", ["{}\n", "text", "[1]\n", '{"knm_stream_of": 1}'])
@pytest.mark.parametrize("fresh", [False, True])
def test_a_file_that_is_no_stream_is_never_changed(tmp_path, content, fresh):
    path = tmp_path / "s.jsonl"
    path.write_text(content)
    with pytest.raises(UserError, match=r"s\.jsonl: .*holds something else"):
        ResultStream(path, header, fresh=fresh)
    assert path.read_text() == content


@pytest.mark.parametrize("content", ["", '{"knm_st', json.dumps(to_json(result("a"))) + "\n"])
def test_what_may_be_a_stream_can_be_replaced(tmp_path, content):
    path = tmp_path / "s.jsonl"
    path.write_text(content)
    with ResultStream(path, header, fresh=True) as stream:
        stream.write(line("b"))
    assert ids(read_stream(path).results) == ["b"]


def test_names_are_given_to_one_run_each(tmp_path):
    wanted = tmp_path / "new" / "run.json"
    with ThreadPoolExecutor(8) as pool:
        given = list(pool.map(lambda _: reserve_report(wanted), range(8)))
    names = {"run.json", *(f"run-{number}.json" for number in range(2, 9))}
    assert {path.name for path in given} == names
    stream_path(wanted).unlink()
    wanted.write_text("{}")
    assert reserve_report(wanted).name == "run-9.json"


def test_places_that_cannot_hold_a_stream_are_named(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        ResultStream(tmp_path, header)
    with pytest.raises(UserError, match=r"none\.jsonl: cannot be read"):
        read_stream(tmp_path / "none.jsonl")


def test_a_stream_that_was_only_decoded_is_refused_and_can_be_finished(tmp_path):
    path = tmp_path / "r.jsonl"
    with ResultStream(path, header) as stream:
        stream.write(line("a", Verdict.NOT_JUDGED))
    with pytest.raises(UserError, match=r"r\.jsonl: not judged: .*knm judge --compl.*r\.json`"):
        list(stream_results(path))
    assert finish_stream(path)["knm"]["totals"]["verdicts"] == {"not-judged": 1}


@pytest.mark.parametrize("done", range(1, 5))
def test_a_killed_run_is_finished_from_its_stream_as_if_it_had_done_no_more(tmp_path, done):
    path = tmp_path / "r.jsonl"
    verdicts = [Verdict.TIMEOUT, Verdict.ACCEPTED, Verdict.BROKEN_PROBLEM, Verdict.NO_CODE]
    tests = [line(name, verdict) for name, verdict in zip("dbca", verdicts, strict=True)]
    with ResultStream(path, lambda: header(selected=4)) as stream:
        for entry in tests[:done]:
            stream.write(entry)
    finished = finish_stream(path)
    write_json(tmp_path / "r.json", finished)
    report = load_report(tmp_path / "r.json")

    assert list(validate_document(finished)) == []
    assert finished["tests"] == sorted(tests[:done], key=lambda entry: entry["nodeid"])
    whole = document(list(report.results), selected=4)
    assert finished["knm"] == whole["knm"]
    assert report.missing == 4 - done
    assert finished["exitcode"] == (1 if done == 4 else 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"knm_stream": SCHEMA_VERSION + 1}, "written by a newer knm"),
        ({"configuration": None}, "damaged header"),
        ({"hashes": {"prompt": "1"}}, "lacks `problem_set`"),
    ],
)
def test_a_header_that_cannot_be_used_is_named(tmp_path, change, message):
    path = tmp_path / "s.jsonl"
    path.write_text(json.dumps({**header().to_json(), **change}) + "\n")

    with pytest.raises(UserError, match=rf"s\.jsonl:1: .*{message}"):
        read_stream(path)


def test_a_stream_given_for_a_report_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="knm report finish"):
        load_report(tmp_path / "s.jsonl")
