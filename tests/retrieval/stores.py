"""Datastores of given keys and values, without mining."""

from pathlib import Path

import numpy as np

from knm.datastore import PROVENANCE_DTYPE, Datastore, RecordOrigin
from knm.datastore.manifest import Calibration, Manifest
from knm.models import ModelIdentity
from tests.datastore.tiny import tiny_model


def store_of(
    keys: np.ndarray,
    values=None,
    *,
    median: float | None = 1.0,
    path: Path = Path("given"),
    copied=False,
    model: ModelIdentity | None = None,
) -> Datastore:
    """A datastore in memory: keys (N, D), values (N,) default 0, 1, 2, ... of a model."""
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
    )
