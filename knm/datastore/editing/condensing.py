"""A datastore without the entries that never matter: most of those where the LM was right.

The mistakes stay. Where the LM was right an entry is there to say so; it is needed only if the
others would overrule the LM there. So those are added, in rounds, that what is kept so far would
spoil, each judged by the entries of other groups of records (hard negatives, found out of fold);
what room is left is given to right entries at equal distances, as evidence of what is usual.
After the condensed nearest neighbour rule (Hart, 1968), which asks the same of plain classifiers.
"""

import math
from pathlib import Path
from typing import Final

import numpy as np
import torch

from knm.datastore.calibration import evenly_spaced, neighbours_of_others, sample_rows
from knm.datastore.editing.selecting import select_rows
from knm.datastore.reliability import SUPPORT, TEMPERATURE_SCALE, WEIGHTS, corrected_token
from knm.datastore.store import Array, Datastore
from knm.errors import UserError
from knm.progress import progress_bar

_ROUNDS: Final = 3
_QUERIES: Final = 4096


def condense_datastore(
    source: Datastore, out: Path, *, share: float, device: torch.device | str = "cpu"
) -> Datastore:
    """Write all mistakes of `source` and the right entries that matter most to the directory `out`.

    The result holds `share` of the entries. How far it can be trusted is measured at the entries of
    `source`: its own right ones are the hard ones.

    Raises:
        UserError: `share` is out of range or leaves no room beside the mistakes, `source` has no
            distances at mistakes, or `out` holds another datastore.
    """
    if not 0 < share <= 1:
        raise UserError(f"--share {share}: must be above 0 and at most 1")
    calibration = source.manifest.calibration
    scale = calibration and calibration.mistake_distance_median
    if not scale:
        raise UserError(
            f"{source.path}: has measured no distances at mistakes, which tell what matters: mine "
            "with --positions all"
        )
    room = math.ceil(share * len(source))
    keep = matching_entries(source, room, scale, torch.device(device))
    arguments = {"share": share}
    return select_rows(source, keep, "condense", arguments, out, held_out=source, device=device)


def matching_entries(source: Datastore, room: int, scale: float, device: torch.device) -> Array:
    """A mask (count,) of the `room` entries to keep; `scale` as for reliability.

    Raises:
        UserError: the mistakes alone are more.
    """
    keep = np.zeros(len(source), dtype=bool)
    keep[sample_rows(source, len(source), wrong=True)] = True
    if keep.sum() > room:
        raise UserError(
            f"{source.path}: holds {keep.sum():,} mistakes, more than the {room:,} entries to "
            "keep: give a larger --share"
        )
    for number in range(_ROUNDS):
        rest = np.flatnonzero(~keep)
        spoilt = [rest[:0]]
        pieces = range(0, len(rest), _QUERIES)
        for start in progress_bar(pieces, label=f"round {number + 1}", total=len(pieces)):
            rows = rest[start : start + _QUERIES]
            held_out = neighbours_of_others(source, rows, device, among=np.flatnonzero(keep))
            token = corrected_token(held_out, scale * TEMPERATURE_SCALE, WEIGHTS[-1], SUPPORT)
            spoilt.append(rows[token != held_out.right])
        hard = np.concatenate(spoilt)
        keep[evenly_spaced(hard, room - int(keep.sum()))] = True
        if not len(hard):
            break
    keep[evenly_spaced(np.flatnonzero(~keep), room - int(keep.sum()))] = True
    return keep
