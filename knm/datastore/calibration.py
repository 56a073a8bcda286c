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
from knm.datastore.store import Datastore

_SAMPLE: Final = 2_000
_CHUNK_ROWS: Final = 8_192
_NEIGHBOURS: Final = 16
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def calibrate(store: Datastore, device: torch.device) -> Calibration:
    """Measure at up to 2,000 mistakes and as many correct positions."""
    mistakes, correct = (sample_rows(store, _SAMPLE, wrong=wrong) for wrong in (True, False))
    rows = np.concatenate([mistakes, correct])
    distances, ids = neighbours_of_others(store, rows, device)
    # Where nothing was found the id -1 reads some value; its infinite distance drops it later.
    values = store.values[ids.numpy()]
    nearest_right = torch.from_numpy(values[:, 0] == store.values[rows])
    cut = len(mistakes)
    at_mistakes = _summary(distances[:cut, 0], nearest_right[:cut])
    at_correct = _summary(distances[cut:, 0], nearest_right[cut:])
    median = None if at_mistakes is None else at_mistakes.quantiles["0.5"]
    reliability = None
    if median and at_correct is not None:
        held_out = HeldOut(
            distances=distances.double().numpy(),
            values=values,
            right=np.asarray(store.values[rows]),
            predicted=store.provenance["predicted"][rows],
            probability=store.provenance["probability"][rows].astype(np.float64),
        )
        reliability = measure_reliability(held_out, median, error_rate(store))
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
    store: Datastore, rows: np.ndarray[Any, Any], device: torch.device
) -> tuple[Tensor, Tensor]:
    """The nearest entries (n, 16) of each of `rows` (n,) among those of other groups of records.

    Returns squared distances float32 and ids int64, on the host; inf and -1 where there is none.
    """
    groups = torch.from_numpy(store.groups)
    distances, ids = nearest(
        torch.from_numpy(store.read_keys(rows)).to(device),
        stream_chunks(store, _CHUNK_ROWS, device, groups=groups),
        lambda found: stored_keys(store, found),
        k=_NEIGHBOURS,
        exclude=groups[torch.from_numpy(rows)].to(device),
    )
    return distances.cpu(), ids.cpu()


def _summary(distances: Tensor, right: Tensor) -> DistanceSummary | None:
    found = distances.isfinite()
    if not found.any():
        return None
    points = torch.tensor(_QUANTILES, dtype=torch.float64)
    quantiles = distances[found].double().quantile(points).tolist()
    return DistanceSummary(
        sampled=int(found.sum()),
        quantiles={str(point): value for point, value in zip(_QUANTILES, quantiles, strict=True)},
        nearest_right=right[found].double().mean().item(),
    )
