"""The map that takes hidden states to narrower keys: a PCA, one that was learned, a whitening."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import numpy as np

from knm.datastore.manifest import ProjectionInfo
from knm.errors import UserError, named
from knm.hashing import hash_bytes

PROJECTION_NAME: Final = "projection.npz"
WHITENING: Final = "whitening"
PROJECTION_KINDS: Final = ("pca", "metric", WHITENING)

Floats = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Projection:
    """Maps x (D,) to (x - mean) @ matrix, of d dimensions, and of length 1 if `unit_length`.

    `kind` is a name in `PROJECTION_KINDS`, `mean` (D,) and `matrix` (D, d) are float32. The mean
    changes no distance; it keeps the numbers small, as float16 keys want them.

    Raises:
        UserError: the shapes do not fit each other, or a number is not finite.
    """

    kind: str
    mean: Floats
    matrix: Floats

    def __post_init__(self) -> None:
        assert self.kind in PROJECTION_KINDS
        assert self.mean.dtype == self.matrix.dtype == np.float32
        if self.mean.ndim != 1 or self.matrix.shape[:1] != self.mean.shape or not self.matrix.size:
            raise UserError(
                f"projection: its mean {self.mean.shape} and its matrix {self.matrix.shape} do not "
                "fit: (D,) and (D, d) are needed"
            )
        if not (np.isfinite(self.mean).all() and np.isfinite(self.matrix).all()):
            raise UserError("projection: it holds numbers that are not finite")

    @property
    def unit_length(self) -> bool:
        """Whether results are scaled to length 1: their squared L2 distance is 2 - 2 cosine."""
        return self.kind == WHITENING

    @property
    def info(self) -> ProjectionInfo:
        """What a manifest says of it."""
        source_dim, dim = self.matrix.shape
        parts = [np.ascontiguousarray(part, "<f4").tobytes() for part in (self.mean, self.matrix)]
        name = f"{self.kind}\0{source_dim}\0{dim}\0".encode()
        return ProjectionInfo(self.kind, source_dim, dim, hash_bytes(name, *parts))

    def apply(self, keys: Floats) -> Floats:
        """Project keys (n, D) to (n, d) float32."""
        projected = np.asarray((keys - self.mean) @ self.matrix, np.float32)
        if not self.unit_length:
            return projected
        # A row of zeros, which has no direction, stays one.
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)

    def then(self, other: "Projection") -> "Projection":
        """This projection followed by `other`, as one of the other's kind.

        Raises:
            UserError: `other` does not take vectors of this one's width, or this one is not linear.
        """
        if self.unit_length:
            raise UserError(
                f"projection: keys of kind {self.kind!r} have length 1, which a further projection "
                f"would not keep: mine again with another {named('dim')}"
            )
        if len(other.mean) != self.matrix.shape[1]:
            raise UserError(
                f"projection: it takes {len(other.mean)} dimensions, the keys have "
                f"{self.matrix.shape[1]}: make it from keys of this datastore"
            )
        first, second = self.matrix.astype(np.float64), other.matrix.astype(np.float64)
        # A point that the first projection maps to the other's mean.
        back, *_ = np.linalg.lstsq(first.T, other.mean.astype(np.float64), rcond=None)
        return Projection(
            other.kind,
            (self.mean + back).astype(np.float32),
            (first @ second).astype(np.float32),
        )

    def save(self, directory: Path) -> None:
        """Write `projection.npz`, atomically."""
        partial = directory / f"{PROJECTION_NAME}.partial"
        with partial.open("wb") as file:
            np.savez(file, kind=np.array(self.kind), mean=self.mean, matrix=self.matrix)
        partial.replace(directory / PROJECTION_NAME)

    @classmethod
    def load(cls, directory: Path, expect: ProjectionInfo) -> "Projection":
        """Read the projection of the datastore in `directory`, which its manifest describes.

        Raises:
            UserError: it is missing, damaged, or not the one that the manifest names.
        """
        path = directory / PROJECTION_NAME
        remedy = "make the projected datastore again"
        try:
            with np.load(path, allow_pickle=False) as parts:
                kind = str(parts["kind"])
                mean, matrix = (np.asarray(parts[name]) for name in ("mean", "matrix"))
        except FileNotFoundError:
            raise UserError(f"{path}: missing from the datastore: {remedy}") from None
        except (BadZipFile, KeyError, OSError, ValueError) as error:
            raise UserError(f"{path}: damaged: {error}: {remedy}") from None
        if kind not in PROJECTION_KINDS or mean.dtype != np.float32 or matrix.dtype != np.float32:
            raise UserError(f"{path}: damaged: {kind!r}, {mean.dtype}, {matrix.dtype}: {remedy}")
        projection = cls(kind, mean, matrix)
        if projection.info != expect:
            raise UserError(f"{path}: not the projection that the manifest names: {remedy}")
        return projection
