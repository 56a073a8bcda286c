"""A datastore thinned out to a share of its entries, mistakes first.

Entries that say the same nearly at the same place are left out, as in deduplication, with the
tolerance at which what is left fits. The mistakes are taken first: they tell what to mend, and
where the LM is right nearby they speak for its token too. So it is right entries that make room.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch

from knm.datastore.editing.deduplicating import distinct_entries
from knm.datastore.editing.selecting import select_rows
from knm.datastore.store import Array, Datastore
from knm.errors import UserError

_TOLERANCE: Final = 1.25  # tried first, in median distances at mistakes
_FULL: Final = 0.98  # of the room that is to be used
_PASSES: Final = 12


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
        raise UserError(f"--share {share}: must be above 0 and at most 1")
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
            "keep: give a larger --share"
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
