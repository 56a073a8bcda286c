"""The readers' common ground: checking one row, and finding its tests unchanged later."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knm.errors import UserError
from knm.hashing import hash_bytes
from knm.problems.kinds import KINDS, ProblemKind, kind_of_fields
from knm.problems.records import FUNCTION, STDIN, Problem, TestSource
from knm.testcases import TestCase


@dataclass(frozen=True)
class Row:
    """A checked row. `place` is for messages.

    `fields` are all that it has, the encoded tests among them: whoever keeps many rows keeps other
    parts of them.
    """

    place: str
    fields: Mapping[str, Any]
    question_id: str
    question_content: str
    tests_hash: str
    extras: dict[str, Any]
    kind: str
    content_hash: str

    def problem(self, tests: TestSource) -> Problem:
        """The row as a problem whose tests are at `tests`."""
        return Problem(self.question_id, self.question_content, tests, self.extras, self.kind)


def check_row(fields: Mapping[str, Any], place: str) -> Row:
    """Check a row's required fields and hash its encoded tests.

    Raises:
        UserError: a required field is missing, empty or not text.
    """
    kind = kind_of_fields(fields)
    texts = [_check_text(fields, name, kind, place) for name in kind.required]
    question_id, content, tests = texts
    if not question_id.strip():
        raise UserError(f"{place}: field {kind.id_field!r} is empty; give the problem an id")
    extras = {name: value for name, value in fields.items() if name not in kind.required}
    stops = extras.get("stop_tokens")
    if kind.name == FUNCTION and not (
        isinstance(stops, list) and all(isinstance(stop, str) and stop for stop in stops)
    ):
        raise UserError(f"{place}: field 'stop_tokens' is no list of texts; give one, or []")
    return Row(
        place=place,
        fields=fields,
        question_id=question_id,
        question_content=content,
        tests_hash=hash_bytes(tests.encode()),
        extras=extras,
        kind=kind.name,
        content_hash=kind.hash_row(fields),
    )


def decode_unchanged(
    fields: Mapping[str, Any], kind: str, tests_hash: str, path: Path
) -> tuple[TestCase, ...]:
    """Decode the tests in a row's fields after making sure that they are those that were hashed.

    Raises:
        BrokenProblem: they cannot be decoded.
        UserError: they are not the same.
    """
    encoded = fields.get(KINDS[kind].tests_field)
    if not isinstance(encoded, str) or hash_bytes(encoded.encode(errors="replace")) != tests_hash:
        raise file_changed(path)
    return KINDS[kind].decode(encoded)


def file_changed(path: Path) -> UserError:
    """The error of a file that no longer holds what was read from it."""
    return UserError(
        f"{path}: changed or removed since its problems were read; "
        "leave problem files alone during a run, and start it again"
    )


def _check_text(fields: Mapping[str, Any], name: str, kind: ProblemKind, place: str) -> str:
    if name not in fields:
        raise UserError(
            f"{place}: field {name!r} is missing; every problem has {', '.join(kind.required)}"
        )
    value = fields[name]
    if not isinstance(value, str):
        mend = "a text of JSON" if (kind.name, name) == (STDIN, kind.tests_field) else "a text"
        raise UserError(f"{place}: field {name!r} is {type(value).__name__}; make it {mend}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{place}: field {name!r} has an unpaired surrogate; write it as valid Unicode"
        ) from None
    return value
