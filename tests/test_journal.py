import pytest

from knm.errors import UserError
from knm.journal import Journal


def test_what_was_put_is_there_again(tmp_path):
    path = tmp_path / "deep" / "trials.jsonl"
    with Journal(path, "a sweep") as journal:
        journal.put("a", {"x": 1})
        journal.put("b", {"x": 2})
        assert journal.get("c") is None
    with Journal(path, "a sweep") as journal:
        assert len(journal) == 2
        assert journal.get("b") == {"key": "b", "x": 2}


@pytest.mark.parametrize("tail", [b'{"key": "c", "x"', b"\0\0\0\0\n", b"\n", b'"no object"\n'])
def test_a_spoilt_last_line_is_dropped(tmp_path, tail):
    path = tmp_path / "trials.jsonl"
    with Journal(path, "a sweep") as journal:
        journal.put("a", {"x": 1})
    path.write_bytes(path.read_bytes() + tail)
    with Journal(path, "a sweep") as journal:
        assert len(journal) == 1
        journal.put("d", {"x": 4})
    with Journal(path, "a sweep") as journal:
        assert journal.get("a") == {"key": "a", "x": 1}
        assert journal.get("d") == {"key": "d", "x": 4}


def test_a_spoilt_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text('{"key": "a"}\nnonsense\n{"key": "b"}\n')
    with pytest.raises(UserError, match="trials.jsonl:2: not valid JSON.*; remove the line"):
        Journal(path, "a sweep")


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text('{"id": "a"}\n')
    for kind in ("a sweep", "an exploration"):
        with pytest.raises(UserError, match=f"trials.jsonl:1: no entry of {kind}: remove the line"):
            Journal(path, kind)


def test_a_file_that_is_refused_is_not_changed(tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text('{"id": "a"}\n{"id": "b", "torn')
    with pytest.raises(UserError, match="no entry of a sweep"):
        Journal(path, "a sweep")
    assert path.read_text() == '{"id": "a"}\n{"id": "b", "torn'
