"""How programs of a language are run and their errors read, as its description says.

`knm.languages` finds descriptions. One says how programs are run, in one of two ways:

- `library`: candidates for a shared library that holds a Lua interpreter, which runs programs in
  the verifier's own process: a Python module such as `lupa.lua54`, or the name of a system library;
- `compile` (may be left out), `execute` and `version`: commands, run where the file `filename`
  is. A command that begins with `./` is made by compiling.

`version_program` is a program that prints the version, for verifiers that cannot be asked.

How its error messages are read:

- `complaint`: patterns, of which the first that is found in standard error counts; its groups are
  `message` and, where there is one, `line`;
- `out_of_memory`: searched in the message;
- `syntax_errors` and `runtime_errors`: tables of classes (see `ErrorRow`);
- `syntax_sign`: found in standard error where a program did not compile; only for verifiers that
  do not say so.
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
from knm.sandbox.classification import ErrorRow


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
    complaint: tuple[re.Pattern[str], ...]
    syntax_sign: re.Pattern[str]
    out_of_memory: re.Pattern[str]
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
            complaint=tuple(re.compile(pattern, re.DOTALL) for pattern in data["complaint"]),
            syntax_sign=re.compile(data["syntax_sign"], re.DOTALL),
            out_of_memory=re.compile(data["out_of_memory"]),
            syntax_errors=error_rows(data["syntax_errors"]),
            runtime_errors=error_rows(data["runtime_errors"]),
            description=data,
        )
    except KeyError as error:
        raise UserError(f"language {name}: the entry {error} is missing") from None
    except (re.error, TypeError) as error:
        raise UserError(f"language {name}: {error}") from None


def error_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[ErrorRow, ...]:
    """The rows of one table."""
    return tuple(
        ErrorRow(
            row["class"],
            re.compile(row["message"]),
            re.compile(row["source"], re.MULTILINE) if "source" in row else None,
        )
        for row in rows
    )
