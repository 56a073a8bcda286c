from datetime import date
from typing import Any

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


@pytest.mark.parametrize(
    ("extras", "title"),
    [
        ({"title": " Two\n Sums "}, "Two Sums"),
        ({"question_title": "Sums", "title": ""}, "Sums"),
        ({"title": None}, None),
        ({"title": "x" * 500}, "x" * 120),
    ],
)
def test_a_title_is_one_short_line(extras: dict[str, Any], title: str | None) -> None:
    assert Problem("a", "statement", _NoTests(), extras).title == title


def test_fields_are_the_short_extras_that_tell_problems_apart() -> None:
    extras: dict[str, Any] = {
        "difficulty": "easy",
        "contest_date": date(2024, 6, 1),
        "rating": 1200,
        "share": 0.5,
        "interactive": False,
        "title": "Sums",
        "errata": "typo",
        "reference": "print(1)",
        "broken": float("nan"),
        "essay": "x" * 65,
        "lines": "a\nb",
        "tags": ["a"],
        "nothing": None,
    }
    assert Problem("a", "statement", _NoTests(), extras).fields == {
        "difficulty": "easy",
        "contest_date": "2024-06-01",
        "rating": 1200,
        "share": 0.5,
        "interactive": False,
        "tags": ["a"],
    }
    assert len(Problem("a", "", _NoTests(), {str(n): n for n in range(99)}).fields) == 24


def test_what_a_problem_was_made_of_is_told_beside_any_number_of_fields():
    many = {str(n): n for n in range(30)}
    for origin in ("p", "x" * 200):
        for extras in ({"of_problem": origin, **many}, {**many, "of_problem": origin}):
            fields = Problem("a", "", _NoTests(), extras).fields
            assert fields.pop("of_problem") == origin
            assert len(fields) == 24
    for nothing in (None, "", 7, ["p"]):
        assert "of_problem" not in Problem("a", "", _NoTests(), {"of_problem": nothing}).fields
