"""Datastores on disk with given entries, for edits."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from knm.datastore import PROVENANCE_DTYPE, Datastore, DistanceSummary, RecordOrigin
from knm.datastore.arrays import encode_keys
from knm.datastore.calibration import calibrate
from knm.datastore.manifest import Manifest
from knm.datastore.writer import Rows, open_writer
from tests.datastore.tiny import tiny_model


def written(
    path: Path,
    keys: np.ndarray,
    values: Sequence[int] | np.ndarray,
    *,
    records: Sequence[int] | None = None,
    offsets: Sequence[int] | None = None,
    origins: Sequence[RecordOrigin] | None = None,
    **manifest,
) -> Datastore:
    """Entries of one record, or of `records`; the LM predicted token 0 everywhere."""
    count = len(values)
    provenance = np.zeros(count, PROVENANCE_DTYPE)
    provenance["record"] = 0 if records is None else records
    provenance["offset"] = np.arange(count) if offsets is None else offsets
    if origins is None:
        highest = int(provenance["record"].max(initial=0))
        origins = [RecordOrigin(f"record-{number}") for number in range(highest + 1)]
    fresh = Manifest(
        **{
            "model": tiny_model().identity,
            "key_dtype": "float16",
            "dim": keys.shape[1],
            "capacity": count,
            "corpus_hash": "written",
            "examples_hash": "written",
            "mining": {"positions": "all"},
            "packages": {},
            **manifest,
        }
    )
    with open_writer(path, fresh, origins) as writer:
        assert writer is not None
        stored = encode_keys(keys.astype(np.float32), fresh.key_dtype)
        writer.commit(Rows(stored, np.asarray(values, "<i4"), provenance), 1)
        writer.finish(partial(calibrate, device="cpu"))
    return Datastore.open(path)


def random_store(path: Path, count: int = 200, *, dim: int = 6, seed: int = 0) -> Datastore:
    """Random keys, values 0 to 9, ten records."""
    draw = np.random.default_rng(seed)
    return written(
        path,
        draw.standard_normal((count, dim)),
        draw.integers(0, 10, count),
        records=(np.arange(count) * 10 // max(count, 1)).tolist(),
        offsets=(np.arange(count) % 20).tolist(),
    )


def entries(store: Datastore) -> list[tuple[Any, ...]]:
    """What the store holds, to compare: record id, offset, value, key."""
    ids = store.record_ids
    return [
        (ids[where["record"]], int(where["offset"]), int(value), key.tobytes())
        for where, value, key in zip(store.provenance, store.values, store.keys, strict=True)
    ]


def mistakes_of(store: Datastore) -> DistanceSummary:
    """What was measured at mistakes."""
    calibration = store.manifest.calibration
    assert calibration is not None
    assert calibration.mistakes is not None
    assert calibration.mistake_distance_median == calibration.mistakes.quantiles["0.5"]
    return calibration.mistakes


def median_of(store: Datastore) -> float:
    """The median distance at mistakes."""
    return mistakes_of(store).quantiles["0.5"]
