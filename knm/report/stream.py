"""Results on disk as they come, so that a killed run keeps what it had judged.

A stream is JSONL. Its first line is the run's header; each further line is one test as the report
will hold it, so that `finish_stream` makes of both the report that the run did not live to write.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.jsonio import dumps, parse_object
from knm.report.header import RunHeader
from knm.report.schema import ProblemResult

HEADER_KEY: Final = "knm_stream"


def stream_path(report: Path) -> Path:
    """Where the stream of a report lies: beside it, `.jsonl` for `.json`."""
    return report.with_suffix(".jsonl")


class ResultStream:
    """An append-only JSONL file of a run, each line in the system's hands after its write.

    A file that exists is continued; a last line cut by a kill is dropped first. One process writes
    a file: with several workers, the one that gathers their results.
    """

    def __init__(self, path: Path, header: RunHeader) -> None:
        """Open for appending; an empty file gets the header.

        Raises:
            UserError: the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written: {error.strerror}; choose another place"
            ) from None
        self._file.seek(0)
        self._file.truncate(self._file.read().rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)
        if self._file.tell() == 0:
            self._append(header.to_json())

    def write(self, test: Mapping[str, Any]) -> None:
        """Append one test of the report, which holds its result in `metadata.knm`."""
        self._append(test)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> "ResultStream":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _append(self, value: Mapping[str, Any]) -> None:
        # A lone surrogate of a completion has no UTF-8; its backslash form is its JSON escape.
        self._file.write(dumps(value).encode("utf-8", "backslashreplace") + b"\n")
        self._file.flush()


@dataclass(frozen=True)
class Stream:
    """A stream, read back: `tests` as a report holds them and their `results`, both by id.

    Streams of older versions have no header and no tests.
    """

    path: Path
    header: RunHeader | None
    tests: tuple[dict[str, Any], ...]
    results: tuple[ProblemResult, ...]


def stream_results(path: Path) -> Iterator[RunHeader | ProblemResult]:
    """The header of a stream and its results in their order, a line at a time.

    A last line without its line end is what a kill left, or a run is writing: it is passed over.

    Raises:
        UserError: the file cannot be read or another line is not of a stream.
    """
    for value, where in _lines(path):
        yield _parse(value, where)


def read_stream(path: Path) -> Stream:
    """Read a stream; the last of several results of one problem counts.

    Raises:
        UserError: as `stream_results`.
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
            tests[found.question_id] = value
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
    return ProblemResult.from_json(value if held is None else held, where)


def _held(value: dict[str, Any]) -> Any:
    """The result in a test of a report; None in streams of older versions, which are results."""
    metadata = value.get("metadata")
    return metadata.get("knm") if isinstance(metadata, dict) else None
