"""Opening a Faiss index and searching it."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final

import torch
from torch import Tensor

from knm.datastore.exact import sort_neighbours, stored_keys
from knm.datastore.manifest import IndexInfo
from knm.datastore.store import Datastore
from knm.errors import UserError

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

    def search(self, queries: Tensor, k: int) -> tuple[Tensor, Tensor]:
        """Find k neighbours of `queries` (B, D) float32 on the CPU.

        Returns squared distances (B, k) float32, ascending, and ids (B, k) int64; -1 at infinite
        distance where nothing was found or the query is not finite. A row's result is the same to
        the bit whatever the other rows are. Where the index holds codes in place of keys,
        distances are measured to the stored keys.
        """
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

    def _measure(self, queries: Tensor, ids: Tensor) -> Tensor:
        """Squared distances (B, C) of queries (B, D) to the stored keys `ids` (B, C)."""
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
    remedy = f"run knm index --kind {kind} on it, or use the torch searcher"
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
