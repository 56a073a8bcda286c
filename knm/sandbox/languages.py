"""How programs of a language are run and their errors read, as its description says.

`knm.languages` finds descriptions. One says how programs are run, in one of two ways:

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

import ctypes.util
import importlib.machinery
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from knm.errors import UserError
from knm.languages import describe_language, language_title
from knm.sandbox.classification import ComplaintRow, ErrorRow


@dataclass(frozen=True)
class Commands:
    """How programs of a language are compiled (empty: not at all), run, and its version asked."""

    compile: tuple[str, ...]
    execute: tuple[str, ...]
    version: tuple[str, ...]


@dataclass(frozen=True)
class Language:
    """A language that programs are judged in. `filename` is what messages call the program.

    Either `libraries` or `commands` says how programs are run; `interpreter` is what messages of a
    library's interpreter begin with.
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

    def library_path(self) -> str:
        """The file of the shared library that holds the interpreter: the first that is installed.

        Raises:
            UserError: none is.
        """
        for candidate in self.libraries:
            if found := find_module(candidate) or ctypes.util.find_library(candidate):
                return found
        raise UserError(
            f"language {self.name}: none of {', '.join(self.libraries)} is installed; install a "
            "build of lupa that brings it"
        )


def find_module(name: str) -> str | None:
    """The file of a module in a package. It is not imported: only the verifier's process does."""
    package, _, module = name.rpartition(".")
    if not package.isidentifier():
        return None
    parent = importlib.util.find_spec(package)
    folders = parent.submodule_search_locations if parent else None
    found = importlib.machinery.PathFinder.find_spec(module, folders) if folders else None
    return found.origin if found else None


def load_language(name: str) -> Language:
    """Load the language of that name, or that a YAML file describes.

    Raises:
        UserError: there is none (the message lists those there are), or the file is malformed.
    """
    return make_language(language_title(name), describe_language(name))


def make_language(name: str, data: Mapping[str, Any]) -> Language:
    """The language that a description describes.

    Raises:
        UserError: an entry is missing or malformed; the message names it.
    """
    try:
        commands = None
        if "execute" in data:
            names = ("compile", "execute", "version")
            commands = Commands(*(tuple(map(str, data.get(part, ()))) for part in names))
        return Language(
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
            description=data,
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
