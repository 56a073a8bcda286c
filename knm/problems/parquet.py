"""Problems in a parquet file: tests found again by row group and row, streamed page by page."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError
from knm.problems.kinds import KINDS, kind_of_fields
from knm.problems.records import TestSource
from knm.problems.rows import Row, check_row, decode_unchanged, file_changed
from knm.testcases import TestCase

# One problem's tests reach tens of megabytes, and a row group may hold all problems of a file.
_ROWS_AT_ONCE: Final = 1
_READ_BUFFER_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class ParquetTests:
    """The tests in row `row` (from 0) of row group `row_group` of `path`."""

    path: Path
    row_group: int
    row: int
    tests_hash: str
    kind: str

    def load(self) -> tuple[TestCase, ...]:
        """See `TestSource.load`."""
        try:
            with _open(self.path) as file:
                rows = _stream(file, self.row_group, [KINDS[self.kind].tests_field])
                fields = next(islice(rows, self.row, None), {})
        except (OSError, ValueError):
            raise file_changed(self.path) from None
        return decode_unchanged(fields, self.kind, self.tests_hash, self.path)


def read_parquet(path: Path) -> Iterator[tuple[Row, TestSource]]:
    """Yield the problems of a parquet file, one page of it in memory at a time.

    Raises:
        UserError: it is not a parquet file, a column is missing, or a row is not a problem.
    """
    try:
        with _open(path) as file:
            _check_columns(file.schema_arrow.names, path)
            number = 0
            for row_group in range(file.num_row_groups):
                for index, fields in enumerate(_stream(file, row_group, None)):
                    number += 1
                    row = check_row(fields, f"{path}: row {number}")
                    yield row, ParquetTests(path, row_group, index, row.tests_hash, row.kind)
    except (OSError, ValueError) as error:  # pyarrow reports damage as either
        raise UserError(
            f"{path}: not a readable parquet file ({error}); fetch or write it again"
        ) from None


def _open(path: Path) -> Any:
    import pyarrow.parquet  # here, because it takes a noticeable time and JSONL does not need it

    # Without both settings pyarrow takes the whole row group into memory.
    return pyarrow.parquet.ParquetFile(path, buffer_size=_READ_BUFFER_BYTES, pre_buffer=False)


def _stream(file: Any, row_group: int, columns: list[str] | None) -> Iterator[dict[str, Any]]:
    batches = file.iter_batches(
        batch_size=_ROWS_AT_ONCE, row_groups=[row_group], columns=columns, use_threads=False
    )
    for batch in batches:
        for fields in batch.to_pylist():
            yield {name: _as_json(value) for name, value in fields.items()}


def _as_json(value: Any) -> Any:
    """Dates as ISO text, as JSONL has them: a problem does not depend on its file format."""
    return value.isoformat() if isinstance(value, datetime.date) else value


def _check_columns(names: list[str], path: Path) -> None:
    required = kind_of_fields(names).required
    missing = [name for name in required if name not in names]
    if missing:
        raise UserError(
            f"{path}: no column {', '.join(missing)} among {', '.join(names)}; "
            f"every problem has {', '.join(required)}"
        )
