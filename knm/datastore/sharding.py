"""Mining by several processes: each fills a datastore of its own, and the first joins them.

Which batches there are does not depend on the number of processes, so the joined datastore is the
one that a single process makes.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from knm.datastore.arrays import AppendableArray
from knm.datastore.examples import Batch
from knm.datastore.manifest import MANIFEST_NAME, Manifest, MiningStatistics
from knm.datastore.origins import RecordOrigin
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Rows, StoreWriter, check_resumable, open_writer
from knm.errors import UserError
from knm.progress import progress_bar

LEDGER_NAME: Final = "batches.npy"
_MERGING: Final = "merging"
# A shard's batches in the order in which it mined them, and the number of entries of each.
_LEDGER_DTYPE: Final = np.dtype([("window", "<i4"), ("batch", "<i4"), ("rows", "<i4")])
_ROWS_AT_ONCE: Final = 1 << 14


class ShardWriter(StoreWriter):
    """Notes beside the entries which batch they are of. The shard of a datastore is one too."""

    def __init__(self, directory: Path, manifest: Manifest) -> None:
        path = directory / LEDGER_NAME
        done = 0
        if manifest.statistics is not None:
            reached = (manifest.statistics.window, manifest.statistics.batch)
            done = sum((w, b) < reached for w, b, _ in np.load(path).tolist())
        self._ledger = AppendableArray(path, _LEDGER_DTYPE, (), done)
        super().__init__(directory, manifest)

    def append(self, rows: Rows, statistics: MiningStatistics | None = None) -> None:
        """Add the entries of the batch before the place that `statistics` has reached."""
        assert statistics is not None
        entry = (statistics.window, statistics.batch - 1, len(rows))
        self._ledger.append(np.array([entry], dtype=_LEDGER_DTYPE))
        super().append(rows, statistics)

    def _arrays(self) -> list[AppendableArray]:
        return [*super()._arrays(), self._ledger]


@dataclass(frozen=True)
class Shard:
    """One of `count` processes that share the batches; `rank` counts from 0."""

    rank: int = 0
    count: int = 1

    @property
    def alone(self) -> bool:
        """Whether a single process does all."""
        return self.count == 1

    @property
    def writer(self) -> type[StoreWriter]:
        """What writes its entries."""
        return StoreWriter if self.alone else ShardWriter

    def owns(self, batch: Batch) -> bool:
        """Whether this process mines a batch."""
        return (batch.window + batch.number) % self.count == self.rank

    def place(self, directory: Path) -> Path:
        """Where this process writes what it mines for the datastore in `directory`."""
        return directory if self.alone else directory / f"shard-{self.rank}"


WHOLE: Final = Shard()


def is_joined(directory: Path, whole: Manifest, shard: Shard) -> bool:
    """Whether shards were joined to the datastore in `directory` already; one alone joins none.

    Raises:
        UserError: what is there was mined from something else than `whole`, or was begun by one
            process where there are several now, or the other way round.
    """
    begun = (directory / MANIFEST_NAME).exists()
    if shard.alone:
        if not begun and Shard(0, 2).place(directory).exists():
            raise UserError(
                f"{directory}: holds the shards of an unfinished mining by torchrun: run that "
                "again, or remove them"
            )
        return False
    if not begun:
        return False
    present = Manifest.load(directory)
    check_resumable(directory, present, whole)
    if not present.finished:
        raise UserError(
            f"{directory}: holds what a single process began: go on without torchrun, or remove it"
        )
    return True


def join_shards(
    directory: Path,
    whole: Manifest,
    records: Iterable[RecordOrigin],
    expected: Mapping[Shard, Manifest],
    capacity: int | None,
    finish: Callable[[StoreWriter], None],
) -> None:
    """Join the shards' entries, batch by batch, and replace the shards by the whole.

    `whole` is the manifest that the joined datastore begins with, `expected` what each shard began
    with, and `finish` what makes the writer of the whole measure and seal it.

    Raises:
        UserError: a shard is missing, or was mined from something else.
    """
    shards = [_open_shard(shard.place(directory), begun) for shard, begun in expected.items()]
    merging = directory / _MERGING
    if merging.exists():
        shutil.rmtree(merging)  # what a killed process left: joining takes less than checking
    with open_writer(merging, whole, records) as writer:
        assert writer is not None
        total = sum(len(shard.store) for shard in shards)
        left = total if capacity is None else min(capacity, total)
        statistics = _add(shards, full=left < total or left == capacity)
        with progress_bar(label="joining", total=left, unit="rows") as bar:
            for rows in _in_order(shards):
                writer.append(rows.first(left))
                left -= len(rows.first(left))
                bar.update(len(rows))
        done = sum(shard.store.manifest.examples_done for shard in shards)
        writer.commit(None, done, statistics)
        finish(writer)
    # The manifest last: until it is there, the shards are what counts.
    for path in sorted(merging.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
        path.replace(directory / path.name)
    merging.rmdir()
    for shard in shards:
        shutil.rmtree(shard.store.path)


@dataclass(frozen=True)
class _FinishedShard:
    store: Datastore
    ledger: Array


def _open_shard(path: Path, expected: Manifest) -> _FinishedShard:
    store = Datastore.open(path)
    check_resumable(path, store.manifest, expected)
    return _FinishedShard(store, np.load(path / LEDGER_NAME))


def _in_order(shards: Sequence[_FinishedShard]) -> Iterator[Rows]:
    """The entries of all shards in the order of their batches, in pieces."""
    ranks = np.concatenate([np.full(len(s.ledger), rank) for rank, s in enumerate(shards)])
    ledger = np.concatenate([shard.ledger for shard in shards])
    read = [0] * len(shards)
    for place in np.lexsort((ledger["batch"], ledger["window"])).tolist():
        rank = int(ranks[place])
        store, end = shards[rank].store, read[rank] + int(ledger["rows"][place])
        for start in range(read[rank], end, _ROWS_AT_ONCE):
            piece = slice(start, min(start + _ROWS_AT_ONCE, end))
            yield Rows.of(store, piece)
        read[rank] = end


def _add(shards: Sequence[_FinishedShard], *, full: bool) -> MiningStatistics:
    """The sum of what the shards saw; they mined at the same time."""
    parts = [shard.store.manifest.statistics or MiningStatistics() for shard in shards]
    total = MiningStatistics()
    for part in parts:
        total = total.after(part)
    window, batch = max((part.window, part.batch) for part in parts)
    seconds = max(part.seconds for part in parts)
    return replace(total, window=window, batch=batch, seconds=seconds, full=full)
