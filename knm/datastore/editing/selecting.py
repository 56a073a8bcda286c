"""A datastore of some of another's entries: drawn at random, or those that a mask keeps."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knm.datastore.editing.rewriting import edited_manifest, lineage_entry, slices, write_edited
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Rows
from knm.errors import UserError

if TYPE_CHECKING:
    import torch


def select_rows(
    source: Datastore,
    keep: Array,
    operation: str,
    arguments: Mapping[str, Any],
    out: Path,
    *,
    held_out: Datastore | None = None,
    device: "torch.device | str" = "cpu",
) -> Datastore:
    """Write the entries of `source` that the mask `keep` (count,) names to the directory `out`.

    `held_out` is where the result is calibrated (default: at its own entries).

    Raises:
        UserError: nothing would be left of a datastore that holds something, or `out` holds
            another datastore.
    """
    assert keep.dtype == bool
    assert keep.shape == (len(source),)
    rows = np.flatnonzero(keep)
    if len(source) and not len(rows):
        raise UserError(f"{source.path}: {operation} {dict(arguments)} would leave no entry")
    pieces = slices(len(rows))

    def make(step: int) -> Rows:
        members = rows[pieces[step]]
        return Rows(source.keys[members], source.values[members], source.provenance[members])

    manifest = edited_manifest(source, lineage_entry(operation, arguments, [source]))
    return write_edited(
        out,
        manifest,
        source.records,
        len(pieces),
        make,
        projection=source.projection,
        held_out=held_out,
        device=device,
    )


def sample_datastore(
    source: Datastore,
    out: Path,
    *,
    count: int | None = None,
    share: float | None = None,
    by_record: bool = False,
    seed: int = 0,
    device: "torch.device | str" = "cpu",
) -> Datastore:
    """Write `count` entries of `source`, or a `share` of them, drawn at random, to `out`.

    With `by_record` whole corpus records are drawn, and counted. The order is kept, and the same
    seed draws the same.

    Raises:
        UserError: not exactly one of `count` and `share`, one of them is out of range, or `out`
            holds another datastore.
    """
    if (count is None) == (share is None):
        raise UserError("--count, --share: give one of them")
    records = np.asarray(source.provenance["record"])
    units, unit_of_row = (
        np.unique(records, return_inverse=True)
        if by_record
        else (np.arange(len(source)), np.arange(len(source)))
    )
    if share is not None:
        if not 0 < share <= 1:
            raise UserError(f"--share {share}: must be above 0 and at most 1")
        count = math.ceil(share * len(units))
    assert count is not None
    if count < 1 <= len(units) or count > len(units):
        what = "records" if by_record else "entries"
        raise UserError(f"--count {count}: {source.path} holds {len(units)} {what}")
    drawn = np.zeros(len(units), dtype=bool)
    drawn[np.random.default_rng(seed).permutation(len(units))[:count]] = True
    arguments = {"count": count, "by_record": by_record, "seed": seed}
    return select_rows(source, drawn[unit_of_row], "sample", arguments, out, device=device)
