"""A datastore whose keys went through a projection, such as a PCA.

The PCA is the projection to few dimensions that keeps most of what tells keys apart.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.arrays import encode_keys
from knm.datastore.edit import edited_manifest, lineage_entry, slices, write_edited
from knm.datastore.projection import Projection
from knm.datastore.store import Array, Datastore
from knm.datastore.writer import Rows
from knm.errors import UserError, named

if TYPE_CHECKING:
    import torch

TRAINING_ROWS: Final = 65_536
_CHUNK: Final = 8192
_LEAST_VARIANCE: Final = 1e-9  # of the largest; less is rounding


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
        "a projection", f"their keys are whitened; mine them again with another {named('dim')}"
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
        return replace(Rows.of(source, piece), keys=keys)

    return write_edited(
        out,
        manifest,
        source.records,
        len(pieces),
        make,
        projection=whole,
        device=device,
    )


@dataclass(frozen=True)
class PCAOptions:
    """To `dim` dimensions, trained on `training_rows` entries that `seed` draws.

    `whiten` gives every dimension variance 1, so that distances are Mahalanobis distances.
    """

    dim: int
    whiten: bool = False
    training_rows: int = TRAINING_ROWS
    seed: int = 0


def train_pca(source: Datastore, options: PCAOptions) -> tuple[Projection, float]:
    """The projection, and the share of the sampled keys' variance that it keeps.

    Raises:
        UserError: a number is out of range, or keys have variance in too few dimensions to whiten.
    """
    width, rows = source.manifest.dim, len(source)
    if not 1 <= options.dim <= width:
        raise UserError(f"{named('dim')} {options.dim}: must be from 1 to the keys' width, {width}")
    if options.training_rows < 2 or rows < 2:
        raise UserError(f"{source.path}: a PCA needs at least 2 entries, and there are {rows}")
    sample = np.random.default_rng(options.seed).permutation(rows)[: options.training_rows]
    sample.sort()  # a memory map is read fastest from front to back
    axes = principal_axes(lambda: _chunks(source, sample))
    if options.whiten and axes.real < options.dim:
        raise UserError(
            f"{named('whiten')}: the keys vary in {axes.real} dimensions, and {named('dim')} "
            f"is {options.dim}: choose at most {axes.real}"
        )
    whole = axes.variances.sum()
    explained = float(axes.variances[: options.dim].sum() / whole) if whole else 1.0
    return axes.projection("pca", options.dim, whiten=options.whiten), explained


@dataclass(frozen=True)
class PrincipalAxes:
    """The mean (D,) of keys and their principal axes, the columns of `directions` (D, D).

    `variances` (D,) along them, the largest first; `real` are so many that are no rounding.
    """

    mean: Array
    directions: Array
    variances: Array

    @property
    def real(self) -> int:
        """In how many dimensions the keys vary."""
        least = _LEAST_VARIANCE * self.variances[0]
        return int((self.variances > least).sum()) if self.variances.any() else 0

    def projection(self, kind: str, dim: int, *, whiten: bool) -> Projection:
        """To the first `dim` axes; `whiten`, for at most `real` of them, makes variances 1."""
        matrix = self.directions[:, :dim]
        if whiten:
            matrix = matrix / np.sqrt(self.variances[:dim])
        return Projection(kind, self.mean.astype(np.float32), matrix.astype(np.float32))


def principal_axes(chunks: Callable[[], Iterable[Array]]) -> PrincipalAxes:
    """The principal axes of keys; `chunks` gives them, (m, D) float64 each, as often as asked."""
    rows = sum(len(chunk) for chunk in chunks())
    mean = sum(chunk.sum(0) for chunk in chunks()) / rows
    covariance = sum((chunk - mean).T @ (chunk - mean) for chunk in chunks()) / max(1, rows - 1)
    variances, axes = np.linalg.eigh(covariance)
    axes = axes[:, ::-1]
    # An axis has two directions; take the one in which its largest component is positive.
    signs = np.sign(axes[np.abs(axes).argmax(0), np.arange(axes.shape[1])])
    return PrincipalAxes(mean, axes * signs, variances[::-1].clip(0))


def pca_datastore(
    source: Datastore, out: Path, options: PCAOptions, *, device: "torch.device | str" = "cpu"
) -> Datastore:
    """Train a PCA on `source` and write it with projected keys to the directory `out`.

    The lineage tells the share of variance that is kept.

    Raises:
        UserError: as `train_pca` and `project_datastore`.
    """
    projection, explained = train_pca(source, options)
    arguments: dict[str, Any] = {
        "whiten": options.whiten,
        "trained_on": min(options.training_rows, len(source)),
        "seed": options.seed,
        "explained_variance": explained,
    }
    return project_datastore(source, projection, out, arguments=arguments, device=device)


def _chunks(source: Datastore, rows: Array) -> Iterator[np.ndarray[Any, np.dtype[np.float64]]]:
    for start in range(0, len(rows), _CHUNK):
        yield source.read_keys(rows[start : start + _CHUNK]).astype(np.float64)
