"""Datastores that must not help: real ones with their values shuffled or their keys made up."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from knm.datastore import Datastore
from knm.datastore.arrays import encode_keys
from knm.datastore.edit import edited_manifest, lineage_entry, slices, write_edited
from knm.datastore.writer import Rows

SEED: Final = 0

Keys = np.ndarray[Any, np.dtype[np.float32]]
MakeRows = Callable[[int, slice], Rows]


def tamper(
    kind: str, source: Datastore, out: Path, *, device: torch.device | str = "cpu"
) -> Datastore:
    """Write `source` spoiled as `kind` (a name in `TAMPERINGS`) says to the directory `out`.

    The same source gives the same result. What is measured of a datastore when it is made is
    measured of the result.

    Raises:
        UserError: `out` holds another datastore.
    """
    pieces = slices(len(source))
    make = TAMPERINGS[kind](source)
    manifest = edited_manifest(source, lineage_entry(kind, {"seed": SEED}, [source]))
    return write_edited(
        out,
        manifest,
        source.records,
        len(pieces),
        lambda step: make(step, pieces[step]),
        projection=source.projection,
        device=device,
    )


def _shuffled_values(source: Datastore) -> MakeRows:
    """Each key with the value of another entry."""
    order = np.random.default_rng(SEED).permutation(len(source))

    def make(step: int, piece: slice) -> Rows:
        del step
        return replace(Rows.of(source, piece), values=source.values[order[piece]])

    return make


def _random_keys(source: Datastore) -> MakeRows:
    """Each value at a random place, as far from the origin as its key.

    The numbers of a key are drawn from normal distributions with the means and deviations that the
    real keys have in each dimension, and scaled to the length of the real key.
    """
    mean, deviation = _moments(source)

    def make(step: int, piece: slice) -> Rows:
        real = source.read_keys(piece)
        drawn: Keys = np.random.default_rng((SEED, step)).standard_normal(
            real.shape, dtype=np.float32
        )
        drawn = mean + deviation * drawn
        lengths = np.linalg.norm(real, axis=1) / np.maximum(np.linalg.norm(drawn, axis=1), 1e-12)
        keys = encode_keys(drawn * lengths[:, None], source.manifest.key_dtype)
        return replace(Rows.of(source, piece), keys=keys)

    return make


TAMPERINGS: Final[Mapping[str, Callable[[Datastore], MakeRows]]] = {
    "shuffled": _shuffled_values,
    "random": _random_keys,
}


def _moments(source: Datastore) -> tuple[Keys, Keys]:
    """Mean and standard deviation of the keys in each dimension, (dim,) float32."""
    total = np.zeros(source.manifest.dim)
    squares = np.zeros(source.manifest.dim)
    for piece in slices(len(source)):
        keys = source.read_keys(piece).astype(np.float64)
        total += keys.sum(0)
        squares += np.square(keys).sum(0)
    mean = total / len(source)
    deviation = np.sqrt(np.maximum(squares / len(source) - np.square(mean), 0.0))
    return mean.astype(np.float32), deviation.astype(np.float32)
