"""Faiss indexes over a datastore's keys: building, adopting, opening and searching them.

Faiss and torch are loaded to do so, not before: their import takes seconds.
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from knm.datastore.faiss_kinds import (
    KINDS,
    IndexOptions,
    TrainedIndex,
    kind_of,
    options_made,
    train_index,
)
from knm.datastore.manifest import IndexInfo, Manifest
from knm.datastore.store import Datastore
from knm.errors import UserError
from knm.progress import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

_CHUNK_ROWS: Final = 65_536
_RECALL_SAMPLE: Final = 500
_RECALL_K: Final = 16
# Faiss takes fewer than 20 queries one by one and larger batches through matrix products, which
# round differently. A query alone must find what it finds among others.
_AT_ONCE: Final = 16


def import_faiss() -> ModuleType:
    """Import Faiss where it is used, so that all else works without it.

    Raises:
        UserError: it is not installed.
    """
    try:
        import faiss
    except ImportError:
        raise UserError(
            "Faiss is not installed: python -m pip install faiss-cpu, or search with the torch "
            "searcher, which needs no index"
        ) from None
    module: ModuleType = faiss
    return module


@dataclass(frozen=True)
class OpenIndex:
    """A Faiss index over the keys of `datastore`, set to search as `info` says."""

    datastore: Datastore
    index: Any
    info: IndexInfo

    def __post_init__(self) -> None:
        if self.info.nprobe is not None:
            self.index.nprobe = self.info.nprobe
        if self.info.ef is not None:
            self.index.hnsw.efSearch = self.info.ef

    def search(self, queries: "Tensor", k: int) -> "tuple[Tensor, Tensor]":
        """Find k neighbours of `queries` (B, D) float32 on the CPU.

        Returns squared distances (B, k) float32, ascending, and ids (B, k) int64; -1 at infinite
        distance where nothing was found or the query is not finite. A row's result is the same to
        the bit whatever the other rows are. Where the index holds codes in place of keys,
        distances are measured to the stored keys.
        """
        import torch

        from knm.datastore.exact import sort_neighbours

        lost = ~queries.isfinite().all(-1, keepdim=True)
        asked = queries.masked_fill(lost, 0.0)
        wanted = k * (self.info.refine or 1)
        distances = torch.empty((len(asked), wanted))
        ids = torch.empty((len(asked), wanted), dtype=torch.int64)
        for start in range(0, len(asked), _AT_ONCE):
            piece = slice(start, start + _AT_ONCE)
            near, labels = self.index.search(asked[piece].numpy(), wanted)
            distances[piece], ids[piece] = torch.from_numpy(near), torch.from_numpy(labels)
            if self.info.refine is not None:
                distances[piece] = self._measure(asked[piece], ids[piece])
        ids.masked_fill_(lost, -1)
        distances, ids = sort_neighbours(distances.clamp_min(0.0), ids)
        return distances[:, :k], ids[:, :k]

    def _measure(self, queries: "Tensor", ids: "Tensor") -> "Tensor":
        """Squared distances (B, C) of queries (B, D) to the stored keys `ids` (B, C)."""
        from knm.datastore.exact import stored_keys

        keys = stored_keys(self.datastore, ids.clamp_min(0))
        return (keys - queries[:, None]).square_().sum(-1)


def open_index(datastore: Datastore, kind: str) -> OpenIndex:
    """Open the index `kind` of `datastore`, memory-mapped where Faiss can.

    Raises:
        UserError: it was not built, does not fit the datastore, or no Faiss.
    """
    faiss = import_faiss()
    info = datastore.manifest.indexes.get(kind)
    path = datastore.path / (f"{kind}.index" if info is None else info.file)
    remedy = f"run `knm index --kind {kind}` on it, or use the torch searcher"
    if info is None or not path.is_file():
        raise UserError(f"{datastore.path}: has no {kind} index: {remedy}")
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        raise UserError(f"{path}: damaged: {str(error).splitlines()[-1]}: {remedy}") from None
    if index.ntotal != len(datastore) or index.d != datastore.manifest.dim:
        raise UserError(
            f"{path}: indexes {index.ntotal} rows of {index.d}, the datastore has "
            f"{len(datastore)} of {datastore.manifest.dim}: {remedy}"
        )
    return OpenIndex(datastore, index, info)


def build_index(datastore: Datastore, kind: str, options: IndexOptions | None = None) -> Path:
    """Build the index `kind`, an `IndexKind`, and note it in the manifest.

    The manifest gets what was built and its recall@16 against exact search, for 500 stored keys
    moved as far as unseen text lies from them. Open the datastore again to use the index.

    Raises:
        UserError: `datastore` holds trials, unknown kind, an option that does not fit, no rows, or
            no Faiss.
    """
    datastore.expect_tokens("an index", "they are searched exactly, among those of one exchange")
    if len(datastore) == 0:
        raise UserError(f"{datastore.path}: empty, there is nothing to index")
    options = options or IndexOptions()
    faiss = import_faiss()
    empty = train_index(faiss, datastore, kind, options)
    index = empty.index
    starts = range(0, len(datastore), _CHUNK_ROWS)
    for start in progress_bar(starts, label=f"indexing {kind}", total=len(starts)):
        index.add(datastore.read_keys(slice(start, start + _CHUNK_ROWS)))
    return _keep(datastore, kind, empty, options.seed)


def adopt_index(datastore: Datastore, index: Any, source: Path) -> str:
    """Keep an index of these keys that another program made, read from `source`; its kind.

    Raises:
        UserError: it is of no kind that is known, does not hold these rows, or measures otherwise.
    """
    faiss = import_faiss()
    remedy = "leave it out, and build one with `knm index`"
    kind = kind_of(faiss, index)
    if kind is None:
        raise UserError(
            f"{source}: a {type(index).__name__}, which is none of {', '.join(KINDS)}: {remedy}"
        )
    if index.ntotal != len(datastore) or index.d != datastore.manifest.dim:
        raise UserError(
            f"{source}: indexes {index.ntotal} rows of {index.d}, the keys are {len(datastore)} of "
            f"{datastore.manifest.dim}: {remedy}"
        )
    if index.metric_type != faiss.METRIC_L2:
        raise UserError(f"{source}: does not measure squared L2 distances: {remedy}")
    _keep(datastore, kind, TrainedIndex(index, options_made(index, kind)), seed=0)
    return kind


def _keep(datastore: Datastore, kind: str, filled: TrainedIndex, seed: int) -> Path:
    """Write a filled index, measure its recall and note it in the manifest."""
    faiss = import_faiss()
    path = datastore.path / f"{kind}.index"
    temporary = path.with_suffix(".partial")
    faiss.write_index(filled.index, str(temporary))
    temporary.replace(path)
    info = IndexInfo(
        file=path.name,
        **{"nlist": None, "nprobe": None, **filled.options},
        seed=seed,
        trained_on=filled.trained_on,
        recall_at_16=0.0,
        faiss_version=faiss.__version__,
    )
    recall = _recall(OpenIndex(datastore, filled.index, info), seed)
    info = replace(info, recall_at_16=recall)
    manifest = Manifest.load(datastore.path)  # another index may have been noted meanwhile
    replace(manifest, indexes={**manifest.indexes, kind: info}).save(datastore.path)
    return path


def _recall(opened: OpenIndex, seed: int) -> float:
    """Share of the 16 exact neighbours of moved keys that the index finds too."""
    import torch

    from knm.datastore.calibration import evenly_spaced
    from knm.datastore.exact import nearest, stored_keys, stream_chunks

    datastore = opened.datastore
    rows = evenly_spaced(np.arange(len(datastore)), _RECALL_SAMPLE)
    moved = datastore.manifest.mistake_distance_median or 0.0
    dim = datastore.manifest.dim
    noise = np.random.default_rng(seed).standard_normal((len(rows), dim), dtype=np.float32)
    queries = torch.from_numpy(
        datastore.read_keys(rows) + noise * np.float32(math.sqrt(moved / dim))
    )
    k = min(_RECALL_K, len(datastore))
    _, exact = nearest(
        queries,
        stream_chunks(datastore, _CHUNK_ROWS, torch.device("cpu")),
        lambda ids: stored_keys(datastore, ids),
        k,
    )
    _, found = opened.search(queries, k)
    hits = sum(len(np.intersect1d(a, b)) for a, b in zip(exact, found, strict=True))
    return hits / exact.numel()
