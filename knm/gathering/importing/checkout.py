"""Functions of the sources in a checkout, such as one of GitHub, with their comments."""

import configparser
import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from knm.corpora import CorpusRecord
from knm.errors import UserError, named
from knm.gathering.importing.files import Unreadable, read_text, shown, walk_files
from knm.gathering.importing.found import Found, Origin, Skips
from knm.gathering.importing.functions import Function, find_functions
from knm.gathering.importing.licences import Licences
from knm.journal import Journal

SOURCE: Final = "github"
_REMOTE: Final = re.compile(
    r"(?:://[^/]+/|^[\w.-]+@[\w.-]+:)(?P<name>[^/\s]+/[^/\s]+?)(?:\.git)?/?$"
)
_COMMIT: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class Checkout:
    """The functions of one checkout."""

    def __init__(self, origin: Origin) -> None:
        """Reads nothing yet.

        Raises:
            UserError: there is no such folder, or no grammar for the language.
        """
        self._origin, self._root = origin, origin.folder
        if origin.family != "lua":
            raise UserError(
                f"{named('language')} {origin.language}: functions are found in Lua alone; give "
                "one of its versions"
            )

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folder."""
        return (self._root,)

    def find(self, skips: Skips, journal: Journal) -> Iterator[Found]:  # noqa: ARG002
        """The functions, file by file."""
        licences = Licences(self._root, skips, self._origin.licence)
        for path in walk_files(self._root, skips, self._origin.suffix):
            name = shown(path, self._root)
            try:
                text = read_text(path, self._root, self._origin.encoding)
            except Unreadable as error:
                skips.note(name, error.reason, error.detail)
                continue
            lines: set[int] = set()
            for function in find_functions(text):
                place = f"{name}:{function.line}"
                if function.line in lines:
                    place += f":{function.column}"
                lines.add(function.line)
                if function.broken:
                    skips.note(place, "does not parse", function.name)
                    continue
                yield Found(self._record(path, place, function, licences.of(path, text)))
            if not lines:
                skips.note(name, "no function")

    def _record(
        self, path: Path, place: str, function: Function, licence: str | None
    ) -> CorpusRecord:
        noted = {
            "title": function.name or path.stem,
            "licence": licence,
            "path": place,
            "commit": self._commit,
        }
        return CorpusRecord(
            id=f"{self._source}/{place}",
            statement=function.comment,
            program=function.text,
            language=self._origin.language,
            source=self._source,
            extras={name: value for name, value in noted.items() if value},
        )

    @cached_property
    def _source(self) -> str:
        """The repository: as its remote calls it, or else its folder."""
        return self._origin.name or f"{SOURCE}:{self._remote() or self._root.resolve().name}"

    def _remote(self) -> str | None:
        config = configparser.RawConfigParser(strict=False, allow_no_value=True)
        try:
            config.read_string(self._of_git("config"))
        except configparser.Error:
            return None
        address = config.get('remote "origin"', "url", fallback=None)
        found = _REMOTE.search(address or "")
        return found["name"] if found else None

    @cached_property
    def _commit(self) -> str | None:
        """What is checked out; read from git's files, as git itself may run what they name."""
        head = self._of_git("HEAD").strip()
        if head.startswith("ref: "):
            name = head.removeprefix("ref: ")
            head = self._of_git(name).strip() or next(
                (
                    line.split()[0]
                    for line in self._of_git("packed-refs").splitlines()
                    if line.endswith(f" {name}")
                ),
                "",
            )
        return head if _COMMIT.fullmatch(head) else None

    def _of_git(self, name: str) -> str:
        """A file of git's own, empty where there is none, as in a folder that was unpacked."""
        try:
            return read_text(self._root / ".git" / name, self._root)
        except Unreadable:
            return ""
