"""A datastore as its readers see it: memory-mapped arrays, a row an entry."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from knm.datastore.arrays import (
    KEY_DTYPES,
    LIKELY_DTYPE,
    PROVENANCE_DTYPE,
    TRIAL_FIELDS,
    VALUE_DTYPE,
    decode_keys,
)
from knm.datastore.manifest import TRIALS_VERSION, Manifest
from knm.datastore.origins import RecordOrigin, RecordTable, hash_record_ids, number_groups
from knm.datastore.projection import Projection
from knm.errors import UserError
from knm.hashing import hash_file, hash_json
from knm.models import ModelIdentity

KEYS_NAME: Final = "keys.npy"
VALUES_NAME: Final = "vals.npy"
PROVENANCE_NAME: Final = "provenance.npy"
LIKELY_NAME: Final = "likely.npy"
_TRIES: Final = 3
_PAUSE_SECONDS: Final = 0.02

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Datastore:
    """An open datastore of `count` rows.

    `keys` (count, dim) as stored (see `read_keys`), `values` (count,) int32 token ids,
    `provenance` (count,) with the fields of `PROVENANCE_DTYPE`; all read-only memory maps, but
    for the provenance of a datastore of an earlier format, which is a copy in memory.
    `records` are the corpus records that `provenance["record"]` counts, `projection` is what the
    keys went through. `likely` (count,) with the fields of `LIKELY_DTYPE` is what the LM held
    likeliest at each entry, whatever its key became since; None where that is not stored.
    """

    path: Path
    manifest: Manifest
    keys: Array
    values: Array
    provenance: Array
    records: Sequence[RecordOrigin]
    projection: Projection | None = None
    likely: Array | None = None

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        expect: ModelIdentity | None = None,
        key_kind: str | None = None,
        unfinished: bool = False,
    ) -> "Datastore":
        """Open the datastore in directory `path`, with `unfinished` also what a killed run left.

        Raises:
            UserError: it is missing, damaged or unfinished; a newer knm wrote it; or it belongs to
                another model, tokenizer or key kind than expected.
        """
        directory = Path(path)
        manifest = Manifest.load(directory)
        if not manifest.finished and not unfinished:
            raise UserError(
                f"{directory}: unfinished, {manifest.count} rows so far: run {_maker(manifest)} "
                "again with the same options to resume it"
            )
        if expect is not None:
            _check_model(directory, manifest.model, expect)
        if key_kind is not None:
            check_key_kind(directory, manifest, key_kind)
        rows = manifest.count
        return cls(
            path=directory,
            manifest=manifest,
            keys=_map(directory / KEYS_NAME, KEY_DTYPES[manifest.key_dtype], (rows, manifest.dim)),
            values=_map(directory / VALUES_NAME, VALUE_DTYPE, (rows,)),
            provenance=_map_provenance(directory, manifest),
            records=RecordTable(directory),
            projection=_read_projection(directory, manifest),
            likely=_map_likely(directory, manifest),
        )

    def __len__(self) -> int:
        return self.manifest.count

    @property
    def record_ids(self) -> tuple[str, ...]:
        """The ids of all records."""
        return tuple(origin.id for origin in self.records)

    @property
    def content_hash(self) -> str:
        """Hash of what the entries are; set when mining ended."""
        if self.manifest.content_hash is None:
            raise UserError(f"{self.path}: unfinished datastores have no content hash")
        return self.manifest.content_hash

    @cached_property
    def groups(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Of each entry (count,) the number of its record's group; a record may be one alone."""
        return number_groups(self.records).take(self.provenance["record"])

    def expect_tokens(self, operation: str, why: str) -> None:
        """Refuse trials where an operation is for entries that are right continuations.

        Raises:
            UserError: saying why.
        """
        if self.manifest.trials is not None:
            raise UserError(
                f"{self.path}: {operation} is for datastores of tokens, and this one holds trials: "
                f"{why}"
            )

    @cached_property
    def exchanges(self) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Of each entry (count,) its two tokens as one number: the LM's own << 32 | the value."""
        predicted = self.provenance["predicted"].astype(np.int64)
        codes: np.ndarray[Any, np.dtype[np.int64]] = predicted << 32 | self.values.astype(np.int64)
        return codes

    def read_keys(self, rows: slice | Array) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Copy the keys of `rows` into memory as float32 (n, dim)."""
        return decode_keys(self.keys[rows])


def hash_content(directory: Path, manifest: Manifest) -> str:
    """Hash the entries in `directory` and what gives them meaning, not how they were made."""
    names = [KEYS_NAME, VALUES_NAME, PROVENANCE_NAME, *([LIKELY_NAME] if manifest.likely else [])]
    files = {name: hash_file(directory / name) for name in names}
    content = {
        "files": {**files, "records": hash_record_ids(directory)},
        "model": [manifest.model.weights_hash, manifest.model.tokenizer_hash],
        "keys": [manifest.key_kind, manifest.layer, manifest.key_dtype, manifest.distance],
    }
    if manifest.projection is not None:
        content["projection"] = manifest.projection.hash
    return hash_json(content)


def check_key_kind(directory: Path, manifest: Manifest, wanted: str) -> None:
    """Refuse a datastore whose keys are of another kind.

    Raises:
        UserError: naming both kinds.
    """
    if manifest.key_kind != wanted:
        raise UserError(
            f"{directory}: its keys are {manifest.key_kind!r}, the preset searches by {wanted!r}: "
            "choose another preset or datastore"
        )


def _check_model(directory: Path, mined: ModelIdentity, expected: ModelIdentity) -> None:
    for what, theirs, ours in mined.differences(expected):
        raise UserError(
            f"{directory}: mined with another model: its {what} {theirs!r} ({mined.name}), "
            f"the model's {ours!r} ({expected.name}): mine a datastore with this model, or "
            "choose the one that belongs to it"
        )


def _maker(manifest: Manifest) -> str:
    """The command that makes such a datastore."""
    if not manifest.lineage:
        return "knm mine"
    return f"knm datastore {manifest.lineage[-1]['operation']}"


def _read_projection(directory: Path, manifest: Manifest) -> Projection | None:
    info = manifest.projection
    return None if info is None else Projection.load(directory, info)


def _map_likely(directory: Path, manifest: Manifest) -> Array | None:
    if not manifest.likely:
        return None
    return _map(directory / LIKELY_NAME, LIKELY_DTYPE, (manifest.count,))


def _map_provenance(directory: Path, manifest: Manifest) -> Array:
    path, shape = directory / PROVENANCE_NAME, (manifest.count,)
    if manifest.format_version >= TRIALS_VERSION:
        return _map(path, PROVENANCE_DTYPE, shape)
    names = [name for name in PROVENANCE_DTYPE.names or () if name not in TRIAL_FIELDS]
    fields = np.dtype([(name, PROVENANCE_DTYPE[name]) for name in names])
    stored = _map(path, fields, shape)
    provenance = np.zeros(len(stored), PROVENANCE_DTYPE)
    for name in names:
        provenance[name] = stored[name]
    provenance.flags.writeable = False
    return provenance


def _load(path: Path) -> Array:
    for _ in range(_TRIES):
        try:
            array: Array = np.load(path, mmap_mode="r")
        except FileNotFoundError:
            raise UserError(f"{path}: missing from the datastore: mine it again") from None
        except ValueError as error:
            # A run that goes on just then cuts off rows that do not count; the header was read
            # before, the file's length behind.
            failure = error
            time.sleep(_PAUSE_SECONDS)
        else:
            return array
    raise UserError(f"{path}: damaged: {failure}: mine the datastore again")


def _map(path: Path, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    array = _load(path)
    if array.dtype != dtype or array.shape[1:] != shape[1:] or len(array) < shape[0]:
        raise UserError(
            f"{path}: holds {array.shape} {array.dtype}, the manifest says {shape} {dtype}: "
            "mine the datastore again"
        )
    # A writer killed between the file's commit and the manifest's leaves rows that do not count.
    return array[: shape[0]]
