"""The header of a GGUF file: enough to tell what model it holds, read in a moment.

The `gguf` package reads it too, but takes ten seconds for a vocabulary of 150,000 tokens, and every
process of a run wants to know its model. Weights and tokenizer are read by transformers.
"""

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from knm.errors import UserError

SUFFIX: Final = ".gguf"
VERSIONS: Final = (2, 3)

_SCALARS: Final[Mapping[int, str]] = {
    **{0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i"},
    **{6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"},
}
_STRING: Final = 8
_ARRAY: Final = 9
_MOST_DIMENSIONS: Final = 8


@dataclass(frozen=True)
class GgufHeader:
    """`values` are the metadata without arrays; `shapes` those of tensors, rows first."""

    values: Mapping[str, Any]
    shapes: Mapping[str, tuple[int, ...]]

    @property
    def architecture(self) -> str:
        """Such as `qwen2`."""
        return str(self.values.get("general.architecture", ""))

    def of_model(self, name: str) -> Any:
        """A value of the architecture's own, such as `embedding_length`; None if there is none."""
        return self.values.get(f"{self.architecture}.{name}")

    @property
    def rotations_are_scaled(self) -> bool:
        """Whether rotary positions are stretched, by a setting or by factors in a tensor."""
        kind = self.of_model("rope.scaling.type")
        return kind not in (None, "none") or any(name.startswith("rope_") for name in self.shapes)


def read_header(path: Path) -> GgufHeader:
    """Read a file's metadata and the shapes of its tensors.

    Raises:
        UserError: it cannot be read, is no GGUF file, is cut short, or is one part of several.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            header = _Reader(data).header()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, struct.error) as error:  # an empty file cannot be mapped: a ValueError
        raise UserError(f"{path}: not a sound GGUF file: {error}") from None
    parts = header.values.get("split.count", 1)
    if parts not in (0, 1):
        raise UserError(
            f"{path}: one of {parts} parts of a model: join them first (`llama-gguf-split --merge`)"
        )
    return header


class _Reader:
    """Walks through a header. What ends too early is a `struct.error`, nonsense a `ValueError`."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data = data
        self._place = 0

    def header(self) -> GgufHeader:
        if self._bytes(4) != b"GGUF":
            raise ValueError("it does not begin with GGUF")
        version = self._number("<I")
        if version not in VERSIONS:
            raise ValueError(f"its version is {version}; {VERSIONS} can be read")
        tensors, entries = self._number("<Q"), self._number("<Q")
        values = {}
        for _ in range(entries):
            name = self._text()
            value = self._value(self._number("<I"))
            if value is not None:
                values[name] = value
        shapes = {}
        for _ in range(tensors):
            name = self._text()
            dimensions = self._number("<I")
            if dimensions > _MOST_DIMENSIONS:
                raise ValueError(f"tensor {name!r:.80} has {dimensions} dimensions")
            shape = [self._number("<Q") for _ in range(dimensions)]
            self._skip(4 + 8)  # kind and place
            shapes[name] = tuple(reversed(shape))
        return GgufHeader(values, shapes)

    def _value(self, kind: int) -> Any:
        """A value of that kind; arrays are passed over and are None."""
        if kind == _STRING:
            return self._text()
        if kind != _ARRAY:
            return self._number(_format(kind))
        kind, count = self._number("<I"), self._number("<Q")
        if kind == _STRING:
            for _ in range(count):
                self._skip(self._number("<Q"))
        else:
            self._skip(count * struct.calcsize(_format(kind)))
        return None

    def _number(self, layout: str) -> Any:
        (value,) = struct.unpack_from(layout, self._data, self._place)
        self._place += struct.calcsize(layout)
        return value

    def _text(self) -> str:
        return self._bytes(self._number("<Q")).decode()

    def _bytes(self, length: int) -> bytes:
        start = self._place
        self._skip(length)
        return self._data[start : self._place]

    def _skip(self, length: int) -> None:
        if length > len(self._data) - self._place:
            raise ValueError("it is cut short")
        self._place += length


def _format(kind: int) -> str:
    if kind not in _SCALARS:
        raise ValueError(f"a value is of the unknown kind {kind}")
    return _SCALARS[kind]
