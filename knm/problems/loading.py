"""From a file, a directory or a hub id to a problem set. Nothing is decoded here."""

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Final

from knm.errors import UserError
from knm.hashing import hash_json
from knm.packaged import EMBEDDED, EMBEDDED_PROBLEMS
from knm.problems.hub import fetch_test_split
from knm.problems.jsonl import read_jsonl
from knm.problems.parquet import read_parquet
from knm.problems.records import Problem, ProblemSet, TestSource
from knm.problems.rows import Row
from knm.progress import progress_bar

_READERS: Final[dict[str, Callable[[Path], Iterator[tuple[Row, TestSource]]]]] = {
    ".jsonl": read_jsonl,
    ".parquet": read_parquet,
}
_HUB_ID: Final = re.compile(
    r"(?P<id>[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*)(?::(?P<config>[A-Za-z0-9][\w.-]*))?"
)


def load_problems(source: str | Path, *, limit: int | None = None) -> ProblemSet:
    """Load a problem set; the encoded tests stay on disk until a problem's `tests.load()`.

    Args:
        source: `embedded`, a `.jsonl` or `.parquet` file, a directory of them (those directly in
            it, sorted by name, concatenated), or the `owner/name` of a data set on the hub (its
            test split), with `:part` for a part that has a folder of its own.
            What exists here is never looked for on the hub.
        limit: take the first so many problems and read no further.

    Raises:
        UserError: there is no such source, a problem is malformed, an id is used twice, the set is
            empty, or `limit` is below 1. The message names file, line and field.
    """
    if limit is not None and limit < 1:
        raise UserError(f"limit {limit}: take at least 1 problem, or leave the limit out for all")
    name, files = _locate(source)
    rows = islice(chain.from_iterable(_READERS[file.suffix](file) for file in files), limit)
    problems: list[Problem] = []
    places: dict[str, str] = {}
    hashes: dict[str, str] = {}
    for row, tests in progress_bar(rows, label="reading problems", unit="problem"):
        if row.question_id in places:
            raise UserError(
                f"{row.place}: question_id {row.question_id!r} is already that of "
                f"{places[row.question_id]}; give each problem its own id"
            )
        places[row.question_id] = row.place
        hashes[row.question_id] = row.content_hash
        problems.append(row.problem(tests))
    if not problems:
        raise UserError(f"{source}: no problems in it; name a file with at least one")
    return ProblemSet(name, tuple(problems), content_hash=hash_json(hashes))


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
            "or the owner/name of a data set on the hub"
        )
    return str(source), fetch_test_split(on_hub["id"], on_hub["config"])


def _is_problem_file(path: Path) -> bool:
    return path.suffix in _READERS and path.is_file()


def _suffixes() -> str:
    return " or ".join(_READERS)
