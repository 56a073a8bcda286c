"""A datastore without entries that say again, nearly at the same place, what another says.

Deduplication leaves out what is within a tolerance of another entry. Condensing keeps a share, with
the tolerance at which what is left fits. There the mistakes are taken first: they tell what to
mend, and where the LM is right nearby they speak for its token too. So it is right entries that
make room.


Entries are compared with those of the same value alone. Of each value they are taken in order; one
is left out if an earlier one that was kept is within the tolerance.
That is exact: distances that float32 products leave in doubt are measured again by difference.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.edit import select_rows
from knm.datastore.store import Array, Datastore
from knm.errors import UserError, named
from knm.progress import progress_bar

_BLOCK: Final = 1024  # entries that are decided on together
_KEPT: Final = 8192  # kept entries that they are compared with at a time
_PAIRS: Final = 1 << 14  # measured again at a time
_RESIDENT: Final = 1 << 30  # bytes of the keys of one value that are read once and held
_TOLERANCE: Final = 1.25  # tried first, in median distances at mistakes
_FULL: Final = 0.98  # of the room that is to be used
_PASSES: Final = 12


def deduplicate_datastore(
    source: Datastore, out: Path, *, tolerance: float, device: torch.device | str = "cpu"
) -> Datastore:
    """Write `source` without near-duplicates to the directory `out`.

    `tolerance` is a squared distance in units of the median distance at mistakes; 0 leaves out
    only what is equal. Beside at most 1 GiB of keys, memory grows by a few bytes an entry.

    Raises:
        UserError: `source` holds trials, `tolerance` is negative or has no unit in this datastore,
            or `out` holds another datastore.
    """
    source.expect_tokens("dedup", "each of them counts, also where others say the same")
    if not 0 <= tolerance < np.inf:
        raise UserError(f"{named('tolerance')} {tolerance}: must be a number from 0 up")
    median = source.manifest.mistake_distance_median
    if tolerance and median is None:
        raise UserError(
            f"{source.path}: has measured no distances at mistakes, the unit of "
            f"{named('tolerance')}: use {named('tolerance')} 0, which leaves out only what is equal"
        )
    radius = tolerance * (median or 0.0)
    keep = distinct_entries(source, radius, torch.device(device))
    arguments = {"tolerance": tolerance, "squared_distance": radius}
    return select_rows(source, keep, "dedup", arguments, out, device=device)


def distinct_entries(
    source: Datastore, radius: float, device: torch.device, order: Array | None = None
) -> Array:
    """A mask (count,) of the entries of `source` that a squared distance `radius` keeps apart.

    They are taken in the `order` (count,) of these row numbers (default: as they are stored).
    """
    keep = np.ones(len(source), dtype=bool)
    with progress_bar(label="comparing", total=len(source), unit="entries") as bar:
        for rows in _groups(np.asarray(source.values), order):
            if len(rows) > 1:
                keep[rows] = _keep_in_group(source, rows, radius, device)
            bar.update(len(rows))
    return keep


def _groups(values: Array, order: Array | None) -> Iterator[Array]:
    """For each value the rows that hold it, in order."""
    if order is None:
        order = np.arange(len(values))
    order = order[np.argsort(values[order], kind="stable")]
    edges = np.flatnonzero(np.diff(values[order])) + 1
    yield from np.split(order, edges)


def _keep_in_group(source: Datastore, rows: Array, radius: float, device: torch.device) -> Array:
    """Which of `rows` (n,), all of one value, are kept: mask (n,)."""
    read = _reader(source, rows, device)
    keep = np.ones(len(rows), dtype=bool)
    for start in range(0, len(rows), _BLOCK):
        block = np.arange(start, min(start + _BLOCK, len(rows)))
        keys = read(block)
        fresh = torch.ones(len(keys), dtype=torch.bool, device=device)
        earlier = np.flatnonzero(keep[:start])
        for first in range(0, len(earlier), _KEPT):
            near = _within(keys, read(earlier[first : first + _KEPT]), radius)
            fresh &= ~near.any(1)
        keep[block] = _first_of_each(_within(keys, keys, radius).cpu().numpy(), fresh.cpu().numpy())
    return keep


def _reader(source: Datastore, rows: Array, device: torch.device) -> Callable[[Array], Tensor]:
    """What reads the keys of some of `rows`, by their places (n,) among them."""
    if len(rows) * source.manifest.dim * 4 > _RESIDENT:
        return lambda places: torch.from_numpy(source.read_keys(rows[places])).to(device)
    held = torch.from_numpy(source.read_keys(rows)).to(device)
    return lambda places: held[torch.from_numpy(places).to(device)]


def _first_of_each(near: np.ndarray[Any, Any], fresh: np.ndarray[Any, Any]) -> Array:
    """Of a block with the pairs `near` (n, n), what is `fresh` and no earlier kept one is near."""
    kept = fresh.copy()
    for row in np.flatnonzero(np.triu(near, 1).any(1)):
        if kept[row]:
            kept[row + 1 :] &= ~near[row, row + 1 :]
    return kept


def _within(one: Tensor, two: Tensor, radius: float) -> Tensor:
    """Whether keys (n, D) and (m, D) are at most a squared distance `radius` apart: (n, m)."""
    # Distances do not change when both move; products of short vectors round less.
    centre = two.mean(0)
    a, b = one - centre, two - centre
    sizes = a.square().sum(1)[:, None] + b.square().sum(1)
    rough = sizes - 2 * (a @ b.T)
    doubt = sizes * (4 * a.shape[1] * torch.finfo(a.dtype).eps)
    near = rough <= radius
    for pairs in torch.split(((rough - radius).abs() <= doubt).nonzero(), _PAIRS):
        left, right = pairs.unbind(1)
        apart = (one[left].double() - two[right].double()).square().sum(1)
        near[left, right] = apart <= radius
    return near


def condense_datastore(
    source: Datastore, out: Path, *, share: float, device: torch.device | str = "cpu"
) -> Datastore:
    """Write at most a `share` of the entries of `source` to the directory `out`.

    How far the result can be trusted is measured at the entries of `source`: those that stay are
    the hard ones.

    Raises:
        UserError: `source` holds trials, `share` is out of range or leaves no room for one entry
            of each token, or `out` holds another datastore.
    """
    source.expect_tokens(
        "condense", "each of them counts; draw fewer with `knm datastore sample --by record`"
    )
    if not 0 < share <= 1:
        raise UserError(f"{named('share')} {share}: must be above 0 and at most 1")
    keep, radius = fitting_entries(source, math.ceil(share * len(source)), torch.device(device))
    arguments = {"share": share, "squared_distance": radius}
    return select_rows(source, keep, "condense", arguments, out, held_out=source, device=device)


def fitting_entries(source: Datastore, room: int, device: torch.device) -> tuple[Array, float]:
    """A mask (count,) of at most `room` entries, and the squared distance that keeps them apart.

    Raises:
        UserError: there are more tokens than that.
    """
    values = np.asarray(source.values)
    if room >= len(values):
        return np.ones(len(values), dtype=bool), 0.0
    if (tokens := len(np.unique(values))) > room:
        raise UserError(
            f"{source.path}: holds {tokens:,} different tokens, more than the {room:,} entries to "
            f"keep: give a larger {named('share')}"
        )
    order = np.argsort(np.asarray(source.provenance["predicted"]) == values, kind="stable")
    radius = _TOLERANCE * (source.manifest.mistake_distance_median or 1.0)
    low, high, best = 0.0, math.inf, None
    passes = 0
    while best is None or (passes < _PASSES and best.sum() < _FULL * room):
        keep = distinct_entries(source, radius, device, order)
        if keep.sum() <= room:
            best, high = keep, radius
        else:
            low = radius
        radius = 2 * low if high == math.inf else (low + high) / 2
        passes += 1
    return best, high
