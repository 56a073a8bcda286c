"""The corpus records that a datastore's entries come from: `records.jsonl`, one line a record."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol, overload

import numpy as np

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.hashing import hash_stream
from knm.jsonio import dumps, read_jsonl, write_lines
from knm.languages.descriptions import language_title

RECORDS_NAME: Final = "records.jsonl"


@dataclass(frozen=True)
class RecordOrigin:
    """A corpus record: its id, and what language and source it was marked with.

    Records of one `group` solve the same task: none is held-out text for the others.
    """

    id: str
    language: str | None = None
    source: str | None = None
    group: str | None = None


def count_known(origins: Iterable[RecordOrigin], records: Iterable[CorpusRecord]) -> int:
    """How many records are those that entries come from, or solve the task of one of them."""
    known = list(origins)
    names = {(origin.id, origin.source) for origin in known}
    groups = {origin.group for origin in known} - {None}
    return sum((each.id, each.source) in names or each.group in groups for each in records)


class Grouped(Protocol):
    """What belongs to a group, or without one is a group by itself."""

    @property
    def id(self) -> str:
        """Its own name."""
        ...

    @property
    def group(self) -> str | None:
        """The group's."""
        ...


def number_groups(records: Iterable[Grouped]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Of each record (n,) the number of its group: what is held out together."""
    numbers: dict[str, int] = {}
    of_record = [
        numbers.setdefault(
            f"record {record.id}" if record.group is None else record.group, len(numbers)
        )
        for record in records
    ]
    return np.array(of_record, dtype=np.int64)


class RecordTable(Sequence[RecordOrigin]):
    """The records of the datastore in a directory, read when the first is asked for."""

    def __init__(self, directory: Path) -> None:
        """Find the file.

        Raises:
            UserError: there is none.
        """
        self._path = directory / RECORDS_NAME
        if not self._path.is_file():
            raise UserError(f"{self._path}: missing from the datastore: mine it again")

    @cached_property
    def _origins(self) -> tuple[RecordOrigin, ...]:
        return tuple(_read(self._path))

    @overload
    def __getitem__(self, place: int) -> RecordOrigin: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[RecordOrigin]: ...

    def __getitem__(self, place: int | slice) -> RecordOrigin | Sequence[RecordOrigin]:
        return self._origins[place]

    def __len__(self) -> int:
        return len(self._origins)


def write_origins(directory: Path, origins: Iterable[RecordOrigin]) -> None:
    """Write the records of a datastore, one at a time."""
    write_lines(directory / RECORDS_NAME, (dumps(asdict(origin)) for origin in origins))


def hash_record_ids(directory: Path) -> str:
    """Hash the ids alone: language and source are labels of a record, no part of its entries."""
    origins = _read(directory / RECORDS_NAME)
    return hash_stream(f"{dumps(origin.id)}\n".encode() for origin in origins)


def _read(path: Path) -> Iterator[RecordOrigin]:
    for number, value in read_jsonl(path):
        try:
            origin = RecordOrigin(**value)
        except TypeError:
            raise UserError(f"{path}:{number}: not a record: mine the datastore again") from None
        # A datastore of a corpus of older days may name files: of them the names alone count.
        known = origin.language and language_title(origin.language)
        yield replace(origin, language=known)
