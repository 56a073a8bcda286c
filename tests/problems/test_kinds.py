from dataclasses import replace

import pytest

from knm.errors import UserError
from knm.problems import load_problems
from knm.problems.kinds import KINDS, kind_of, kind_of_fields
from knm.problems.records import STDIN
from knm.testcases import TestCase
from tests.problems.function_problems import COUNT
from tests.problems.problem_files import grammar_records, write_problems
from tests.problems.test_loading import WRITERS

LINES = replace(
    KINDS[STDIN],
    name="lines",
    marks=frozenset({"task", "answers"}),
    id_field="key",
    content_field="task",
    tests_field="answers",
    decode=lambda text: tuple(TestCase("", line) for line in text.splitlines()),
)


@pytest.mark.parametrize("suffix", WRITERS)
def test_a_kind_of_ones_own_is_read_from_any_file(suffix, tmp_path, monkeypatch):
    monkeypatch.setitem(KINDS, "lines", LINES)
    rows = [{"key": "a", "task": "Say two.", "answers": "2\n3", "level": "easy"}]
    (problem,) = load_problems(WRITERS[suffix](tmp_path / f"own.{suffix}", rows))
    assert (problem.question_id, problem.question_content) == ("a", "Say two.")
    assert problem.tests.load() == (TestCase("", "2"), TestCase("", "3"))
    assert problem.extras == {"level": "easy"}
    assert kind_of(problem) is LINES


@pytest.mark.parametrize("suffix", WRITERS)
def test_functions_are_known_by_their_fields(suffix, tmp_path):
    (problem,) = load_problems(WRITERS[suffix](tmp_path / f"own.{suffix}", [COUNT]))
    assert (problem.kind, problem.question_id) == ("function", COUNT["name"])
    assert problem.stop == tuple(COUNT["stop_tokens"])
    assert problem.tests.load()[0].input == COUNT["tests"]


def test_all_others_are_programs_that_read(tmp_path):
    assert kind_of_fields({"name", "prompt"}).name == STDIN
    (problem,) = load_problems(write_problems(tmp_path / "own.jsonl", grammar_records(1)))
    assert (problem.kind, problem.stop) == (STDIN, ())


def test_a_kind_that_this_process_does_not_know_is_named(tmp_path):
    (problem,) = load_problems(write_problems(tmp_path / "own.jsonl", grammar_records(1)))
    with pytest.raises(UserError, match="of the kind 'lost', which is none of function, stdin"):
        kind_of(replace(problem, kind="lost"))
