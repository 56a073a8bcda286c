"""Results on disk as they come, so that a killed run keeps what it had judged."""

import os
from pathlib import Path

from knm.errors import UserError
from knm.jsonio import dumps, parse_object
from knm.report.schema import ProblemResult


def stream_path(report: Path) -> Path:
    """Where the stream of a report lies: beside it, `.jsonl` for `.json`."""
    return report.with_suffix(".jsonl")


class ResultStream:
    """An append-only JSONL file of results, one line each, in the system's hands after each write.

    A file that exists is continued; a last line cut by a kill is dropped first. One process writes
    a file: with several workers, the one that gathers their results.
    """

    def __init__(self, path: Path) -> None:
        """Open for appending.

        Raises:
            UserError: the file cannot be written.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise UserError(
                f"{path}: cannot be written: {error.strerror}; choose another --results"
            ) from None
        self._file.seek(0)
        self._file.truncate(self._file.read().rfind(b"\n") + 1)
        self._file.seek(0, os.SEEK_END)

    def write(self, result: ProblemResult) -> None:
        """Append one result and flush it."""
        # A lone surrogate of a completion has no UTF-8; its backslash form is its JSON escape.
        self._file.write(dumps(result.to_json()).encode("utf-8", "backslashreplace") + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._file.close()

    def __enter__(self) -> "ResultStream":
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def read_stream(path: Path) -> tuple[ProblemResult, ...]:
    """The results of a stream, ordered by id; the last of several of one problem counts.

    A last line without its line end is what a kill left: it is passed over.

    Raises:
        UserError: the file cannot be read or another line is not a result.
    """
    try:
        *lines, _torn = path.read_bytes().split(b"\n")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}; give a run's .jsonl file"
        ) from None
    found: dict[str, ProblemResult] = {}
    for number, line in enumerate(lines, start=1):
        where = f"{path}:{number}"
        result = ProblemResult.from_json(parse_object(line, where), where)
        found[result.question_id] = result
    return tuple(found[question_id] for question_id in sorted(found))
