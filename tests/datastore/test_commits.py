from contextlib import suppress

import numpy as np
import pytest

from knm.datastore.arrays import PROVENANCE_DTYPE
from knm.datastore.commits import CommitPolicy, CommitThread, Write
from knm.datastore.manifest import MiningStatistics
from knm.datastore.writer import Rows

EAGER = CommitPolicy(bytes=1)
LAZY = CommitPolicy(seconds=1000.0)


def rows(count: int) -> Rows:
    return Rows(np.zeros((count, 4)), np.zeros(count), np.zeros(count, PROVENANCE_DTYPE))


class Disk:
    """Notes what is asked of a writer; appending row number `fails` fails."""

    def __init__(self, fails: int = -1) -> None:
        self.done: list[object] = []
        self._fails = fails

    def append(self, rows, statistics):
        if len(rows) == self._fails:
            raise OSError("disk full")
        self.done.append(len(rows))

    def commit(self, rows, examples_done, statistics):
        assert rows is None
        self.done.append(f"commit {examples_done}")


def write(thread: CommitThread, sizes: list[int]) -> None:
    for size in sizes:
        thread.put(Write(rows(size), lambda: None, MiningStatistics(), examples_done=size))


def test_writes_come_in_order_and_are_committed_as_the_policy_says():
    eager, lazy = Disk(), Disk()
    for disk, policy in ((eager, EAGER), (lazy, LAZY)):
        with CommitThread(disk, policy) as thread:
            write(thread, [3, 1, 2])
    assert eager.done == [3, "commit 3", 1, "commit 1", 2, "commit 2"]
    assert lazy.done == [3, 1, 2, "commit 2"]


def test_what_was_put_is_committed_though_mining_fails():
    disk = Disk()
    with suppress(KeyError), CommitThread(disk, LAZY) as thread:
        write(thread, [3, 1])
        raise KeyError
    assert disk.done == [3, 1, "commit 1"]


def test_a_failure_of_the_disk_reaches_mining_and_ends_the_writing():
    disk = Disk(fails=2)
    with pytest.raises(OSError, match="disk full"), CommitThread(disk, LAZY) as thread:
        write(thread, [3, 2, *[1] * 20])
    assert disk.done == [3]


def test_rows_are_waited_for_before_they_are_written():
    disk, waited = Disk(), []
    with CommitThread(disk, LAZY) as thread:
        wait = lambda: waited.append(list(disk.done))  # noqa: E731
        thread.put(Write(rows(5), wait, MiningStatistics(), examples_done=1))
    assert waited == [[]]
    assert disk.done == [5, "commit 1"]
