"""Rosetta Code as RosettaCodeData lays it out: `Task/<task>/<language>/*`, the task beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.gathering.importing.files import (
    OUTSIDE,
    Unreadable,
    first_text,
    lies_in,
    list_folder,
    read_text,
    shown,
    walk_files,
)
from knm.gathering.importing.found import Found, Origin, Skips
from knm.gathering.importing.licences import Licences
from knm.gathering.importing.texts import plain_wikitext
from knm.journal import Journal

SOURCE: Final = "rosetta"
TASKS: Final = "Task"
_STATEMENTS: Final = ("00-TASK.txt", "00DESCRIPTION", "0DESCRIPTION")
_METADATA: Final = ("00-META.yaml", "00META.yaml")


class Rosetta:
    """Programs of one language, task by task."""

    def __init__(self, origin: Origin) -> None:
        """Reads nothing yet.

        Raises:
            UserError: there is no such folder, or no tasks are in it.
        """
        self._origin, self._root = origin, origin.folder
        if not (self._root / TASKS).is_dir():
            raise UserError(
                f"{self._root}: no folder {TASKS} in it; give a checkout as RosettaCodeData is"
            )

    @property
    def inputs(self) -> tuple[Path, ...]:
        """The folder."""
        return (self._root,)

    def find(self, skips: Skips, journal: Journal) -> Iterator[Found]:  # noqa: ARG002
        """The programs, in the order of the tasks' names."""
        licences = Licences(self._root, skips, self._origin.licence)
        for task in list_folder(self._root, self._root / TASKS, skips):
            if not task.is_dir() or task.is_symlink():
                continue
            programs = list(self._programs(task, skips))
            if programs:
                yield from self._of_task(task, programs, licences, skips)

    def _programs(self, task: Path, skips: Skips) -> Iterator[Path]:
        """The files of the language; in `Lang` there are but links to them."""
        for folder in list_folder(self._root, task, skips):
            if folder.name.lower() != self._origin.family or not folder.is_dir():
                continue
            if folder.is_symlink() and not lies_in(folder, self._root):
                skips.note(shown(folder, self._root), OUTSIDE)
                continue
            yield from walk_files(self._root, skips, self._origin.suffix, below=folder)

    def _of_task(
        self, task: Path, programs: list[Path], licences: Licences, skips: Skips
    ) -> Iterator[Found]:
        encoding = self._origin.encoding
        text = first_text(self._root, task, _STATEMENTS, skips, encoding) or ""
        about = self._metadata(task, skips)
        for path in programs:
            name = shown(path, self._root)
            try:
                program = read_text(path, self._root, encoding)
            except Unreadable as error:
                skips.note(name, error.reason, error.detail)
                continue
            noted = {
                "title": task.name.replace("-", " "),
                "licence": licences.of(path, program),
                **about,
                "path": name,
            }
            record = CorpusRecord(
                id=f"{SOURCE}/{task.name}/{path.relative_to(task).as_posix()}",
                statement=plain_wikitext(text),
                program=program,
                language=self._origin.language,
                source=self._origin.name or SOURCE,
                extras={name: value for name, value in noted.items() if value},
                problem=f"{SOURCE}-{task.name}",
            )
            yield Found(record, (task.name, f"{SOURCE}{task.name}"))

    def _metadata(self, task: Path, skips: Skips) -> dict[str, Any]:
        """The page that a task is from, and its categories, as far as they are told."""
        text = first_text(self._root, task, _METADATA, skips, self._origin.encoding)
        try:
            value = yaml.safe_load(text or "")
        except (yaml.YAMLError, RecursionError, ValueError):
            skips.note(f"{shown(task, self._root)}/{_METADATA[0]}", "metadata that is no YAML")
            return {}
        if not isinstance(value, dict):
            return {}
        told = {"url": value.get("from"), "note": value.get("note")}
        categories = value.get("category")
        return {
            **{name: text for name, text in told.items() if isinstance(text, str)},
            "tags": [one for one in categories if isinstance(one, str)]
            if isinstance(categories, list)
            else None,
        }
