"""What a problem is. Knows nothing of files, prompts or judging."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from knm.errors import UserError
from knm.testcases import TestCase

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
