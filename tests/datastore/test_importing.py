"""Datastores of files that another program left, made here as such programs make them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from knm.datastore import Datastore
from knm.datastore.faiss_index import open_index
from knm.datastore.importing import (
    BLOCK,
    UNKNOWN_TOKEN,
    Imported,
    ImportOptions,
    import_datastore,
    import_index,
)
from knm.errors import UserError
from tests.datastore.tiny import tiny_model

IDENTITY = tiny_model().identity
WIDTH = IDENTITY.hidden_size
ROWS = 3 * BLOCK + 5
OPTIONS = ImportOptions(IDENTITY)
DRAW = np.random.default_rng(0)
KEYS = DRAW.standard_normal((ROWS, WIDTH)).astype(np.float16)
VALUES = DRAW.integers(0, IDENTITY.vocab_size, ROWS)


def take_in(files: tuple[Path, Path], out: Path, options: ImportOptions = OPTIONS) -> Imported:
    keys, values = files
    return import_datastore(keys, values, out, options)


@pytest.fixture
def files(tmp_path):
    """Write keys and values, as `.npy` files or as plain arrays."""

    def write(keys=KEYS, values=VALUES, *, header: bool = True):
        paths = tmp_path / "keys.npy", tmp_path / "vals.npy"
        for path, array in zip(paths, (keys, values), strict=True):
            if header:
                np.save(path, array)
            else:
                array.tofile(path)
        return paths

    return write


@pytest.mark.parametrize("key_type", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("value_type", [np.int16, np.int32, np.int64])
@pytest.mark.parametrize("header", [True, False])
def test_entries_are_those_of_the_files(files, tmp_path, key_type, value_type, header):
    written = files(KEYS.astype(key_type), VALUES.astype(value_type)[:, None], header=header)
    options = replace(OPTIONS, rows=None if header else ROWS)
    imported = take_in(written, tmp_path / "out", options)
    store = Datastore.open(tmp_path / "out", expect=IDENTITY)
    np.testing.assert_array_equal(store.keys, KEYS)
    np.testing.assert_array_equal(store.values, VALUES)
    assert imported.unused == 0
    assert (store.provenance["predicted"] == UNKNOWN_TOKEN).all()
    assert store.likely is None
    assert len(store.records) == 4
    calibration = store.manifest.calibration
    assert calibration is not None
    assert calibration.mistake_distance_median is not None
    assert calibration.mistake_distance_median > 0


def test_rows_that_were_allocated_and_never_written_are_left_out(files, tmp_path):
    keys = np.concatenate([KEYS, np.zeros((9, WIDTH), np.float16)])
    values = np.concatenate([VALUES, np.zeros(9, np.int64)])
    imported = take_in(files(keys, values), tmp_path / "out", OPTIONS)
    assert (len(imported.datastore), imported.unused) == (ROWS, 9)


def test_an_index_comes_along_with_its_recall_measured(files, tmp_path):
    flat, inner = faiss.IndexFlatL2(WIDTH), faiss.IndexFlatIP(WIDTH)
    lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(WIDTH), WIDTH, 4)
    lists.train(KEYS.astype(np.float32))
    lists.nprobe = 2
    short = faiss.IndexFlatL2(WIDTH)
    index: Any
    for index, rows in ((flat, ROWS), (inner, ROWS), (lists, ROWS), (short, 7)):
        index.add(KEYS[:rows].astype(np.float32))
    imported = take_in(files(), tmp_path / "out", OPTIONS).datastore
    path = tmp_path / "their.index"

    def take(index) -> str:
        faiss.write_index(index, str(path))
        return import_index(imported, path)

    assert (take(flat), take(lists)) == ("flat", "ivf")
    store = Datastore.open(tmp_path / "out")
    assert store.manifest.indexes["flat"].recall_at_16 == pytest.approx(1.0, abs=0.01)
    assert (store.manifest.indexes["ivf"].nlist, store.manifest.indexes["ivf"].nprobe) == (4, 2)
    assert open_index(store, "ivf").index.ntotal == ROWS
    for index, said in (
        (inner, "does not measure squared L2"),
        (short, "indexes 7 rows"),
        (faiss.IndexLSH(WIDTH, 16), "a IndexLSH, which is none of flat, ivf"),
    ):
        with pytest.raises(UserError, match=said):
            take(index)
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match="no Faiss index"):
        import_index(imported, path)


@pytest.mark.parametrize(
    ("keys", "values", "said"),
    [
        (KEYS[:, :-1], VALUES, f"{WIDTH - 1} dimensions; final-norm of .* has {WIDTH}"),
        (KEYS[:-1], VALUES, f"holds {ROWS - 1} keys and .* {ROWS} values"),
        (KEYS, VALUES - IDENTITY.vocab_size, "row 0 holds -.*, no token id of"),
        (KEYS, VALUES + IDENTITY.vocab_size, "row 0 holds .*, no token id of"),
        (KEYS.astype(np.int32), VALUES, "keys are floating-point numbers"),
        (KEYS, VALUES.astype(np.float32), "values are token ids"),
        (KEYS[0], VALUES, "of shape .* keys are"),
        (KEYS * 0, VALUES, "no key but zeros"),
        (KEYS.astype(np.float32) * 1e6, VALUES, "not finite in float16: give key_dtype bfloat16"),
    ],
)
def test_files_that_do_not_fit_say_why(files, tmp_path, keys, values, said):
    with pytest.raises(UserError, match=said):
        take_in(files(keys, values), tmp_path / "out", OPTIONS)


def test_plain_arrays_need_their_rows(files, tmp_path):
    written = files(header=False)
    with pytest.raises(UserError, match="without a header: say how many rows it has with rows"):
        take_in(written, tmp_path / "out", OPTIONS)
    with pytest.raises(UserError, match="bytes are not 7 rows of 1 numbers of int16"):
        take_in(written, tmp_path / "out", replace(OPTIONS, rows=7))


def test_a_pickle_is_not_run(tmp_path):
    path = tmp_path / "keys.npy"
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    np.save(tmp_path / "vals.npy", VALUES)
    with pytest.raises(UserError, match="cannot be read as an array"):
        import_datastore(path, tmp_path / "vals.npy", tmp_path / "out", OPTIONS)
    with pytest.raises(UserError, match="cannot be read as an array"):
        import_datastore(tmp_path / "nope", tmp_path / "vals.npy", tmp_path / "out", OPTIONS)
