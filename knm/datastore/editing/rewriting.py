"""What all edits share: a new datastore, written in steps, with its lineage."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import knm
from knm.datastore.manifest import Manifest
from knm.datastore.origins import RecordOrigin
from knm.datastore.projection import Projection
from knm.datastore.store import Datastore
from knm.datastore.writer import Rows, open_writer
from knm.progress import progress_bar

if TYPE_CHECKING:
    import torch

STEP_ROWS: Final = 32_768  # of the parent, in memory at a time


def lineage_entry(
    operation: str, arguments: Mapping[str, Any], parents: Sequence[Datastore]
) -> dict[str, Any]:
    """What was done to which datastores, for the manifest of the result."""
    return {
        "operation": operation,
        "arguments": dict(arguments),
        "parents": [
            {
                "content_hash": parent.content_hash,
                "corpus_hash": parent.manifest.corpus_hash,
                "count": len(parent),
            }
            for parent in parents
        ],
        "knm": knm.__version__,
    }


def edited_manifest(source: Datastore, entry: Mapping[str, Any], **changes: Any) -> Manifest:
    """The manifest that an edit of `source` begins with."""
    return replace(
        source.manifest,
        lineage=(*source.manifest.lineage, entry),
        count=0,
        examples_done=0,
        statistics=None,
        content_hash=None,
        calibration=None,
        indexes={},
        **{"format_version": Manifest.format_version, **changes},
    )


def slices(count: int) -> list[slice]:
    """Rows 0 to `count`, in the pieces that are in memory at a time."""
    return [slice(start, min(start + STEP_ROWS, count)) for start in range(0, count, STEP_ROWS)]


def write_edited(
    out: Path,
    manifest: Manifest,
    records: Sequence[RecordOrigin],
    steps: int,
    make: Callable[[int], Rows],
    *,
    projection: Projection | None = None,
    held_out: Datastore | None = None,
    device: "torch.device | str" = "cpu",
) -> Datastore:
    """Write the datastore that `manifest` begins: `make(step)` gives the rows of each step.

    The result is calibrated on `device`, at the entries of `held_out` if given, and opens only once
    it is whole; an interrupted edit resumes when it is asked for again, a finished one is left
    alone.

    Raises:
        UserError: `out` holds another datastore.
    """
    with open_writer(out, manifest, records, projection=projection) as writer:
        if writer is not None:
            label = f"writing {out.name}"
            for step in progress_bar(range(steps), label=label, total=steps):
                if step >= writer.examples_done:
                    writer.commit(make(step), step + 1)
            writer.finish(device, held_out=held_out)
    return Datastore.open(out)
