"""A datastore whose keys went through a projection."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knm.datastore.arrays import encode_keys
from knm.datastore.editing.rewriting import (
    edited_manifest,
    lineage_entry,
    slices,
    write_edited,
)
from knm.datastore.projection import Projection
from knm.datastore.store import Datastore
from knm.datastore.writer import Rows
from knm.errors import UserError

if TYPE_CHECKING:
    import torch


def project_datastore(
    source: Datastore,
    projection: Projection,
    out: Path,
    *,
    arguments: Mapping[str, Any] | None = None,
    device: "torch.device | str" = "cpu",
) -> Datastore:
    """Write `source` with projected keys to the directory `out`, calibrated anew.

    `projection` maps the stored keys of `source`; where they are projected already, the result's
    queries go through both. `arguments` say in the lineage how the projection was made.

    Raises:
        UserError: `source` holds trials, the projection is of another width than the keys, a
            projected key is not finite in their dtype, or `out` holds another datastore.
    """
    source.expect_tokens(
        "a projection", "their keys are whitened; mine them again with another --dim"
    )
    width = len(projection.mean)
    if width != source.manifest.dim:
        raise UserError(
            f"{source.path}: its keys have {source.manifest.dim} dimensions, the projection takes "
            f"{width}: make it from keys of this datastore"
        )
    whole = projection if source.projection is None else source.projection.then(projection)
    info = projection.info
    entry = lineage_entry(
        projection.kind, {"dim": info.dim, "hash": info.hash, **(arguments or {})}, [source]
    )
    manifest = edited_manifest(source, entry, dim=info.dim, projection=whole.info)
    pieces = slices(len(source))
    key_dtype = source.manifest.key_dtype

    def make(step: int) -> Rows:
        piece = pieces[step]
        keys = encode_keys(projection.apply(source.read_keys(piece)), key_dtype)
        return Rows(keys, np.array(source.values[piece]), np.array(source.provenance[piece]))

    return write_edited(
        out,
        manifest,
        source.records,
        len(pieces),
        make,
        projection=whole,
        device=device,
    )
