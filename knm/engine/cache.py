"""Completions kept on disk, by everything that determines them."""

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from knm.codec import from_json, to_json
from knm.engine.configuration import EngineConfiguration
from knm.errors import UserError
from knm.hashing import hash_bytes, hash_json
from knm.jsonio import dumps, parse_object
from knm.records import Completion, Request

FILE_NAME: Final = "completions.sqlite"
KEY_VERSION: Final = 4
SECONDS_A_DAY: Final = 86_400
_WAIT_SECONDS: Final = 30.0  # for another process's write
_CORRUPT: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SCHEMA: Final = """
create table if not exists completions (
    key text primary key,
    created real not null,
    model text not null,
    datastore text,
    completion text not null
)
"""
T = TypeVar("T")


def completion_key(configuration: EngineConfiguration, request: Request) -> str:
    """Hash of everything that determines a request's completion by a configured engine."""
    longest = request.max_new_tokens
    return hash_json(
        {
            "version": KEY_VERSION,
            "engine": configuration.determinants(),
            "id": request.id,
            "prompt": hash_bytes(request.prompt.encode("utf-8", "surrogatepass")),
            "chat": request.chat,
            "sample": request.sample,
            "max_new_tokens": configuration.max_new_tokens if longest is None else longest,
            "stop": list(request.stop),
            "sampling": to_json(request.sampling),
            "withheld": request.withheld,
            "prefix": list(request.prefix),
            **{
                name: to_json(value)
                for name in ("ids", "system", "chat_arguments")
                if (value := getattr(request, name))
            },
        }
    )


@dataclass(frozen=True)
class CacheInfo:
    """What a cache holds; times are Unix seconds, None where it is empty."""

    path: str
    completions: int
    bytes: int
    oldest: float | None
    newest: float | None
    by_model: dict[str, int]


class CompletionCache:
    """An SQLite file of completions that any number of processes and threads use at once.

    A file that is damaged is moved aside, `notify` is told, and the cache begins anew: it can cost
    time but never a run. A cache that cannot be written (disk full) only stops growing.
    """

    def __init__(self, directory: Path, notify: Callable[[str], None]) -> None:
        """Open or create the cache in `directory`.

        Raises:
            UserError: the directory cannot be made or written.
        """
        self.path = directory / FILE_NAME
        self._notify = notify
        self._full = False
        self._lock = threading.Lock()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._connection = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise UserError(
                f"{directory}: the completion cache cannot be opened: {error}; set KNM_CACHE_DIR "
                "to a directory that can be written"
            ) from None

    def get(self, key: str, *, since: float = 0.0) -> Completion | None:
        """The completion kept under `key`, if it was stored at `since` or later."""
        query = "select completion from completions where key = ? and created >= ?"
        row = self._guarded(lambda: self._connection.execute(query, (key, since)).fetchone())
        if row is None:
            return None
        return from_json(Completion, parse_object(row[0], str(self.path)), str(self.path))

    def put(self, key: str, completion: Completion, configuration: EngineConfiguration) -> None:
        """Keep a completion; one that was there under the same key is replaced."""
        values = (
            key,
            time.time(),
            configuration.model,
            configuration.datastore,
            dumps(to_json(completion)),
        )
        try:
            self._guarded(
                lambda: self._connection.execute(
                    "insert or replace into completions values (?, ?, ?, ?, ?)", values
                )
            )
        except sqlite3.OperationalError as error:
            if not self._full:
                self._notify(f"{self.path}: cannot be written, the run goes on without: {error}")
            self._full = True

    def info(self) -> CacheInfo:
        """Counts, size and age."""
        totals = "select count(*), min(created), max(created) from completions"
        models = "select model, count(*) from completions group by model order by model"
        count, oldest, newest = self._guarded(lambda: self._connection.execute(totals).fetchone())
        return CacheInfo(
            path=str(self.path),
            completions=count,
            bytes=sum(file.stat().st_size for file in _files(self.path)),
            oldest=oldest,
            newest=newest,
            by_model=dict(self._guarded(lambda: self._connection.execute(models).fetchall())),
        )

    def prune(self, *, older_than_days: float = 0.0) -> int:
        """Remove completions stored longer ago than that; how many they were."""
        until = time.time() - older_than_days * SECONDS_A_DAY
        statement = "delete from completions where created <= ?"
        removed = self._guarded(lambda: self._connection.execute(statement, (until,)).rowcount)
        self._guarded(lambda: self._connection.execute("vacuum"))
        self._guarded(lambda: self._connection.execute("pragma wal_checkpoint(truncate)"))
        return int(removed)

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        with self._lock:
            self._connection.close()

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
        try:
            return _connect(self.path)
        except sqlite3.DatabaseError as error:
            if not _is_corruption(error):
                raise
        with _exclusive(self.path.with_suffix(".lock")):
            try:  # another process may have been faster
                return _connect(self.path)
            except sqlite3.DatabaseError as error:
                if not _is_corruption(error):
                    raise
            aside = self.path.with_name(f"{FILE_NAME}.damaged-{time.strftime('%Y%m%d-%H%M%S')}")
            for file in _files(self.path):
                file.rename(file.with_name(file.name.replace(FILE_NAME, aside.name)))
            self._notify(f"{self.path}: damaged; it was moved to {aside} and a new cache begun")
            return _connect(self.path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_WAIT_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        connection.execute("pragma journal_mode = wal")
        connection.execute("pragma synchronous = normal")
        connection.execute(_SCHEMA)
        problem = connection.execute("pragma quick_check(1)").fetchone()[0]
        if problem != "ok":
            raise _corruption(problem)
    except BaseException:
        connection.close()
        raise
    return connection


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
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
