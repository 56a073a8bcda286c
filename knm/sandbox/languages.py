"""Languages, each described by a YAML file of this package."""

import importlib.machinery
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

import yaml

from knm.errors import UserError
from knm.sandbox.classification import ErrorRow

FOLDER = resources.files("knm.sandbox") / "languages"


@dataclass(frozen=True)
class Language:
    """A language that programs are judged in.

    `filename` is what error messages call the program, `interpreter` what they call the
    interpreter, and `library` the Python module whose shared library holds it. `syntax_errors` and
    `runtime_errors` are tables for `classify`; `out_of_memory` recognises the message of a program
    that hit its memory limit.
    """

    name: str
    filename: str
    interpreter: str
    library: str
    out_of_memory: re.Pattern[str]
    syntax_errors: tuple[ErrorRow, ...]
    runtime_errors: tuple[ErrorRow, ...]

    def library_path(self) -> str:
        """The file of the shared library that holds the interpreter.

        Raises:
            UserError: it is not installed.
        """
        # Found without being imported: only the verifier's process loads it.
        package, _, module = self.library.rpartition(".")
        parent = importlib.util.find_spec(package)
        folders = parent.submodule_search_locations if parent else None
        found = importlib.machinery.PathFinder.find_spec(module, folders) if folders else None
        if found is None or found.origin is None:
            raise UserError(
                f"language {self.name}: no module {self.library}; install a build of {package} "
                "that brings it"
            )
        return found.origin


def language_names() -> list[str]:
    """The names that `load_language` knows, sorted."""
    files = (entry.name for entry in FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in files if name.endswith(".yaml"))


def load_language(name: str) -> Language:
    """Load the language of that name.

    Raises:
        UserError: there is none; the message lists those there are.
    """
    if name not in language_names():
        raise UserError(f"unknown language {name!r}; choose from {', '.join(language_names())}")
    data = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return Language(
        name=name,
        filename=data["filename"],
        interpreter=data["interpreter"],
        library=data["library"],
        out_of_memory=re.compile(data["out_of_memory"]),
        syntax_errors=error_rows(data["syntax_errors"]),
        runtime_errors=error_rows(data["runtime_errors"]),
    )


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
