"""Datastores of given keys and values, without mining."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from knm.datastore import PROVENANCE_DTYPE, Datastore, RecordOrigin
from knm.datastore.manifest import Calibration, Manifest, OutcomePolicy, TrialsInfo
from knm.datastore.origins import write_origins
from knm.datastore.store import KEYS_NAME, LIKELY_NAME, PROVENANCE_NAME, VALUES_NAME
from knm.models import ModelIdentity
from knm.retrieval import Retriever, resolve_preset
from tests.datastore.tiny import tiny_model


def store_of(
    keys: np.ndarray,
    values=None,
    *,
    median: float | None = 1.0,
    path: Path = Path("given"),
    copied=False,
    model: ModelIdentity | None = None,
    likely: np.ndarray | None = None,
) -> Datastore:
    """A datastore in memory: keys (N, D), values (N,) default 0, 1, 2, ... of a model.

    `likely` (N,) with the fields of `LIKELY_DTYPE` is what the LM held likeliest.
    """
    count, dim = keys.shape
    values = np.arange(count) if values is None else np.asarray(values)
    manifest = Manifest(
        model=model or tiny_model().identity,
        key_dtype="float16",
        dim=dim,
        capacity=count,
        corpus_hash="given",
        examples_hash="given",
        mining={},
        packages={},
        count=count,
        content_hash="given",
        calibration=Calibration(median, None, None),
        likely=likely is not None,
    )
    provenance = np.zeros(count, PROVENANCE_DTYPE)
    provenance["copied"] = copied
    return Datastore(
        path=path,
        manifest=manifest,
        keys=keys.astype(np.float16),
        values=values.astype(np.int32),
        provenance=provenance,
        records=(RecordOrigin("record"),),
        likely=likely,
    )


POLICY = OutcomePolicy(
    k=32,
    temperature=0.4,
    prior=16.0,
    crash_price=0.3,
    least_probability=0.02,
    threshold=0.1,
    problems=100,
    fired=40,
    gained=12,
    lost=3,
    price=2.0,
)


def trials_of(
    keys: np.ndarray,
    predicted,
    values,
    outcomes=0,
    crashes=0,
    *,
    policy: OutcomePolicy | None = POLICY,
    **options: Any,
) -> Datastore:
    """A datastore of trials in memory: the LM's tokens `predicted` (N,), and those tried."""
    store = store_of(keys, values, **options)
    for name, column in (("predicted", predicted), ("outcome", outcomes), ("crash", crashes)):
        store.provenance[name] = column
    outcome, crash = store.provenance["outcome"], store.provenance["crash"]
    trials = TrialsInfo(
        problems=1,
        gained=int((outcome > 0).sum()),
        lost=int((outcome < 0).sum()),
        mended=int((crash < 0).sum()),
        broken=int((crash > 0).sum()),
        policy=policy,
    )
    return replace(store, manifest=replace(store.manifest, trials=trials))


def saved(store: Datastore, directory: Path) -> Path:
    """Write a datastore in memory where `Datastore.open` finds it."""
    directory.mkdir(parents=True)
    for name, array in (
        (KEYS_NAME, store.keys),
        (VALUES_NAME, store.values),
        (PROVENANCE_NAME, store.provenance),
        (LIKELY_NAME, store.likely),
    ):
        if array is not None:
            np.save(directory / name, array)
    write_origins(directory, store.records)
    store.manifest.save(directory)
    return directory


def retriever_of(store, name="v1", **changes) -> Retriever:
    return Retriever(store, resolve_preset(name, **changes))
