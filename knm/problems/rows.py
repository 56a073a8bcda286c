"""The readers' common ground: checking one row, and finding its tests unchanged later."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_bytes, hash_json
from knm.problems.codec import decode_private_tests
from knm.problems.records import Problem, TestSource
from knm.testcases import TestCase

TESTS_FIELD: Final = "private_test_cases"
REQUIRED_FIELDS: Final = ("question_id", "question_content", TESTS_FIELD)


@dataclass(frozen=True)
class Row:
    """A checked row; of its encoded tests only the hash is kept. `place` is for messages."""

    place: str
    question_id: str
    question_content: str
    tests_hash: str
    extras: dict[str, Any]

    @property
    def content_hash(self) -> str:
        """Hash of the statement and the encoded tests."""
        return hash_json([self.question_content, self.tests_hash])

    def problem(self, tests: TestSource) -> Problem:
        """The row as a problem whose tests are at `tests`."""
        return Problem(self.question_id, self.question_content, tests, self.extras)


def check_row(fields: Mapping[str, Any], place: str) -> Row:
    """Check a row's required fields and hash its encoded tests.

    Raises:
        UserError: a required field is missing, empty or not text.
    """
    texts = {name: _check_text(fields, name, place) for name in REQUIRED_FIELDS}
    if not texts["question_id"].strip():
        raise UserError(f"{place}: field 'question_id' is empty; give the problem an id")
    return Row(
        place=place,
        question_id=texts["question_id"],
        question_content=texts["question_content"],
        tests_hash=hash_bytes(texts[TESTS_FIELD].encode()),
        extras={name: value for name, value in fields.items() if name not in REQUIRED_FIELDS},
    )


def decode_unchanged(encoded: Any, tests_hash: str, path: Path) -> tuple[TestCase, ...]:
    """Decode tests after making sure that they are those that were hashed.

    Raises:
        BrokenProblem: they cannot be decoded.
        UserError: they are not the same.
    """
    if not isinstance(encoded, str) or hash_bytes(encoded.encode(errors="replace")) != tests_hash:
        raise file_changed(path)
    return decode_private_tests(encoded)


def file_changed(path: Path) -> UserError:
    """The error of a file that no longer holds what was read from it."""
    return UserError(
        f"{path}: changed or removed since its problems were read; "
        "leave problem files alone during a run, and start it again"
    )


def _check_text(fields: Mapping[str, Any], name: str, place: str) -> str:
    if name not in fields:
        raise UserError(
            f"{place}: field {name!r} is missing; every problem has {', '.join(REQUIRED_FIELDS)}"
        )
    value = fields[name]
    if not isinstance(value, str):
        mend = "a text of JSON" if name == TESTS_FIELD else "a text"
        raise UserError(f"{place}: field {name!r} is {type(value).__name__}; make it {mend}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UserError(
            f"{place}: field {name!r} has an unpaired surrogate; write it as valid Unicode"
        ) from None
    return value
