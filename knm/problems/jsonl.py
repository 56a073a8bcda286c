"""Problems in a JSONL file: one object a line, tests found again by byte offset."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from knm.errors import UserError
from knm.jsonio import parse_object
from knm.problems.records import TestSource
from knm.problems.rows import Row, check_row, decode_unchanged, file_changed
from knm.testcases import TestCase


@dataclass(frozen=True)
class JsonlTests:
    """The tests on the line that begins `offset` bytes into `path`."""

    path: Path
    offset: int
    tests_hash: str
    kind: str

    def load(self) -> tuple[TestCase, ...]:
        """See `TestSource.load`."""
        try:
            with self.path.open("rb") as file:
                file.seek(self.offset)
                fields = parse_object(file.readline(), str(self.path))
        except (OSError, UserError):
            raise file_changed(self.path) from None
        return decode_unchanged(fields, self.kind, self.tests_hash, self.path)


def read_jsonl(path: Path) -> Iterator[tuple[Row, TestSource]]:
    """Yield the problems of a JSONL file, one line in memory at a time. Blank lines are skipped.

    Raises:
        UserError: a line is not a problem; the message names file, line and field.
    """
    offset = 0
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    place = f"{path}:{number}"
                    row = check_row(parse_object(line, place), place)
                    yield row, JsonlTests(path, offset, row.tests_hash, row.kind)
                offset += len(line)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); check its rights") from None
