"""What a problem is. Knows nothing of files, prompts or judging."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from knm.errors import UserError
from knm.testcases import TestCase

MOST_LABELS: Final = 12
LABEL_LENGTH: Final = 60
_TOLD_APART: Final = ("errata", "reference")


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
    """One record of a problem set. `extras` holds every field beyond the three required ones."""

    question_id: str
    question_content: str
    tests: TestSource
    extras: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def errata(self) -> str | None:
        """What is known to be wrong with the problem itself: its extra `errata`, as text."""
        value = self.extras.get("errata")
        if value is None or value is False or value == "":
            return None
        return value if isinstance(value, str) else "known to be wrong"

    @property
    def labels(self) -> dict[str, Any]:
        """The extra fields that are short enough to stand in a report, to break it down by.

        Numbers, true and false, text of one line and lists of such text, each bounded, and of those
        the first `MOST_LABELS` by name.
        """
        short = {
            name: value
            for name, value in sorted(self.extras.items())
            if name not in _TOLD_APART and _is_short(name) and _is_label(value)
        }
        return dict(list(short.items())[:MOST_LABELS])


def _is_label(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return 0 < len(value) <= MOST_LABELS and all(map(_is_short, value))
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) or _is_short(value)


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= LABEL_LENGTH and value.isprintable()


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
