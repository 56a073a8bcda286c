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
from knm.datastore.store import Datastore

_SAMPLE: Final = 2_000
_CHUNK_ROWS: Final = 8_192
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


def calibrate(store: Datastore, device: torch.device) -> Calibration:
    """Measure nearest distances at up to 2,000 mistakes and as many correct positions."""
    mistakes, correct = _sample(store, wrong=True), _sample(store, wrong=False)
    rows = np.concatenate([mistakes, correct])
    distances, right = _nearest_of_other_records(store, rows, device)
    at_mistakes = _summary(distances[: len(mistakes)], right[: len(mistakes)])
    at_correct = _summary(distances[len(mistakes) :], right[len(mistakes) :])
    return Calibration(
        mistake_distance_median=None if at_mistakes is None else at_mistakes.quantiles["0.5"],
        mistakes=at_mistakes,
        correct=at_correct,
    )


def _sample(store: Datastore, *, wrong: bool) -> np.ndarray[Any, Any]:
    """Rows at equal distances among those where the LM was wrong, or right.

    Reads the rows twice in pieces: a list of all such rows would grow with the datastore.
    """
    pieces = range(0, len(store), _CHUNK_ROWS)
    total = sum(len(_where(store, start, wrong)) for start in pieces)
    wanted = _even_places(total, _SAMPLE)
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


def evenly_spaced(items: np.ndarray[Any, Any], limit: int) -> np.ndarray[Any, Any]:
    """At most `limit` of `items`, in order, at equal distances."""
    chosen: np.ndarray[Any, Any] = items[_even_places(len(items), limit)]
    return chosen


def _even_places(count: int, limit: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.linspace(0, count - 1, min(limit, count)).round().astype(np.int64)


def _nearest_of_other_records(
    store: Datastore, rows: np.ndarray[Any, Any], device: torch.device
) -> tuple[Tensor, Tensor]:
    """Distance to the nearest key of another record (inf: none), and whether its value is right."""
    records = torch.from_numpy(store.provenance["record"][rows].astype(np.int64)).to(device)
    distances, ids = nearest(
        torch.from_numpy(store.read_keys(rows)).to(device),
        stream_chunks(store, _CHUNK_ROWS, device, with_records=True),
        lambda found: stored_keys(store, found),
        k=1,
        exclude=records,
    )
    # Where nothing was found the id -1 reads some value; its infinite distance drops it later.
    values = store.values[ids[:, 0].cpu().numpy()]
    return distances[:, 0].cpu(), torch.from_numpy(values == store.values[rows])


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
