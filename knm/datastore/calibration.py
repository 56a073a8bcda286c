"""How near the neighbours of unseen text are, and how often they are right.

Measured on the stored entries themselves, each against the keys of all other corpus records, so
that the figures describe text that the datastore has not seen.
"""

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.exact import nearest, stored_keys, stream_chunks
from knm.datastore.manifest import Calibration, DistanceSummary
from knm.datastore.reliability import HeldOut, measure_reliability
from knm.datastore.store import Array, Datastore

_MISTAKES: Final = 2_000
_CORRECT: Final = 8_000  # more: of them a few in a thousand must not be spoilt
_CHUNK_ROWS: Final = 8_192
_CPU_QUERIES: Final = 1_024
_NEIGHBOURS: Final = 16
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def calibrate(
    store: Datastore, device: torch.device | str, *, held_out: Datastore | None = None
) -> Calibration:
    """Measure at up to 2,000 mistakes and 8,000 correct positions.

    They are those of `held_out`, the datastore that `store` was made of, where its own would
    mislead.
    """
    device = torch.device(device)
    asked = held_out or store
    mistakes = sample_rows(asked, _MISTAKES, wrong=True)
    correct = sample_rows(asked, _CORRECT, wrong=False)
    entries = neighbours_of_others(store, np.concatenate([mistakes, correct]), device, asked=asked)
    nearest_right = entries.values[:, 0] == entries.right
    cut = len(mistakes)
    at_mistakes = _summary(entries.distances[:cut, 0], nearest_right[:cut])
    at_correct = _summary(entries.distances[cut:, 0], nearest_right[cut:])
    median = None if at_mistakes is None else at_mistakes.quantiles["0.5"]
    reliability = None
    if median and at_correct is not None:
        reliability = measure_reliability(entries, median, error_rate(asked))
    return Calibration(median, at_mistakes, at_correct, reliability)


def sample_rows(store: Datastore, limit: int, *, wrong: bool) -> np.ndarray[Any, Any]:
    """At most `limit` rows at equal distances among those where the LM was wrong, or right.

    Reads the rows twice in pieces: a list of all such rows would grow with the datastore.
    """
    pieces = range(0, len(store), _CHUNK_ROWS)
    total = sum(len(_where(store, start, wrong)) for start in pieces)
    wanted = _even_places(total, limit)
    rows, before = [np.empty(0, dtype=np.int64)], 0
    for start in pieces:
        here = _where(store, start, wrong)
        first, last = np.searchsorted(wanted, [before, before + len(here)])
        rows.append(here[wanted[first:last] - before])
        before += len(here)
    return np.concatenate(rows)


def _where(store: Datastore, start: int, wrong: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    piece = slice(start, start + _CHUNK_ROWS)
    missed = store.provenance["predicted"][piece] != store.values[piece]
    return np.flatnonzero(missed == wrong) + start


def error_rate(store: Datastore) -> float:
    """The share of mined positions at which the LM was wrong."""
    statistics = store.manifest.statistics
    if statistics is not None and statistics.positions:
        return statistics.mistakes / statistics.positions
    pieces = range(0, len(store), _CHUNK_ROWS)
    mistakes = sum(len(_where(store, start, wrong=True)) for start in pieces)
    return mistakes / max(store.manifest.capacity, len(store), 1)


def evenly_spaced(items: np.ndarray[Any, Any], limit: int) -> np.ndarray[Any, Any]:
    """At most `limit` of `items`, in order, at equal distances."""
    chosen: np.ndarray[Any, Any] = items[_even_places(len(items), limit)]
    return chosen


def _even_places(count: int, limit: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.linspace(0, count - 1, min(limit, count)).round().astype(np.int64)


def neighbours_of_others(
    store: Datastore,
    rows: Array,
    device: torch.device,
    *,
    asked: Datastore | None = None,
) -> HeldOut:
    """The entries `rows` (n,) with the 16 nearest ones of `store` that are of other groups.

    The entries are those of `asked`, a datastore of the same records (default: `store` itself).
    """
    asked = asked or store
    groups = torch.from_numpy(store.groups)
    own = groups if asked is store else torch.from_numpy(asked.groups)

    def fetch(ids: Tensor) -> Tensor:
        return stored_keys(store, ids)

    # A CPU is quicker with scores that its caches hold than with fewer readings of the keys.
    together = len(rows) if device.type == "cuda" else _CPU_QUERIES
    found = [
        nearest(
            torch.from_numpy(asked.read_keys(block.numpy())).to(device),
            stream_chunks(store, _CHUNK_ROWS, device, groups=groups),
            fetch,
            k=_NEIGHBOURS,
            exclude=own[block].to(device),
        )
        for block in torch.split(torch.from_numpy(rows), together)
    ]
    distances, ids = (torch.cat(parts) for parts in zip(*found, strict=True))
    return HeldOut(
        distances=distances.cpu().double().numpy(),
        # Where nothing was found the id -1 reads some value; its distance is infinite.
        values=store.values[ids.cpu().numpy()],
        right=np.asarray(asked.values[rows]),
        predicted=asked.provenance["predicted"][rows],
        probability=asked.provenance["probability"][rows].astype(np.float64),
    )


def _summary(distances: Array, right: Array) -> DistanceSummary | None:
    found = np.isfinite(distances)
    if not found.any():
        return None
    quantiles = np.quantile(distances[found], _QUANTILES).tolist()
    return DistanceSummary(
        sampled=int(found.sum()),
        quantiles={str(point): value for point, value in zip(_QUANTILES, quantiles, strict=True)},
        nearest_right=float(right[found].mean()),
    )
