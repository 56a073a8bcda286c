"""Finding the shared library that holds a language's interpreter."""

import ctypes.util
import importlib.machinery
import importlib.util

from knm.errors import UserError
from knm.languages.execution import Execution


def library_path(language: Execution) -> str:
    """The file of the first of a language's libraries that is installed.

    Raises:
        UserError: none is.
    """
    for candidate in language.libraries:
        if found := find_module(candidate) or ctypes.util.find_library(candidate):
            return found
    raise UserError(
        f"language {language.name}: none of {', '.join(language.libraries)} is installed; install "
        "a build of lupa that brings it"
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
