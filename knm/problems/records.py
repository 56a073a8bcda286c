"""What a problem is. Knows nothing of files, prompts or judging."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from typing import Any, Final, Protocol

from knm.errors import UserError
from knm.testcases import TestCase

OF_PROBLEM: Final = "of_problem"
"""The extra field of a problem that was made of another one and a program: that one's id."""


FieldValue = bool | int | float | str | list[str]

MOST_FIELDS: Final = 24
FIELD_CHARACTERS: Final = 64
TITLE_CHARACTERS: Final = 120
_TITLES: Final = ("title", "question_title")
_NO_FIELDS: Final = frozenset({*_TITLES, "errata", "reference", OF_PROBLEM})
STDIN: Final = "stdin"
FUNCTION: Final = "function"
"""Kinds of problems: a program that reads standard input, or a function that tests call."""


class BrokenProblem(Exception):
    """The problem itself is at fault: its tests cannot be decoded, or there are none.

    Never a failure of the model, and never a pass.
    """


class TestSource(Protocol):
    """Where a problem's tests are. Picklable and small: they stay there until asked for."""

    def load(self) -> tuple[TestCase, ...]:
        """Read and decode the tests, at least one.

        Raises:
            BrokenProblem: the problem's own fault.
            UserError: the file has changed or vanished since the problem was loaded.
        """


@dataclass(frozen=True)
class Problem:
    """One record of a problem set. `extras` holds every field beyond the three required ones.

    `kind` is one of `knm.problems.kinds.KINDS`.
    """

    question_id: str
    question_content: str
    tests: TestSource
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False)
    kind: str = STDIN

    @property
    def stop(self) -> tuple[str, ...]:
        """What ends a continuation of the statement: its extra `stop_tokens`."""
        return tuple(self.extras.get("stop_tokens") or ()) if self.kind == FUNCTION else ()

    @property
    def errata(self) -> str | None:
        """What is known to be wrong with the problem itself: its extra `errata`, as text."""
        value = self.extras.get("errata")
        if value is None or value is False or value == "":
            return None
        return value if isinstance(value, str) else "known to be wrong"

    @property
    def title(self) -> str | None:
        """Its extra `title` or `question_title`, cut; None where it has neither."""
        titles = (" ".join(str(self.extras.get(name) or "").split()) for name in _TITLES)
        return next(filter(None, titles), "")[:TITLE_CHARACTERS] or None

    @property
    def origin(self) -> dict[str, str]:
        """The field that tells what it was made of, if it was: also that of programs for it."""
        origin = made_of(self.extras)
        return {} if origin is None else {OF_PROBLEM: origin}

    @property
    def root_problem(self) -> str:
        """The id of the problem that it was made of, or its own."""
        return made_of(self.extras) or self.question_id

    @property
    def marks(self) -> frozenset[str]:
        """What its task goes by: one of these in common makes it that of a record."""
        return task_marks((self.question_id,), self.extras)

    @property
    def fields(self) -> dict[str, FieldValue]:
        """The extra fields by which results can be told apart: short values and lists of such text.

        No more than `MOST_FIELDS`; title, errata and programs are none of them. `of_problem` is
        told besides, however long, as comparisons go by it.
        """
        short = {
            name: value
            for name, extra in self.extras.items()
            if name not in _NO_FIELDS and (value := _field_value(extra)) is not None
        }
        return {**dict(list(short.items())[:MOST_FIELDS]), **self.origin}


def made_of(fields: Mapping[str, Any]) -> str | None:
    """The id of the problem that one with these extra fields was made of; None of others."""
    origin = fields.get(OF_PROBLEM)
    return origin if isinstance(origin, str) and origin else None


def task_marks(ids: Iterable[str | None], fields: Mapping[str, Any]) -> frozenset[str]:
    """What tells of which task something with these ids and extra fields is.

    That is any of the ids, the problem that its own was made of, and its `composition`.
    """
    composition = fields.get("composition")
    named = (*ids, made_of(fields), composition if isinstance(composition, str) else None)
    return frozenset(filter(None, named))


def _field_value(value: Any) -> FieldValue | None:
    """A value that is told in results; None of one that is long, or made of other parts."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, list | tuple):
        return list(value) if 0 < len(value) <= MOST_FIELDS and all(map(_is_short, value)) else None
    return value if isinstance(value, bool | int) or _is_short(value) else None


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= FIELD_CHARACTERS and value.isprintable()


@dataclass(frozen=True)
class ProblemSet:
    """Problems in the order of their files, ids unique.

    `content_hash` covers ids, statements and encoded tests, whatever their order and file format.
    """

    name: str
    problems: tuple[Problem, ...]
    content_hash: str

    def __len__(self) -> int:
        return len(self.problems)

    def __iter__(self) -> Iterator[Problem]:
        return iter(self.problems)

    @property
    def ids(self) -> tuple[str, ...]:
        """The problems' ids, in their order."""
        return tuple(problem.question_id for problem in self.problems)

    def by_id(self, question_id: str) -> Problem:
        """Find one problem.

        Raises:
            UserError: the set has no such problem.
        """
        for problem in self.problems:
            if problem.question_id == question_id:
                return problem
        raise UserError(
            f"problem set {self.name} has no problem {question_id!r} among its {len(self)}; "
            "check the id, or load the set that has it"
        )
