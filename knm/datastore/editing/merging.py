"""One datastore of several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from knm.datastore.domain import PromptDomain
from knm.datastore.editing.rewriting import edited_manifest, lineage_entry, slices, write_edited
from knm.datastore.manifest import Manifest
from knm.datastore.origins import RecordOrigin
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Rows
from knm.errors import UserError
from knm.hashing import hash_json

if TYPE_CHECKING:
    import torch


def merge_datastores(
    sources: Sequence[Datastore],
    out: Path,
    *,
    device: "torch.device | str" = "cpu",
    notify: Callable[[str], None] = lambda _: None,
) -> Datastore:
    """Write all entries of `sources`, one datastore after the other, to the directory `out`.

    Records of one id become one record. Entries of one position that two datastores hold stay two
    entries, which `deduplicate_datastore` makes one; `notify` is told how many there are.

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
    pieces = [
        (number, piece) for number, source in enumerate(sources) for piece in slices(len(source))
    ]

    def make(step: int) -> Rows:
        number, piece = pieces[step]
        source = sources[number]
        provenance = np.array(source.provenance[piece])
        provenance["record"] = renumbered[number][provenance["record"]]
        return Rows(np.array(source.keys[piece]), np.array(source.values[piece]), provenance)

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
    )
    return replace(merged, lineage=(entry,))


def _agreed(domains: Sequence[PromptDomain | None]) -> PromptDomain | None:
    """That of all; None, which is any, where they differ."""
    return domains[0] if all(domain == domains[0] for domain in domains) else None


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
