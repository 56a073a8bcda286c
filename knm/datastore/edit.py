"""Making datastores from datastores: one of some of another's entries, one of several.

Every result is a new directory, written in steps, calibrated anew, with its lineage. What is not in
here: which entries are kept by rule (`filter`) or because others say the same (`thin`), and keys
that are mapped (`project`).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

import knm
from knm.datastore.manifest import Manifest
from knm.datastore.origins import RecordOrigin
from knm.datastore.projection import Projection
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Measure, Rows, open_writer
from knm.errors import UserError, named
from knm.hashing import hash_json
from knm.progress import progress_bar

if TYPE_CHECKING:
    import torch

T = TypeVar("T")
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
        programs=None,
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
            writer.finish(_measure_of(manifest, device, held_out))
    return Datastore.open(out)


def _measure_of(
    manifest: Manifest, device: "torch.device | str", held_out: Datastore | None
) -> Measure:
    # Loads a model library.
    from knm.datastore.calibration import calibrate
    from knm.datastore.trial_calibration import calibrate_trials

    if manifest.trials is not None:
        return partial(calibrate_trials, device=device)
    return partial(calibrate, device=device, held_out=held_out)


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
        return Rows.of(source, rows[pieces[step]])

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
        raise UserError(f"{named('count')}, {named('share')}: give one of them")
    records = np.asarray(source.provenance["record"])
    units, unit_of_row = (
        np.unique(records, return_inverse=True)
        if by_record
        else (np.arange(len(source)), np.arange(len(source)))
    )
    if share is not None:
        if not 0 < share <= 1:
            raise UserError(f"{named('share')} {share}: must be above 0 and at most 1")
        count = math.ceil(share * len(units))
    assert count is not None
    if count < 1 <= len(units) or count > len(units):
        what = "records" if by_record else "entries"
        raise UserError(
            f"{named('count')} {count}: must be from 1 to {len(units)}, the {what} of {source.path}"
        )
    drawn = np.zeros(len(units), dtype=bool)
    drawn[np.random.default_rng(seed).permutation(len(units))[:count]] = True
    arguments = {"count": count, "by_record": by_record, "seed": seed}
    return select_rows(source, drawn[unit_of_row], "sample", arguments, out, device=device)


def merge_datastores(
    sources: Sequence[Datastore],
    out: Path,
    *,
    device: "torch.device | str" = "cpu",
    notify: Callable[[str], None] = lambda _: None,
) -> Datastore:
    """Write all entries of `sources`, one datastore after the other, to the directory `out`.

    Records of one id become one record. Entries of one position that two datastores hold stay two
    entries, which `deduplicate_datastore` makes one; `notify` is told how many there are. What the
    LM held likeliest is in the result where all have it, and the preset that they are for where it
    is the same; `notify` is told where it is otherwise.

    Raises:
        UserError: fewer than two datastores, two of the same content, or that differ in what gives
            keys and values their meaning, or `out` holds another datastore.
    """
    if len(sources) < 2:
        raise UserError("merge: give at least two datastores")
    for other in sources[1:]:
        _check_alike(sources[0], other)
    _refuse_twins(sources)
    places: dict[str, int] = {}
    origins: list[RecordOrigin] = []
    renumbered = []
    for source in sources:
        for origin in source.records:
            if origin.id not in places:
                places[origin.id] = len(origins)
                origins.append(origin)
        renumbered.append(np.array([places[origin.id] for origin in source.records], "<i4"))
    # Of one position several tokens are tried.
    trials = sources[0].manifest.trials is not None
    doubled = 0 if trials else _doubled(sources, renumbered)
    if doubled:
        notify(
            f"{doubled} entries are of a position that an earlier datastore holds too: they are in "
            "the result twice; `knm datastore dedup` leaves them out"
        )
    bare = [source for source in sources if source.likely is None]
    if 0 < len(bare) < len(sources):
        notify(
            f"{bare[0].path}: does not hold the LM's likeliest tokens, so neither does the result: "
            "mine it again if preset residual is to do without the output head"
        )
    if len({source.manifest.preset for source in sources}) > 1:
        notify(
            "the datastores are for different presets, so the result is for none of them: give "
            "--knn-preset where it is searched"
        )
    pieces = [
        (number, piece) for number, source in enumerate(sources) for piece in slices(len(source))
    ]

    def make(step: int) -> Rows:
        number, piece = pieces[step]
        rows = Rows.of(sources[number], piece)
        provenance = np.array(rows.provenance)
        provenance["record"] = renumbered[number][provenance["record"]]
        return replace(rows, provenance=provenance)

    return write_edited(
        out,
        _merged_manifest(sources),
        origins,
        len(pieces),
        make,
        projection=sources[0].projection,
        device=device,
    )


def _refuse_twins(sources: Sequence[Datastore]) -> None:
    earlier: dict[str, Datastore] = {}
    for source in sources:
        twin = earlier.get(source.content_hash)
        if twin is not None and len(source):
            raise UserError(
                f"{source.path}: holds the same entries as {twin.path}, which would all be there "
                "twice: leave one out"
            )
        earlier[source.content_hash] = source


def _doubled(sources: Sequence[Datastore], renumbered: Sequence[Array]) -> int:
    """How many entries are of a position (record and offset) of an earlier datastore."""
    places: list[Array] = []
    for source, numbers in zip(sources, renumbered, strict=True):
        record = numbers[source.provenance["record"]].astype(np.int64)
        places.append(np.unique(record << 32 | source.provenance["offset"].astype(np.int64)))
    return sum(map(len, places)) - len(np.unique(np.concatenate(places)))


def _merged_manifest(sources: Sequence[Datastore]) -> Manifest:
    manifests = [source.manifest for source in sources]
    entry: dict[str, Any] = lineage_entry("merge", {}, sources)
    for parent, manifest in zip(entry["parents"], manifests, strict=True):
        parent["lineage"] = list(manifest.lineage)
    merged = edited_manifest(
        sources[0],
        entry,
        capacity=sum(manifest.capacity for manifest in manifests),
        corpus_hash=_joined([manifest.corpus_hash for manifest in manifests]),
        examples_hash=_joined([manifest.examples_hash for manifest in manifests]),
        mining=_shared([manifest.mining for manifest in manifests]),
        packages=_shared([manifest.packages for manifest in manifests]),
        domain=_agreed([manifest.domain for manifest in manifests]),
        likely=all(manifest.likely for manifest in manifests),
        preset=_agreed([manifest.preset for manifest in manifests]),
    )
    return replace(merged, lineage=(entry,))


def _agreed(values: Sequence[T | None]) -> T | None:
    """That of all; None, which is any, where they differ."""
    return values[0] if all(value == values[0] for value in values) else None


def _joined(hashes: Sequence[str]) -> str:
    return hashes[0] if len(set(hashes)) == 1 else hash_json(list(hashes))


def _shared(options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What all agree on; `mixed` where they do not."""
    names = dict.fromkeys(name for each in options for name in each)
    return {
        name: values[0] if all(value == values[0] for value in values) else "mixed"
        for name in names
        for values in [[each.get(name) for each in options]]
    }


def _entry_kind(manifest: Manifest) -> str:
    return "token" if manifest.trials is None else "trial"


def _check_alike(first: Datastore, other: Datastore) -> None:
    a, b = first.manifest, other.manifest
    for what, one, two in (
        *((f"model {what}", one, two) for what, one, two in a.model.differences(b.model)),
        ("kind of entry", _entry_kind(a), _entry_kind(b)),
        ("way of trying", a.mining.get("trials"), b.mining.get("trials")),
        ("key kind", a.key_kind, b.key_kind),
        ("layer", a.layer, b.layer),
        ("key dtype", a.key_dtype, b.key_dtype),
        ("distance", a.distance, b.distance),
        ("key width", a.query_dim, b.query_dim),
        ("projection", a.projection, b.projection),
    ):
        if one != two:
            raise UserError(
                f"{other.path}: its {what} is {two}, that of {first.path} {one}: only datastores "
                "that agree in it can be merged"
            )
