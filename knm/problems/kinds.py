"""Kinds of problems: how a row of a file becomes one, and how a program of it is run.

`KINDS` is a registry: whoever has problems of another kind adds a `ProblemKind` before they are
loaded. The kind of a row is the first whose `marks` are all among its fields, else `stdin`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from knm.errors import UserError
from knm.hashing import hash_bytes, hash_json
from knm.problems import functions
from knm.problems.codec import decode_private_tests
from knm.problems.extraction import extract_program
from knm.problems.records import FUNCTION, STDIN, Problem
from knm.testcases import TestCase


class Assemble(Protocol):
    """Makes of a program and a problem's tests what is run, and the tests that it is run on."""

    def __call__(self, program: str, tests: Sequence[TestCase]) -> tuple[str, Sequence[TestCase]]:
        """See the class."""


@dataclass(frozen=True)
class ProblemKind:
    """What is particular to one kind of problems.

    Attributes:
        name: as problems have it in `kind`.
        marks: fields that tell a row of this kind; none for the one that is taken otherwise.
        id_field, content_field, tests_field: the fields that every row has, each a text.
        deciding: further fields that decide an outcome, and so belong to a problem's hash.
        decode: from the text of the tests to tests. Raises `BrokenProblem`.
        find_program: from a problem and what a model wrote, in a language, to a program; None if
            there is none.
        assemble: from a program and tests to what is run on which inputs.
    """

    name: str
    marks: frozenset[str]
    id_field: str
    content_field: str
    tests_field: str
    decode: Callable[[str], tuple[TestCase, ...]]
    find_program: Callable[[Problem, str, str], str | None]
    assemble: Assemble
    deciding: tuple[str, ...] = ()

    @property
    def required(self) -> tuple[str, str, str]:
        """The fields that every row has."""
        return self.id_field, self.content_field, self.tests_field

    def hash_row(self, fields: Mapping[str, Any]) -> str:
        """Hash of the statement, the encoded tests and whatever else decides an outcome."""
        parts = [fields[self.content_field], hash_bytes(fields[self.tests_field].encode())]
        return hash_json([*parts, *(fields.get(name) for name in self.deciding)])


KINDS: Final[dict[str, ProblemKind]] = {
    FUNCTION: ProblemKind(
        name=FUNCTION,
        marks=frozenset({"name", "prompt", "tests", "stop_tokens"}),
        id_field="name",
        content_field="prompt",
        tests_field="tests",
        decode=functions.decode_tests,
        find_program=functions.find_program,
        assemble=functions.assemble,
        deciding=("stop_tokens",),
    ),
    STDIN: ProblemKind(
        name=STDIN,
        marks=frozenset(),
        id_field="question_id",
        content_field="question_content",
        tests_field="private_test_cases",
        decode=decode_private_tests,
        find_program=lambda _, text, language: extract_program(text, language),
        assemble=lambda program, tests: (program, tests),
    ),
}


def kind_of_fields(names: Iterable[str]) -> ProblemKind:
    """The kind of rows with these fields."""
    there = set(names)
    marked = (kind for kind in KINDS.values() if kind.marks and kind.marks <= there)
    return next(marked, KINDS[STDIN])


def kind_of(problem: Problem) -> ProblemKind:
    """The kind of a problem.

    Raises:
        UserError: it is not registered in this process.
    """
    if problem.kind not in KINDS:
        raise UserError(
            f"problem {problem.question_id!r} is of the kind {problem.kind!r}, which is none of "
            f"{', '.join(KINDS)}; add it to knm.problems.kinds.KINDS"
        )
    return KINDS[problem.kind]
