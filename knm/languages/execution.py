"""How programs of a language are run and their errors read, as its description says.

Standard library only: in a container descriptions come as data. One says how programs are run, in
one of two ways:

- `library`: candidates for a shared library that holds a Lua interpreter, which runs programs in
  the verifier's own process: a Python module such as `lupa.lua54`, or the name of a system library;
- `compile` (may be left out), `execute` and `version`: commands, run where the file `filename`
  is. A command that begins with `./` is made by compiling.

`version_program` is a program that prints the version, for verifiers that cannot be asked.

How its error messages are read:

- `complaint`: rows of patterns (see `ComplaintRow`; one that is only a text is its `message`), of
  which the first that fits standard error counts;
- `out_of_memory`: searched in the message; `out_of_memory_retold` likewise, but believed only of a
  program that has used much of its memory: such a message can be the program's own;
- `syntax_errors` and `runtime_errors`: tables of classes (see `ErrorRow`);
- `syntax_sign`: searched in the message of a program that did not compile, which no traceback
  follows; only for verifiers that do not say so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from knm.errors import UserError

ENTRIES: Final = frozenset(
    {
        *("filename", "interpreter", "library", "compile", "execute", "version", "version_program"),
        *("complaint", "syntax_sign", "out_of_memory", "out_of_memory_retold"),
        *("syntax_errors", "runtime_errors"),
    }
)
"""Of a description, what running its programs needs."""


@dataclass(frozen=True)
class ErrorRow:
    """One row: the class, what the message must contain, and perhaps what the source must too.

    The source is that of the line which the message names and the one before it, because parsers
    notice an error at the token after it.
    """

    error_class: str
    message: re.Pattern[str]
    source: re.Pattern[str] | None = None


@dataclass(frozen=True)
class ComplaintRow:
    """How a complaint looks. All patterns are tried at the beginning of each line.

    With `anywhere` long lines are taken in pieces that overlap, so that patterns which begin with
    `.*` find a complaint that a program's unfinished line comes before, however long that is.

    The first line that fits `message` counts; where `after` is given, the first from the last line
    on that fits that. The group `message` is where the message begins; it goes on over further
    lines up to one that fits `until`, or, where that is not given, ends with its line. A group
    `line` of either pattern is the line of the program; that of `message` goes first.
    """

    message: re.Pattern[str]
    after: re.Pattern[str] | None = None
    until: re.Pattern[str] | None = None
    anywhere: bool = False


@dataclass(frozen=True)
class Commands:
    """How programs of a language are compiled (empty: not at all), run, and its version asked."""

    compile: tuple[str, ...]
    execute: tuple[str, ...]
    version: tuple[str, ...]


@dataclass(frozen=True)
class Execution:
    """How the programs of a language are judged. `filename` is what messages call the program.

    Either `libraries` or `commands` says how programs are run; `interpreter` is what messages of a
    library's interpreter begin with. `description` are the entries that all this was read from.
    """

    name: str
    filename: str
    interpreter: str
    libraries: tuple[str, ...]
    commands: Commands | None
    complaint: tuple[ComplaintRow, ...]
    syntax_sign: re.Pattern[str]
    out_of_memory: re.Pattern[str]
    out_of_memory_retold: re.Pattern[str] | None
    syntax_errors: tuple[ErrorRow, ...]
    runtime_errors: tuple[ErrorRow, ...]
    description: Mapping[str, Any] = field(repr=False, compare=False)


def says_execution(data: Mapping[str, Any]) -> bool:
    """Whether a description says how programs are run, if perhaps not all of it."""
    return not ENTRIES.isdisjoint(data)


def read_execution(name: str, data: Mapping[str, Any]) -> Execution:
    """How programs of the language `name` are run, of its description.

    Raises:
        UserError: an entry is missing or malformed; the message names it. Or it says nothing of how
            programs are run.
    """
    if not says_execution(data):
        raise UserError(
            f"language {name}: its description does not say how programs are run, so that they can "
            "be mined and measured but neither run nor judged: choose another language, or extend "
            "it in a file of your own with `filename`, `execute`, `version` and the tables of "
            "errors"
        )
    try:
        commands = None
        if "execute" in data:
            names = ("compile", "execute", "version")
            commands = Commands(*(tuple(map(str, data.get(part, ()))) for part in names))
        return Execution(
            name=name,
            filename=data["filename"],
            interpreter=data.get("interpreter", ""),
            libraries=() if commands else tuple(data["library"]),
            commands=commands,
            complaint=tuple(map(complaint_row, data["complaint"])),
            syntax_sign=re.compile(data["syntax_sign"]),
            out_of_memory=re.compile(data["out_of_memory"]),
            out_of_memory_retold=optional_pattern(data, "out_of_memory_retold"),
            syntax_errors=error_rows(data["syntax_errors"]),
            runtime_errors=error_rows(data["runtime_errors"]),
            description={key: value for key, value in data.items() if key in ENTRIES},
        )
    except KeyError as error:
        raise UserError(f"language {name}: the entry {error} is missing") from None
    except (re.error, TypeError) as error:
        raise UserError(f"language {name}: {error}") from None


def complaint_row(row: str | Mapping[str, Any]) -> ComplaintRow:
    """One row of `complaint`.

    Raises:
        KeyError: the pattern of the message, or its group, is missing.
    """
    row = {"message": row} if isinstance(row, str) else row
    message = re.compile(row["message"])
    if "message" not in message.groupindex:
        raise KeyError("(?P<message>...) in complaint")
    return ComplaintRow(
        message,
        optional_pattern(row, "after"),
        optional_pattern(row, "until"),
        bool(row.get("anywhere")),
    )


def error_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[ErrorRow, ...]:
    """The rows of one table."""
    return tuple(
        ErrorRow(
            row["class"],
            re.compile(row["message"]),
            optional_pattern(row, "source", re.MULTILINE),
        )
        for row in rows
    )


def optional_pattern(row: Mapping[str, Any], name: str, flags: int = 0) -> re.Pattern[str] | None:
    """An entry that may be left out."""
    return re.compile(row[name], flags) if name in row else None
