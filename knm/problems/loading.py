"""From a file, a directory or a hub id to a problem set. Nothing is decoded here."""

import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.hashing import hash_json
from knm.packaged import EMBEDDED, EMBEDDED_PROBLEMS
from knm.problems.hub import fetch_test_split
from knm.problems.jsonl import read_jsonl
from knm.problems.parquet import read_parquet
from knm.problems.records import Problem, ProblemSet, TestSource
from knm.problems.rows import Row
from knm.problems.selection import ALL, Selection
from knm.progress import progress_bar

_READERS: Final[dict[str, Callable[[Path], Iterator[tuple[Row, TestSource]]]]] = {
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
}
_HUB_ID: Final = re.compile(
    r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::(?P<config>[A-Za-z0-9][\w.-]*))?"
    r"(?P<revision>@[\w./-]+)?"
)


def load_problems(source: str | Path, selection: Selection = ALL) -> ProblemSet:
    """Load a problem set; the encoded tests stay on disk until a problem's `tests.load()`.

    Args:
        source: `embedded`, a `.jsonl` or `.parquet` file, a directory of them (those directly in
            it, sorted by name, concatenated), or the `owner/name` of a data set on the hub (its
            test split), with `:part` for a part that has a folder of its own, and with `@` and a
            branch, tag or commit if need be.
            What exists here is never looked for on the hub.
        selection: which of its problems.

    Raises:
        UserError: there is no such source, a problem is malformed, an id is used twice, the set is
            empty, or the selection is not to be had. The message names file, line and field.
    """
    selection.check()
    name, files = _locate(source)
    problems, hashes = _read(files, selection)
    if not problems:
        raise UserError(f"{source}: no problems in it; name a file with at least one")
    return ProblemSet(name, tuple(problems), content_hash=hash_json(hashes))


def stream_rows(source: str | Path) -> Iterator[Row]:
    """The rows of a problem set with all their fields, in order, one at a time in memory.

    Raises:
        UserError: as `load_problems`, but for an empty set.
    """
    _, files = _locate(source)
    return (row for row, _ in _rows(files))


def _rows(files: list[Path]) -> Iterator[tuple[Row, TestSource]]:
    places: dict[str, str] = {}
    found = chain.from_iterable(_READERS[file.suffix](file) for file in files)
    for row, tests in progress_bar(found, label="reading problems", unit="problem"):
        if row.question_id in places:
            raise UserError(
                f"{row.place}: question_id {row.question_id!r} is already that of "
                f"{places[row.question_id]}; give each problem its own id"
            )
        places[row.question_id] = row.place
        yield row, tests


def _read(files: list[Path], selection: Selection) -> tuple[list[Problem], dict[str, str]]:
    """The selected problems and their hashes by id."""
    problems: list[Problem] = []
    hashes: dict[str, str] = {}

    def rows() -> Iterator[tuple[str, dict[str, Any]]]:
        for row, tests in _rows(files):
            hashes[row.question_id] = row.content_hash
            problems.append(row.problem(tests))
            yield row.question_id, row.extras

    chosen = [problems[place] for place in selection.choose(rows())]
    return chosen, {problem.question_id: hashes[problem.question_id] for problem in chosen}


def problems_path(source: str | Path) -> Path:
    """Where a problem set lies, absolute, as a worker may run in another directory.

    Nothing is there if it is one of the hub.
    """
    return EMBEDDED_PROBLEMS if str(source) == EMBEDDED else Path(source).absolute()


def _locate(source: str | Path) -> tuple[str, list[Path]]:
    """The set's name and its files."""
    path = problems_path(source)
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if _is_problem_file(file))
        if not files:
            raise UserError(f"{source}: no {_suffixes()} file in this directory")
        return path.name, files
    if path.exists():
        if path.suffix not in _READERS:
            raise UserError(f"{source}: problems are read from {_suffixes()} files or a directory")
        return path.stem, [path]
    on_hub = _HUB_ID.fullmatch(str(source))
    if path.suffix in _READERS or on_hub is None:
        raise UserError(
            f"{source}: no such file or directory; give a {_suffixes()} file, a directory of them, "
            "or the owner/name of a data set on the hub, with @revision if need be"
        )
    return str(source), fetch_test_split(
        on_hub["id"] + (on_hub["revision"] or ""), on_hub["config"]
    )


def _is_problem_file(path: Path) -> bool:
    return path.suffix in _READERS and path.is_file()


def _suffixes() -> str:
    return " or ".join(_READERS)
