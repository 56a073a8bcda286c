"""Results on disk as they come, so that a killed run keeps what it had judged.

A stream is JSONL. Its first line is the run's header; each further line is one test as the report
will hold it, so that `finish_stream` makes of both the report that the run did not live to write.
"""

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import dumps, parse_object
from knm.outputs import hold_file
from knm.report.header import RunHeader
from knm.report.schema import ProblemResult, read_result

HEADER_KEY: Final = "knm_stream"


def stream_path(report: Path) -> Path:
    """Where the stream of a report lies: beside it, `.jsonl` for `.json`."""
    return report.with_suffix(".jsonl")


def reserve_report(report: Path) -> Path:
    """A path that no other run has: `report`, or it with -2, -3, ... An empty stream is made.

    Raises:
        UserError: nothing can be written there.
    """
    for number in itertools.count(1):
        path = report if number == 1 else report.with_stem(f"{report.stem}-{number}")
        if path.exists():
            continue
        with suppress(FileExistsError):
            hold_file(stream_path(path), "xb").close()
            return path
    raise AssertionError("there are always more numbers")


class ResultStream:
    """A JSONL file of a run, each line in the system's hands after its write.

    One process writes a file, and holds it from the start: with several workers, the one that
    gathers their results. Nothing is changed before the first result.
    """

    def __init__(
        self, path: Path, make_header: Callable[[], RunHeader], *, fresh: bool = False
    ) -> None:
        """Hold the file. `make_header` is called where the first result begins a stream.

        What the file holds is continued, after a last line that a kill has cut; with `fresh` it is
        replaced.

        Raises:
            UserError: the file cannot be written, another run is writing it, or it holds something
                else than a stream.
        """
        self._make_header = make_header
        self._fresh = fresh
        self._begun = False
        self._path = path
        self._file = hold_file(path, "a+b")
        self._file.seek(0)
        if not _begins_stream(self._file.readline()):
            self._file.close()
            raise UserError(
                f"{path}: would hold the stream of this run's results, and holds something else; "
                "give the report another name"
            )

    def write(self, test: Mapping[str, Any]) -> None:
        """Append one test of the report, which holds its result in `metadata.knm`."""
        if not self._begun:
            self._begin()
        self._append(test)

    def close(self) -> None:
        """Close the file, and remove it where nothing came; a second call does nothing."""
        if not self._file.closed and self._file.seek(0, os.SEEK_END) == 0:
            self._path.unlink(missing_ok=True)
        self._file.close()

    def __enter__(self) -> "ResultStream":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _begin(self) -> None:
        self._file.seek(0)
        self._file.truncate(0 if self._fresh else self._file.read().rfind(b"\n") + 1)
        if self._file.seek(0, os.SEEK_END) == 0:
            self._append(self._make_header().to_json())
        self._begun = True

    def _append(self, value: Mapping[str, Any]) -> None:
        # A lone surrogate of a completion has no UTF-8; its backslash form is its JSON escape.
        self._file.write(dumps(value).encode("utf-8", "backslashreplace") + b"\n")
        self._file.flush()


def _begins_stream(line: bytes) -> bool:
    """Whether a file whose first line this is may be a stream: of any version, empty, or torn."""
    begin = f'{{"{HEADER_KEY}":'.encode()
    if line.startswith(begin) or begin.startswith(line):
        return True
    try:
        value = parse_object(line, "first line")
        read_result(value, "first line")
    except UserError:
        return False
    return True


@dataclass(frozen=True)
class Stream:
    """A stream, read back: `tests` as a report holds them and their `results`, both by id.

    Streams of older versions have no header and no tests.
    """

    path: Path
    header: RunHeader | None
    tests: tuple[dict[str, Any], ...]
    results: tuple[ProblemResult, ...]


def is_stream(path: Path) -> bool:
    """Whether there is a file that begins as a stream of results."""
    try:
        with path.open("rb") as file:
            return _begins_stream(file.readline())
    except OSError:
        return False


def stream_results(path: Path, *, unjudged: bool = False) -> Iterator[RunHeader | ProblemResult]:
    """The header of a stream and its results in their order, a line at a time.

    A last line without its line end is what a kill left, or a run is writing: it is passed over.
    With `unjudged` the run may have only decoded: for those who need no verdict.

    Raises:
        UserError: the file cannot be read, another line is not of a stream, or the run only
            decoded.
    """
    for value, where in _lines(path):
        found = _parse(value, where)
        if isinstance(found, ProblemResult) and not unjudged:
            refuse_unjudged(found, path)
        yield found


def refuse_unjudged(result: ProblemResult, path: Path) -> None:
    """Refuse what a run has left at `path` that only decoded.

    Raises:
        UserError: it did.
    """
    if not result.judged:
        report = path.with_suffix(".json")
        raise UserError(
            f"{path}: not judged: the run only decoded; `knm judge --completions {report}` judges "
            "it and writes the report"
        )


def read_stream(path: Path) -> Stream:
    """Read a stream; the last of several results of one problem counts.

    Raises:
        UserError: the file cannot be read or a line is not of a stream.
    """
    header = None
    tests: dict[str, dict[str, Any]] = {}
    results: dict[str, ProblemResult] = {}
    for value, where in _lines(path):
        found = _parse(value, where)
        if isinstance(found, RunHeader):
            header = found
            continue
        results[found.question_id] = found
        if _held(value) is not None:
            tests[found.question_id] = {
                **value,
                "metadata": {**value["metadata"], "knm": to_json(found)},
            }
    return Stream(
        path,
        header,
        tuple(tests[question_id] for question_id in sorted(tests)),
        tuple(results[question_id] for question_id in sorted(results)),
    )


def _lines(path: Path) -> Iterator[tuple[dict[str, Any], str]]:
    """The object of each whole line, and its place."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; give a run's .jsonl file"
        ) from None
    with file:
        for number, line in enumerate(file, start=1):
            if line.endswith(b"\n"):
                where = f"{path}:{number}"
                yield parse_object(line, where), where


def _parse(value: dict[str, Any], where: str) -> RunHeader | ProblemResult:
    if HEADER_KEY in value:
        return RunHeader.from_json(value, where)
    held = _held(value)
    return read_result(value if held is None else held, where)


def _held(value: dict[str, Any]) -> Any:
    """The result in a test of a report; None in streams of older versions, which are results."""
    metadata = value.get("metadata")
    return metadata.get("knm") if isinstance(metadata, dict) else None
