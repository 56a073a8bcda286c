"""Mining by several processes: each fills a datastore of its own, and the first joins them.

Which batches there are does not depend on the number of processes, so the joined datastore is the
one that a single process makes.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from knm.datastore.arrays import AppendableArray
from knm.datastore.commits import CommitPolicy
from knm.datastore.domain import domain_of
from knm.datastore.examples import ExampleSource
from knm.datastore.manifest import MANIFEST_NAME, Manifest, MiningStatistics
from knm.datastore.mining import (
    DEFAULT_COMMITS,
    Shard,
    as_source,
    fill,
    fresh_manifest,
)
from knm.datastore.mining_options import MiningOptions
from knm.datastore.store import Datastore, hash_content
from knm.datastore.writer import Rows, StoreWriter, check_resumable, open_writer
from knm.errors import UserError
from knm.models import EncodedExample, LoadedModel
from knm.progress import progress_bar

LEDGER_NAME: Final = "batches.npy"
_MERGING: Final = "merging"
# A shard's batches in the order in which it mined them, and the number of entries of each.
_LEDGER_DTYPE: Final = np.dtype([("window", "<i4"), ("batch", "<i4"), ("rows", "<i4")])
_ROWS_AT_ONCE: Final = 1 << 14

Array = np.ndarray[Any, Any]


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

    def seal(self) -> None:
        """Say that the shard is complete; calibration is for the whole."""
        self.close()
        sealed = hash_content(self._directory, self._manifest)
        self._manifest = replace(self._manifest, content_hash=sealed)
        self._manifest.save(self._directory)

    def _arrays(self) -> list[AppendableArray]:
        return [*super()._arrays(), self._ledger]


def mine_shard(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample] | ExampleSource,
    directory: str | Path,
    options: MiningOptions,
    shard: Shard,
    barrier: Callable[[], None],
    *,
    corpus_hash: str = "",
    commits: CommitPolicy = DEFAULT_COMMITS,
) -> Datastore | None:
    """Mine a shard into `directory`/shard-RANK; rank 0 joins all after `barrier`.

    `barrier` returns when all processes have called it. Interrupted runs resume with the same
    number of processes. Returns the datastore to rank 0, None to the others.

    Raises:
        UserError: as `mine`, or `directory` holds what one process began.
    """
    source, directory = as_source(examples, corpus_hash), Path(directory)
    whole = fresh_manifest(loaded, source, options)
    if not _is_finished(directory, whole):
        mine_into = shard_directory(directory, shard.rank)
        begun = fresh_manifest(loaded, source, options, shard)
        with open_writer(mine_into, begun, source.origins(), writer_type=ShardWriter) as writer:
            if writer is not None:
                assert isinstance(writer, ShardWriter)
                fill(writer, loaded, source, options, commits, shard)
                writer.seal()
        barrier()
        if shard.rank == 0:
            expected = [
                fresh_manifest(loaded, source, options, Shard(rank, shard.count))
                for rank in range(shard.count)
            ]
            shards = [_open_shard(directory, each, rank) for rank, each in enumerate(expected)]
            _merge(shards, loaded, source, directory, whole, options.capacity)
    else:
        barrier()
    return Datastore.open(directory, expect=loaded.identity) if shard.rank == 0 else None


def shard_directory(directory: Path, rank: int) -> Path:
    """Where a process mines its shard."""
    return directory / f"shard-{rank}"


def _is_finished(directory: Path, whole: Manifest) -> bool:
    """Whether the datastore is there already."""
    if not (directory / MANIFEST_NAME).exists():
        return False
    present = Manifest.load(directory)
    check_resumable(directory, present, whole)
    if not present.finished:
        raise UserError(
            f"{directory}: holds what a single process began: go on without torchrun, or remove it"
        )
    return True


@dataclass(frozen=True)
class _FinishedShard:
    store: Datastore
    ledger: Array


def _open_shard(directory: Path, expected: Manifest, rank: int) -> _FinishedShard:
    path = shard_directory(directory, rank)
    store = Datastore.open(path)
    check_resumable(path, store.manifest, expected)
    return _FinishedShard(store, np.load(path / LEDGER_NAME))


def _merge(
    shards: Sequence[_FinishedShard],
    loaded: LoadedModel,
    source: ExampleSource,
    directory: Path,
    whole: Manifest,
    capacity: int | None,
) -> None:
    """Join the shards' entries, batch by batch, and replace the shards by the whole."""
    merging = directory / _MERGING
    if merging.exists():
        shutil.rmtree(merging)  # what a killed process left: joining takes less than checking
    with open_writer(merging, whole, source.origins()) as writer:
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
        writer.finish(loaded.device, domain_of(source, loaded.tokenizer))
    # The manifest last: until it is there, the shards are what counts.
    for path in sorted(merging.iterdir(), key=lambda path: path.name == MANIFEST_NAME):
        path.replace(directory / path.name)
    merging.rmdir()
    for shard in shards:
        shutil.rmtree(shard.store.path)


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
            yield Rows(store.keys[piece], store.values[piece], store.provenance[piece])
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
