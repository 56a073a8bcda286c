"""What was found, on disk by a hash of everything that decides it, for whoever asks next.

Beside `knm.journal`, which is one task's and has one writer: a cache is everybody's.
"""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

from knm.codec import from_json, to_json
from knm.errors import UserError
from knm.jsonio import dumps, parse_object

SECONDS_A_DAY: Final = 86_400
_WAIT_SECONDS: Final = 30.0  # for another process's write
_SHOWN: Final = 12  # characters of a key that are told
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
T = TypeVar("T")


@dataclass(frozen=True)
class Table:
    """What a cache's file holds: `name` are the things kept, `value` the column of each.

    `labels` are columns beside it, by which they can be counted: name and type.
    """

    name: str
    value: str
    labels: Mapping[str, str]

    @property
    def columns(self) -> tuple[str, ...]:
        """Their names, the key's first and the value's last."""
        return ("key", "created", *self.labels, self.value)

    @property
    def schema(self) -> str:
        """The statement that makes it."""
        labels = "".join(f"{name} {kind},\n" for name, kind in self.labels.items())
        return (
            f"create table if not exists {self.name} (key text primary key,\n"
            f"created real not null,\n{labels}{self.value} text not null)"
        )


@dataclass(frozen=True)
class Entry(Generic[T]):
    """What is kept under a key, and since when, in Unix seconds."""

    value: T
    created: float


@dataclass(frozen=True)
class CacheFigures:
    """What a cache holds; times are Unix seconds, None where it is empty."""

    path: str
    count: int
    bytes: int
    oldest: float | None
    newest: float | None


class Cache:
    """An SQLite file of records that any number of processes and threads use at once.

    It can cost time but never a run: `notify` is told of what is wrong with it. A file that is
    damaged, or another version's, is moved aside, and the cache begins anew. A record that cannot
    be read counts as not kept. A cache that cannot be written (disk full) only stops growing.
    """

    def __init__(self, path: Path, table: Table, notify: Callable[[str], None]) -> None:
        """Open the file, or make it.

        Raises:
            UserError: its directory cannot be made or written.
        """
        self.path = path
        self._table = table
        self._lock_file = path.with_suffix(".lock")
        self._notify = notify
        self._told: set[str] = set()
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(
                f"{path.parent}: the cache of {table.name} cannot be opened: {error}; set "
                "KNM_CACHE_DIR to a directory that can be written"
            ) from None

    def read(self, key: str, kind: type[T], *, since: float = 0.0) -> Entry[T] | None:
        """The record of `kind` kept under `key`, if it was stored at `since` or later."""
        query = (
            f"select {self._table.value}, created from {self._table.name} "
            "where key = ? and created >= ?"
        )
        try:
            row = self._guarded(lambda: self._connection.execute(query, (key, since)).fetchone())
            if row is None:
                return None
            where = f"{self._table.value} {key[:_SHOWN]}"
            return Entry(from_json(kind, parse_object(row[0], where), where), row[1])
        except (UserError, sqlite3.DatabaseError) as error:
            self._tell(f"some {self._table.name} cannot be read and are made again", error)
            return None

    def write(self, key: str, record: Any, *labels: str | None) -> None:
        """Keep a record; one that was there under the same key is replaced."""
        values = (key, time.time(), *labels, _text(record))
        columns, places = ", ".join(self._table.columns), ", ".join("?" * len(values))
        statement = f"insert or replace into {self._table.name} ({columns}) values ({places})"
        try:
            self._guarded(lambda: self._connection.execute(statement, values))
        except sqlite3.DatabaseError as error:
            self._tell("cannot be written, the run goes on without", error)

    def figures(self) -> CacheFigures:
        """Count, size and age."""
        totals = f"select count(*), min(created), max(created) from {self._table.name}"
        count, oldest, newest = self._guarded(lambda: self._connection.execute(totals).fetchone())
        size = sum(file.stat().st_size for file in _files(self.path))
        return CacheFigures(str(self.path), count, size, oldest, newest)

    def counts(self, label: str) -> dict[str, int]:
        """How many there are of each value of a label."""
        query = f"select {label}, count(*) from {self._table.name} group by {label} order by 1"
        return dict(self._guarded(lambda: self._connection.execute(query).fetchall()))

    def prune(self, *, older_than_days: float = 0.0) -> int:
        """Remove what was stored longer ago than that; how many they were."""
        until = time.time() - older_than_days * SECONDS_A_DAY
        statement = f"delete from {self._table.name} where created <= ?"
        removed = self._guarded(lambda: self._connection.execute(statement, (until,)).rowcount)
        self._guarded(lambda: self._connection.execute("vacuum"))
        self._guarded(lambda: self._connection.execute("pragma wal_checkpoint(truncate)"))
        return int(removed)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._connection.close()

    def _tell(self, trouble: str, error: Exception) -> None:
        """Tell of a trouble once."""
        if trouble not in self._told:
            self._notify(f"{self.path}: {trouble}: {error}")
        self._told.add(trouble)

    def _guarded(self, action: Callable[[], T]) -> T:
        """Run a statement alone; where the file turns out damaged, again on a new one."""
        with self._lock:
            try:
                return action()
            except sqlite3.DatabaseError as error:
                if not _is_corruption(error):
                    raise
            self._connection.close()
            self._connection = self._open()
            return action()

    def _open(self) -> sqlite3.Connection:
        with _holding(self._lock_file, fcntl.LOCK_SH):
            if _files(self.path):
                with suppress(sqlite3.DatabaseError):  # looked at again when nobody else does
                    return self._connect()
        # To make a file, or to move it away, under another process that opens it ends in errors
        # that SQLite does not wait for.
        with _holding(self._lock_file, fcntl.LOCK_EX):
            try:
                return self._connect()
            except sqlite3.DatabaseError as error:
                if not _is_corruption(error):
                    raise
                trouble = str(error) if isinstance(error, _OtherLayout) else "damaged"
            name = self.path.name
            aside = self.path.with_name(f"{name}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            for file in _files(self.path):
                file.rename(file.with_name(file.name.replace(name, aside.name)))
            self._notify(f"{self.path}: {trouble}; it was moved to {aside} and a new cache begun")
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self.path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = normal")
            connection.execute(self._table.schema)
            problem = connection.execute("pragma quick_check(1)").fetchone()[0]
            if problem != "ok":
                raise _corruption(problem)
            there = connection.execute(f"pragma table_info({self._table.name})").fetchall()
            if not {name for _, name, *_ in there}.issuperset(self._table.columns):
                raise _OtherLayout(f"its {self._table.name} are another version's")
        except BaseException:
            connection.close()
            raise
        return connection


class _OtherLayout(sqlite3.DatabaseError):
    """The file is sound, but lacks columns that this version asks for."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def _text(record: Any) -> str:
    # A lone surrogate has no UTF-8; its backslash form is its JSON escape.
    return dumps(to_json(record)).encode("utf-8", "backslashreplace").decode()


def _corruption(problem: str) -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError(problem)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _is_corruption(error: sqlite3.DatabaseError) -> bool:
    # Extended codes hold the primary one in their low byte.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _CORRUPT


def _files(path: Path) -> list[Path]:
    """The database and what SQLite keeps beside it."""
    names = (path.name, f"{path.name}-wal", f"{path.name}-shm")
    return [path.with_name(name) for name in names if path.with_name(name).exists()]


@contextmanager
def _holding(path: Path, operation: int) -> Iterator[None]:
    """Hold a lock on a file, where it can be made and locked."""
    with ExitStack() as stack:
        with suppress(OSError):
            fcntl.flock(stack.enter_context(path.open("a")), operation)
        yield
