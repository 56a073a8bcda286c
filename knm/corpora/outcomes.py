"""What execution found out about a record's program."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from knm.errors import UserError

ACCEPTED: Final = "accepted"


@dataclass(frozen=True)
class Outcome:
    """The verdict on a program and what it rests on.

    `line` is that of the program, from 1, which the error message names; None where it names none.
    `tests_passed` counts the tests before the first that failed. `written` is how many of a model's
    samples are this program.
    """

    verdict: str
    error_class: str | None = None
    message: str = ""
    line: int | None = None
    tests_passed: int = 0
    tests_total: int = 0
    written: int = 1

    @property
    def passed(self) -> bool:
        """Whether the program passed every test."""
        return self.verdict == ACCEPTED

    @classmethod
    def from_json(cls, value: Any, where: str) -> "Outcome":
        """Read back what `to_json` gave; fields that are not known are passed over.

        Raises:
            UserError: a field is of a wrong type, there is no verdict, or nobody wrote the program.
        """
        if not isinstance(value, Mapping) or not isinstance(value.get("verdict"), str):
            raise UserError(f"{where}: field 'outcome' must be an object with a 'verdict'")
        found = {name: value[name] for name in _KINDS if name in value}
        for name, held in found.items():
            if not isinstance(held, _KINDS[name]) or isinstance(held, bool):
                raise UserError(f"{where}: field 'outcome.{name}' is {held!r:.80}: of a wrong type")
        if found.get("written", 1) < 1:
            raise UserError(
                f"{where}: field 'outcome.written' is {found['written']}: must be at least 1 sample"
            )
        return cls(**found)


_OPTIONAL_TEXT: Final = (str, type(None))
_KINDS: Final[Mapping[str, tuple[type, ...]]] = {
    "verdict": (str,),
    "error_class": _OPTIONAL_TEXT,
    "message": (str,),
    "line": (int, type(None)),
    "tests_passed": (int,),
    "tests_total": (int,),
    "written": (int,),
}
assert set(_KINDS) == {field.name for field in fields(Outcome)}
