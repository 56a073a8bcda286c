"""Results on disk as they come, so that a killed run keeps what it had judged.

A stream is JSONL. Its first line is the run's header; each further line is one test as the report
will hold it, so that `finish_stream` makes of both the report that the run did not live to write.
"""

import os
from collections.abc import Mapping
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


def read_stream(path: Path) -> Stream:
    """Read a stream; the last of several results of one problem counts.

    A last line without its line end is what a kill left: it is passed over.

    Raises:
        UserError: the file cannot be read or another line is not of a stream.
    """
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; give a run's .jsonl file"
        ) from None
    header = None
    tests: dict[str, dict[str, Any]] = {}
    results: dict[str, ProblemResult] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        value = parse_object(line, where)
        if HEADER_KEY in value:
            header = RunHeader.from_json(value, where)
            continue
        metadata = value.get("metadata")
        held = metadata.get("knm") if isinstance(metadata, dict) else None
        result = ProblemResult.from_json(value if held is None else held, where)
        results[result.question_id] = result
        if held is not None:
            tests[result.question_id] = value
    return Stream(
        path,
        header,
        tuple(tests[question_id] for question_id in sorted(tests)),
        tuple(results[question_id] for question_id in sorted(results)),
    )
