import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.report import ResultStream, read_stream, stream_path
from knm.sandbox import Verdict
from tests.report.builders import result


def test_results_are_on_disk_before_the_stream_is_closed(tmp_path):
    path = stream_path(tmp_path / "new" / "report.json")
    with ResultStream(path) as stream:
        stream.write(result("b"))
        stream.write(result("a", Verdict.TIMEOUT))

        assert read_stream(path) == (result("a", Verdict.TIMEOUT), result("b"))


def test_any_cut_of_the_stream_gives_the_results_before_it(tmp_path):
    path, cut = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    with ResultStream(path) as stream:
        for name in "abc":
            stream.write(result(name))
    whole = path.read_bytes()

    for size in range(len(whole) + 1):
        cut.write_bytes(whole[:size])
        done = whole[:size].count(b"\n")
        assert read_stream(cut) == tuple(result(name) for name in "abc"[:done])


def test_a_stream_is_continued_after_a_torn_line(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path) as stream:
        stream.write(result("a"))
    with path.open("ab") as file:
        file.write(b'{"question_id": "b", "comp')
    with ResultStream(path) as stream:
        stream.write(result("c"))

    assert [entry.question_id for entry in read_stream(path)] == ["a", "c"]


def test_the_last_result_of_a_problem_counts(tmp_path):
    with ResultStream(tmp_path / "s.jsonl") as stream:
        stream.write(result("a", Verdict.SANDBOX_FAULT))
        stream.write(result("a"))

    assert read_stream(tmp_path / "s.jsonl") == (result("a"),)


@given(st.text(st.characters(exclude_categories=())))
def test_any_completion_survives(tmp_path_factory, completion):
    path = tmp_path_factory.mktemp("stream") / "s.jsonl"
    with ResultStream(path) as stream:
        stream.write(result("a", completion=completion))

    # JSON has no way to tell a surrogate pair from the character it stands for.
    expected = completion.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    assert read_stream(path)[0].completion == expected


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "s.jsonl"
    with ResultStream(path) as stream:
        stream.write(result("a"))
    path.write_bytes(path.read_bytes() + b"garbage\n")

    with pytest.raises(UserError, match=r"s\.jsonl:2: not valid JSON"):
        read_stream(path)


def test_places_that_cannot_hold_a_stream_are_named(tmp_path):
    with pytest.raises(UserError, match="cannot be written"):
        ResultStream(tmp_path)
    with pytest.raises(UserError, match=r"none\.jsonl: cannot be read"):
        read_stream(tmp_path / "none.jsonl")
