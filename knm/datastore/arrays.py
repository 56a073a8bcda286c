"""Growing plain `.npy` files: append, then commit.

The header of a `.npy` file has room for its first dimension to grow, so a commit rewrites it in
place. A reader therefore sees committed rows only, at any moment and with `numpy.load` alone; what
a killed writer left behind the last commit is cut off when the file is next opened for writing.
"""

import io
import os
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np

from knm.errors import UserError, named

PROVENANCE_DTYPE: Final = np.dtype(
    [
        ("record", "<i4"),  # index into records.jsonl
        ("offset", "<i4"),  # of the value in the example's token ids
        ("predicted", "<i4"),  # the LM's argmax
        ("probability", "<f4"),  # that the LM gave to it
        ("copied", "?"),  # whether the value is a word that stands earlier in its text
        ("outcome", "i1"),  # of a trial: +1 gained the problem, -1 lost it; else 0
        ("crash", "i1"),  # of a trial: -1 mended a crash, +1 made one; else 0
    ]
)
LIKELY: Final = 8
"""Of so many tokens of each entry it is stored how likely the LM held them."""
# float32, so that the first is to the bit what the provenance says; a row fills a line of a cache,
# and a key takes ten times that and more.
LIKELY_DTYPE: Final = np.dtype(
    [
        ("tokens", "<i4", (LIKELY,)),  # the likeliest first; -1 beyond the vocabulary
        ("probabilities", "<f4", (LIKELY,)),  # by the LM's own softmax; 0 beyond the vocabulary
    ]
)
TRIAL_FIELDS: Final = ("outcome", "crash")
# Stored and decoded key types. bfloat16 is no NumPy type: its bits are stored.
KEY_DTYPES: Final = {"float16": np.dtype("<f2"), "bfloat16": np.dtype("<u2")}
VALUE_DTYPE: Final = np.dtype("<i4")


def decode_keys(stored: np.ndarray[Any, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Copy stored keys, float16 or bfloat16 bits, as float32."""
    if stored.dtype == KEY_DTYPES["bfloat16"]:
        return (stored.astype(np.uint32) << 16).view(np.float32)
    return stored.astype(np.float32)


def encode_keys(keys: np.ndarray[Any, Any], key_dtype: str) -> np.ndarray[Any, Any]:
    """Float32 keys as they are stored, rounded to the nearest.

    Raises:
        UserError: a value is not finite in that dtype.
    """
    with np.errstate(over="ignore"):
        stored = (
            _bfloat16_bits(keys) if key_dtype == "bfloat16" else keys.astype(KEY_DTYPES[key_dtype])
        )
    if not np.isfinite(decode_keys(stored)).all():
        raise UserError(
            f"a key is not finite in {key_dtype}: mine with {named('key_dtype')} bfloat16, whose "
            "range is that of float32, and check that the model itself gives finite outputs"
        )
    return stored


def _bfloat16_bits(keys: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The upper halves of float32 numbers, rounded to the nearest, to even in the middle."""
    bits = np.ascontiguousarray(keys, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(KEY_DTYPES["bfloat16"])


class AppendableArray:
    """A `.npy` file of rows that is written from front to back. Close it after use."""

    def __init__(
        self, path: Path, dtype: np.dtype[Any], row_shape: tuple[int, ...], count: int
    ) -> None:
        """Open `path` to append after its first `count` rows; make it where `count` is 0.

        Raises:
            UserError: the file holds fewer than `count` rows.
        """
        self._dtype = dtype
        self._row_shape = row_shape
        self._row_bytes = dtype.itemsize * int(np.prod(row_shape, dtype=np.int64))
        self._count = count
        self._header_bytes = len(self._header(0))
        end = self._header_bytes + count * self._row_bytes
        size = path.stat().st_size if path.exists() else 0
        if count and size < end:
            raise UserError(
                f"{path}: damaged, it ends before row {count}: remove the directory and mine again"
            )
        self._file: BinaryIO = path.open("r+b" if count else "w+b")
        # In this order: a header that promises rows beyond the end of the file cannot be read.
        self.commit()
        self._file.truncate(end)
        self._file.seek(end)

    def append(self, rows: np.ndarray[Any, Any]) -> None:
        """Add `rows` (n, *row_shape); no reader sees them before the commit."""
        assert (rows.dtype, rows.shape[1:]) == (self._dtype, self._row_shape)
        self._file.write(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)
        self._count += len(rows)

    def commit(self) -> None:
        """Make the rows appended so far part of the file, durably."""
        self._file.flush()
        self._file.seek(0)
        self._file.write(self._header(self._count))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file; rows that were not committed stay invisible."""
        self._file.close()

    def _header(self, count: int) -> bytes:
        buffer = io.BytesIO()
        description = {
            "descr": np.lib.format.dtype_to_descr(self._dtype),
            "fortran_order": False,
            "shape": (count, *self._row_shape),
        }
        np.lib.format.write_array_header_1_0(buffer, description)
        return buffer.getvalue()
