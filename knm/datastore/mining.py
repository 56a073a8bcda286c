"""Mining: one forward pass over solved examples fills a datastore.

At row p - 1 the model predicts token p. The state there (by default what the output head receives)
is the key; the right token is the value.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import torch
import transformers

import knm
from knm.datastore.calibration import calibrate
from knm.datastore.commits import CommitPolicy, CommitThread, Write
from knm.datastore.domain import domain_of
from knm.datastore.examples import (
    Batch,
    ExampleSource,
    ListedExamples,
    Window,
    cut_batches,
    read_ahead,
)
from knm.datastore.forward import BatchMiner, MinedBatch
from knm.datastore.manifest import Manifest, MiningStatistics
from knm.datastore.mining_options import MiningOptions, parse_positions
from knm.datastore.sharding import WHOLE, Shard, is_joined, join_shards
from knm.datastore.store import Datastore
from knm.datastore.writer import StoreWriter, open_writer
from knm.errors import UserError, named
from knm.models import EncodedExample, LoadedModel, capturing, parse_key_kind
from knm.progress import progress_bar

DEFAULT_COMMITS: Final = CommitPolicy()


def mine(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample] | ExampleSource,
    directory: str | Path,
    options: MiningOptions | None = None,
    *,
    corpus_hash: str = "",
    commits: CommitPolicy = DEFAULT_COMMITS,
) -> Datastore:
    """Fill the datastore in `directory` from `examples`; resume it if a run was cut short.

    A resumed run gives the same content as an uninterrupted one, and on a finished datastore
    nothing is done but to note the preset that `options` name. A second process that mines into the
    same directory waits for the first. `corpus_hash` tells where listed examples are from; other
    sources know it.

    Raises:
        UserError: there are no examples, `directory` holds what was mined from something else, or
            the model gives states that are not finite.
    """
    store = mine_shard(
        loaded,
        examples,
        directory,
        options or MiningOptions(),
        WHOLE,
        corpus_hash=corpus_hash,
        commits=commits,
    )
    assert store is not None
    return store


def mine_shard(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample] | ExampleSource,
    directory: str | Path,
    options: MiningOptions,
    shard: Shard,
    barrier: Callable[[], None] = lambda: None,
    *,
    corpus_hash: str = "",
    commits: CommitPolicy = DEFAULT_COMMITS,
) -> Datastore | None:
    """Mine one of several shards; the process of rank 0 joins all after `barrier`.

    `barrier` returns when all processes have called it. A single process mines into `directory`
    itself, several into `directory`/shard-RANK. Interrupted runs resume with the same number of
    processes. Returns the datastore to rank 0, None to the others.

    Raises:
        UserError: as `mine`, or `directory` holds what another number of processes began.
    """
    source, directory = as_source(examples, corpus_hash), Path(directory)
    begun = fresh_manifest(loaded, source, options, shard)
    whole = fresh_manifest(loaded, source, options)

    def finish(writer: StoreWriter) -> None:
        measure = partial(calibrate, device=loaded.device)
        writer.finish(measure, domain_of(source, loaded.tokenizer))

    done = is_joined(directory, whole, shard)
    if not done:
        place = shard.place(directory)
        with open_writer(place, begun, source.origins(), writer_type=shard.writer) as writer:
            if writer is not None:
                fill(writer, loaded, source, options, commits, shard)
                finish(writer) if shard.alone else writer.seal()
    barrier()
    if shard.rank > 0:
        return None
    if not done and not shard.alone:
        parts = [Shard(rank, shard.count) for rank in range(shard.count)]
        expected = {part: fresh_manifest(loaded, source, options, part) for part in parts}
        join_shards(directory, whole, source.origins(), expected, options.capacity, finish)
    store = Datastore.open(directory, expect=loaded.identity)
    if options.preset in (None, store.manifest.preset):
        return store
    # No entry depends on it, so that it can be named later.
    manifest = replace(store.manifest, preset=options.preset)
    manifest.save(directory)
    return replace(store, manifest=manifest)


def as_source(
    examples: Sequence[EncodedExample] | ExampleSource, corpus_hash: str
) -> ExampleSource:
    """Examples as a source.

    Raises:
        UserError: there are none.
    """
    source = (
        examples if isinstance(examples, ExampleSource) else ListedExamples(examples, corpus_hash)
    )
    if source.count == 0:
        raise UserError("nothing to mine: the corpus holds no examples")
    return source


def fresh_manifest(
    loaded: LoadedModel, source: ExampleSource, options: MiningOptions, shard: Shard = WHOLE
) -> Manifest:
    """The manifest of a datastore in which nothing is yet.

    Raises:
        UserError: the model has no such states as the keys are to be made of.
    """
    kind = parse_key_kind(options.key_kind)
    with capturing(loaded.model, kind):
        pass  # what the model lacks is said before anything is written
    chosen = {name: value for name, value in asdict(options).items() if name != "preset"}
    mining = {**chosen, "device": loaded.device.type, **source.description}
    return Manifest(
        model=loaded.identity,
        key_kind=options.key_kind,
        key_dtype=options.key_dtype,
        dim=kind.width(loaded.identity.hidden_size),
        capacity=0,
        corpus_hash=source.corpus_hash,
        examples_hash=source.fingerprint,
        mining=mining if shard.alone else {**mining, "shard": asdict(shard)},
        packages={
            "knm": knm.__version__,
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "transformers": transformers.__version__,
        },
        likely=True,
        preset=options.preset,
    )


def fill(
    writer: StoreWriter,
    loaded: LoadedModel,
    source: ExampleSource,
    options: MiningOptions,
    commits: CommitPolicy = DEFAULT_COMMITS,
    shard: Shard = WHOLE,
) -> None:
    """Mine what `writer` has not got of the batches that `shard` owns, until its capacity."""
    begun = writer.manifest.statistics or MiningStatistics()
    if begun.full:
        return
    with (
        mined_batches(loaded, source, options, begun, shard) as batches,
        CommitThread(writer, commits) as committing,
    ):
        left = None if options.capacity is None else options.capacity - writer.manifest.count
        done, statistics, started = writer.examples_done, begun, time.perf_counter()
        for batch, mined in batches:
            full = left is not None and len(mined.rows) >= left
            kept = mined if left is None else mined.first(left)
            left = None if left is None else left - len(kept.rows)
            done += len(batch.examples)
            statistics = replace(
                statistics.after(mined.seen),
                seconds=begun.seconds + time.perf_counter() - started,
                full=full,
            )
            committing.put(Write(kept.rows, kept.wait, statistics, done))
            if full:
                break


@contextmanager
def mined_batches(
    loaded: LoadedModel,
    source: ExampleSource,
    options: MiningOptions,
    begun: MiningStatistics | None = None,
    shard: Shard = WHOLE,
) -> Iterator[Iterator[tuple[Batch, MinedBatch]]]:
    """A context that gives batches and what is mined of them.

    They are those that `shard` owns, behind what was `begun`. The iterator raises `UserError` where
    an example does not fit the model's context, states are not finite, or memory runs out.
    """
    begun = begun or MiningStatistics()
    with (
        _Progress(source.count, begun.tokens, shard) as progress,
        capturing(loaded.model, parse_key_kind(options.key_kind)) as capture,
    ):
        miner = BatchMiner(
            loaded,
            capture,
            parse_positions(options.positions),
            key_dtype=options.key_dtype,
            seed=options.seed,
        )
        yield _mine(miner, _pending(source, begun, options.batch_tokens, shard, progress), progress)


def _pending(
    source: ExampleSource,
    begun: MiningStatistics,
    batch_tokens: int,
    shard: Shard,
    progress: "_Progress",
) -> Iterator[Batch]:
    """The batches that a shard has still to mine."""
    for window in read_ahead(source.windows(begun.window)):
        progress.expect(window)
        for batch in cut_batches(window, batch_tokens):
            ahead = (batch.window, batch.number) >= (begun.window, begun.batch)
            if ahead and shard.owns(batch):
                yield batch


def _mine(
    miner: BatchMiner, batches: Iterator[Batch], progress: "_Progress"
) -> Iterator[tuple[Batch, MinedBatch]]:
    """Mine batches; each is collected when the next has been launched."""
    waiting = None
    try:
        for batch in chain(batches, [None]):
            launched = None if batch is None else miner.launch(batch)
            if waiting is not None:
                mined = miner.collect(waiting)
                progress.advance(waiting.batch.tokens)
                yield waiting.batch, mined
            waiting = launched
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"out of memory: {str(error).splitlines()[0]}; mine in smaller batches "
            f"({named('batch_tokens')})"
        ) from error


class _Progress:
    """A bar over tokens; how many there will be is judged by the windows seen so far."""

    def __init__(self, records: int, tokens: int, shard: Shard) -> None:
        self._records, self._shard = records, shard
        self._seen_records = self._seen_tokens = 0
        # One bar for all shards: they go at the same pace.
        self._bar = progress_bar(label="mining", unit="tok") if shard.rank == 0 else None
        self.advance(tokens)

    def __enter__(self) -> "_Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def expect(self, window: Window) -> None:
        """Take another window into account."""
        self._seen_records += len(set(window.records))
        self._seen_tokens += sum(len(example.ids) for example in window.examples)
        if self._bar is not None and self._seen_records:
            mean = self._seen_tokens / self._seen_records
            self._bar.total = round(mean * self._records / self._shard.count)
            self._bar.refresh()

    def advance(self, tokens: int) -> None:
        """So many tokens more are done."""
        if self._bar is not None:
            self._bar.update(tokens)
