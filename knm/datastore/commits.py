"""Writing a datastore while the next batch is computed."""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Final, Protocol

from knm.datastore.manifest import MiningStatistics
from knm.datastore.writer import Rows

_LOOK: Final = 0.2  # seconds between looks at whether the thread has failed


@dataclass(frozen=True)
class CommitPolicy:
    """Commit after so many bytes or seconds; `waiting` batches may wait for the disk.

    A run that is killed loses what it has not committed.
    """

    bytes: int = 64 << 20
    seconds: float = 5.0
    waiting: int = 4


class Writer(Protocol):
    """What of a `StoreWriter` is used here."""

    def append(self, rows: Rows, statistics: MiningStatistics | None) -> None:
        """Add rows."""
        ...

    def commit(
        self, rows: Rows | None, examples_done: int, statistics: MiningStatistics | None
    ) -> None:
        """Make what was added count."""
        ...


@dataclass(frozen=True)
class Write:
    """Entries to append, complete once `wait` returns, and how far mining has come with them."""

    rows: Rows
    wait: Callable[[], None]
    statistics: MiningStatistics
    examples_done: int


class CommitThread:
    """A context in which writes go to the disk in order, in a thread.

    What was put is committed when the context ends, also by an exception.
    """

    def __init__(self, writer: Writer, policy: CommitPolicy) -> None:
        self._writer, self._policy = writer, policy
        self._queue: queue.Queue[Write | None] = queue.Queue(policy.waiting)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="knm-commit", daemon=True)

    def __enter__(self) -> "CommitThread":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._queue.put(None)
        self._thread.join()
        if self._error is not None and error is None:
            raise self._error

    def put(self, write: Write) -> None:
        """Hand over a write; waits while too many are pending.

        Raises:
            Exception: what went wrong with an earlier one.
        """
        while True:
            if self._error is not None:
                raise self._error
            try:
                self._queue.put(write, timeout=_LOOK)
            except queue.Full:
                continue
            return

    def _run(self) -> None:
        pending, since, last = 0, time.monotonic(), None
        while (write := self._queue.get()) is not None:
            if self._error is not None:
                continue  # nothing after a failure, but the queue must not fill
            try:
                write.wait()
                self._writer.append(write.rows, write.statistics)
                pending, last = pending + write.rows.nbytes, write
                due = time.monotonic() - since >= self._policy.seconds
                if due or pending >= self._policy.bytes:
                    self._commit(write)
                    pending, since, last = 0, time.monotonic(), None
            except BaseException as error:
                self._error = error
        if last is not None and self._error is None:
            try:
                self._commit(last)
            except BaseException as error:
                self._error = error

    def _commit(self, write: Write) -> None:
        self._writer.commit(None, write.examples_done, write.statistics)
