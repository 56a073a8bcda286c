"""A datastore of files that other programs of the kNN-LM family leave: keys, values, Faiss index.

Accepted: keys `(rows, dim)` of float16, float32 or float64 and values `(rows,)` or `(rows, 1)` of
integers, as `.npy` files or as plain arrays without a header (`numpy.memmap`), whose number of rows
has to be told. What such files do not tell, their user has to: the model, and which of its states
the keys are. Nobody wrote down what the LM had said at an entry, nor which program it is from: an
entry counts as a mistake of the LM, and runs of `BLOCK` rows as a record each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

import knm
from knm.datastore.arrays import PROVENANCE_DTYPE, VALUE_DTYPE, encode_keys
from knm.datastore.edit import slices, write_edited
from knm.datastore.manifest import Manifest
from knm.datastore.origins import RecordOrigin
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Rows
from knm.errors import UserError, named
from knm.hashing import hash_file, hash_json
from knm.models import FINAL_NORM, ModelIdentity
from knm.models.keys import parse_key_kind

BLOCK: Final = 64
"""Rows that count as one record: neighbours from the same program are then mostly left out where
distances to other records are measured."""

UNKNOWN_TOKEN: Final = -1

_MAGIC: Final = b"\x93NUMPY"
_FLOATS: Final = {2: "float16", 4: "float32", 8: "float64"}
_INTEGERS: Final = {2: "int16", 4: "int32", 8: "int64"}


@dataclass(frozen=True)
class ImportOptions:
    """What the files do not tell. `rows` is needed where they have no header."""

    model: ModelIdentity
    key_kind: str = FINAL_NORM
    key_dtype: str = "float16"
    rows: int | None = None


@dataclass(frozen=True)
class Imported:
    """The datastore, and how many rows at the end of the files were never written."""

    datastore: Datastore
    unused: int


def import_datastore(keys: Path, values: Path, out: Path, options: ImportOptions) -> Imported:
    """Write the datastore that two files describe to the directory `out`.

    Rows at the end whose keys are all zero are left out: a store that was allocated ahead.

    Raises:
        UserError: a file is missing, malformed, or does not fit the other or the model; or `out`
            holds another datastore.
    """
    width = parse_key_kind(options.key_kind).width(options.model.hidden_size)
    stored_values = _open_values(values, options.rows)
    stored_keys = _open_keys(keys, width, options.rows)
    if stored_keys.shape[1] != width:
        raise UserError(
            f"{keys}: keys of {stored_keys.shape[1]} dimensions; {options.key_kind} of "
            f"{options.model.name} has {width}: name the model and {named('key_kind')} that they "
            "are of"
        )
    if len(stored_keys) != len(stored_values):
        raise UserError(
            f"{keys} holds {len(stored_keys)} keys and {values} {len(stored_values)} values: give "
            "files of one store"
        )
    rows = _used(stored_keys)
    if not rows:
        raise UserError(f"{keys}: holds no key but zeros")
    _check_values(stored_values[:rows], values, options.model)
    pieces = slices(rows)

    def make(step: int) -> Rows:
        piece = pieces[step]
        places = np.arange(piece.start, piece.stop)
        provenance = np.zeros(len(places), PROVENANCE_DTYPE)
        provenance["record"], provenance["offset"] = np.divmod(places, BLOCK)
        provenance["predicted"] = UNKNOWN_TOKEN
        read = np.asarray(stored_keys[piece], np.float32)
        try:
            written = encode_keys(read, options.key_dtype)
        except UserError:
            raise UserError(
                f"{keys}: a key of rows {piece.start} to {piece.stop} is not finite in "
                f"{options.key_dtype}: give {named('key_dtype')} bfloat16, or mend the store"
            ) from None
        return Rows(written, np.asarray(stored_values[piece]).astype(VALUE_DTYPE), provenance)

    files = {"keys": hash_file(keys), "values": hash_file(values)}
    manifest = Manifest(
        model=options.model,
        key_dtype=options.key_dtype,
        dim=width,
        capacity=rows,
        corpus_hash=hash_json(files),
        examples_hash=hash_json([files, BLOCK, rows]),
        mining={"imported": {"keys": keys.name, "values": values.name}},
        packages={"knm": knm.__version__, "numpy": np.__version__},
        key_kind=options.key_kind,
    )
    origins = [RecordOrigin(f"rows-{start}", source="imported") for start in range(0, rows, BLOCK)]
    made = write_edited(out, manifest, origins, len(pieces), make)
    return Imported(made, len(stored_keys) - rows)


def _open_keys(path: Path, width: int, rows: int | None) -> Array:
    found = _open(path, _FLOATS, width, rows)
    if found.ndim != 2 or found.dtype.kind != "f":
        raise UserError(
            f"{path}: holds {found.dtype} of shape {found.shape}; keys are floating-point numbers "
            "of shape (rows, dimensions)"
        )
    return found


def _open_values(path: Path, rows: int | None) -> Array:
    found = _open(path, _INTEGERS, 1, rows)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1 or found.dtype.kind not in "iu":
        raise UserError(
            f"{path}: holds {found.dtype} of shape {found.shape}; values are token ids of shape "
            "(rows,)"
        )
    return found


def _open(path: Path, by_size: dict[int, str], width: int, rows: int | None) -> Array:
    """The file as an array, not read yet; of a plain one the type follows from its size."""
    try:
        with path.open("rb") as file:
            has_header = file.read(len(_MAGIC)) == _MAGIC
        if has_header:
            opened: Array = np.load(path, mmap_mode="r", allow_pickle=False)
            return opened if rows is None else opened[:rows]
        size = path.stat().st_size
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: cannot be read as an array: {error}") from None
    if rows is None:
        raise UserError(
            f"{path}: an array without a header: say how many rows it has with {named('rows')}"
        )
    bytes_each, rest = divmod(size, rows * width)
    if rest or bytes_each not in by_size:
        known = " or ".join(by_size.values())
        raise UserError(
            f"{path}: {size} bytes are not {rows} rows of {width} numbers of {known}; check "
            f"{named('rows')}, {named('model')} and {named('key_kind')}"
        )
    return np.memmap(path, by_size[bytes_each], "r", shape=(rows, width))


def _used(keys: Array) -> int:
    """The number of rows up to the last that is not all zeros."""
    for piece in reversed(slices(len(keys))):
        written = np.flatnonzero(np.asarray(keys[piece]).any(axis=1))
        if len(written):
            return int(piece.start) + int(written[-1]) + 1
    return 0


def _check_values(values: Array, path: Path, model: ModelIdentity) -> None:
    for row, value in _out_of_range(values, model.vocab_size):
        raise UserError(
            f"{path}: row {row} holds {value}, no token id of {model.name}, which has "
            f"{model.vocab_size}: name the model that the store was made with"
        )


def _out_of_range(values: Array, size: int) -> Iterator[tuple[int, int]]:
    for piece in slices(len(values)):
        read = np.asarray(values[piece])
        for place in np.flatnonzero((read < 0) | (read >= size)):
            yield piece.start + int(place), int(read[place])


def import_index(datastore: Datastore, path: Path) -> str:
    """Take a Faiss index file for a datastore's own; its recall is measured. Returns its kind.

    Raises:
        UserError: it cannot be read, is of no kind that is known, or not of these keys.
    """
    from knm.datastore.faiss_index import adopt_index, import_faiss

    faiss = import_faiss()
    try:
        index: Any = faiss.read_index(str(path))
    except RuntimeError as error:
        raise UserError(f"{path}: no Faiss index: {str(error).splitlines()[-1]}") from None
    return adopt_index(datastore, index, path)
