import pytest

from knm.errors import UserError
from knm.problems import Problem, ProblemSet, TestCase


class _NoTests:
    def load(self) -> tuple[TestCase, ...]:
        return ()


def _set(*ids: str) -> ProblemSet:
    problems = tuple(Problem(question_id, "statement", _NoTests()) for question_id in ids)
    return ProblemSet("small", problems, content_hash="")


def test_problem_set_iterates_in_order_and_finds_by_id():
    problems = _set("b", "a")
    assert [problem.question_id for problem in problems] == ["b", "a"]
    assert len(problems) == 2
    assert problems.by_id("a") is problems.problems[1]


def test_unknown_id_is_an_error_that_names_the_id_and_the_set():
    with pytest.raises(UserError, match="small has no problem 'c' among its 2"):
        _set("a", "b").by_id("c")


def test_problems_are_hashable_whatever_their_extras():
    assert hash(Problem("a", "statement", TestCase("", ""), {"tags": []}))  # type: ignore[arg-type]
