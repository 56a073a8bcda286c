"""Finding the nearest stored keys of a batch of hidden states."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final, Protocol

import torch
from torch import Tensor

from knm.datastore import Datastore, IndexInfo, IndexKind
from knm.datastore.exact import KeyChunk, nearest, padded_rows, stored_keys, stream_chunks
from knm.datastore.faiss_index import open_index
from knm.errors import UserError
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.tiles import tiles_of

# Keys per matrix product: on a CPU the scores of a tile should stay in the cache.
_CPU_CHUNK: Final = 1 << 16
# Numbers in all keys up to which exact search on a CPU costs no more than an index.
_EXACT_ON_CPU: Final = 1 << 22


class Searcher(Protocol):
    """Finds neighbours. Rows are independent of each other; rows that are not finite find none.

    `on_device` says whether a search runs wholly on a GPU, without the host.
    """

    on_device: bool

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D), of any float type, on any device."""
        ...

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids` (...,), which `search` gave: (..., D) of some float type.

        Missing neighbours (id -1) get the key of any entry, or zeros.
        """
        ...


class TorchSearcher:
    """Exact search on the CPU with all keys as float32.

    A row's result is the same to the bit whatever the other rows are. Equal distances are ordered
    by id.
    """

    on_device = False

    def __init__(self, datastore: Datastore, device: torch.device) -> None:
        self._device = device
        count, rows = len(datastore), padded_rows(len(datastore))
        self._keys = torch.zeros((rows, datastore.manifest.dim), device=device)
        self._norms = torch.full((rows,), torch.inf, device=device)
        for chunk in stream_chunks(datastore, _CPU_CHUNK, device):
            piece = slice(chunk.start, chunk.start + len(chunk.keys))
            self._keys[piece], self._norms[piece] = chunk.keys, chunk.norms
        self._values = torch.zeros(rows, dtype=torch.int64, device=device)
        self._values[:count] = torch.from_numpy(datastore.values.astype("int64"))
        self._chunks = [
            KeyChunk(start, self._keys[start:end], self._norms[start:end])
            for start in range(0, rows, _CPU_CHUNK)
            for end in (start + _CPU_CHUNK,)
        ]

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D)."""
        tiles = tiles_of(queries.to(self._device, torch.float32))
        found = [nearest(tile, self._chunks, self._keys.__getitem__, k) for tile in tiles]
        distances = torch.cat([part for part, _ in found])[: len(queries)]
        ids = torch.cat([part for _, part in found])[: len(queries)]
        values = self._values[ids.clamp_min(0)].masked_fill(ids < 0, 0)
        target = queries.device
        return Neighbours(distances.to(target), ids.to(target), values.to(target))

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids` (...,): (..., D) float32."""
        return self._keys[ids.to(self._device).clamp_min(0)].to(ids.device)


class FaissSearcher:
    """Search of a Faiss index on the CPU, where keys do not fit on the device or speed needs it.

    A row's result is the same to the bit whatever the other rows are.
    """

    on_device = False

    def __init__(self, datastore: Datastore, device: torch.device, *, kind: str) -> None:
        """Open the index; `device` is not used, results go where the queries are.

        Raises:
            UserError: the index was not built, does not fit the datastore, or no Faiss.
        """
        del device
        self._index = open_index(datastore, kind)
        self._values = torch.from_numpy(datastore.values.astype("int64"))

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D)."""
        distances, ids = self._index.search(queries.detach().to("cpu", torch.float32), k)
        values = self._values[ids.clamp_min(0)].masked_fill(ids < 0, 0)
        target = queries.device
        return Neighbours(distances.to(target), ids.to(target), values.to(target))

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids` (...,), read from the datastore's file: (..., D) float32."""
        return stored_keys(self._index.datastore, ids.clamp_min(0))


def _exact(datastore: Datastore, device: torch.device) -> Searcher:
    if device.type != "cuda":
        return TorchSearcher(datastore, device)
    from knm.retrieval.device_search import DeviceSearcher

    return DeviceSearcher(datastore, device)


SEARCHERS: Final[Mapping[str, Callable[[Datastore, torch.device], Searcher]]] = {
    "torch": _exact,
    **{f"faiss-{kind}": partial(FaissSearcher, kind=kind) for kind in IndexKind},
}


AUTO: Final = "auto"
# Indexes that `auto` takes where exact search is too slow, the most exact first.
_APPROXIMATE: Final = (IndexKind.IVF, IndexKind.HNSW, IndexKind.IVF_PQ)


@dataclass(frozen=True)
class SearcherChoice:
    """A searcher's name, and a line that says what it is and why it was taken."""

    name: str
    line: str


def choose_searcher(name: str, datastore: Datastore, device: torch.device | str) -> SearcherChoice:
    """Resolve `name`: for `auto` exact search where keys fit and are few enough, else an index.

    Raises:
        UserError: unknown name.
    """
    if name != AUTO:
        if name not in SEARCHERS:
            known = ", ".join((AUTO, *SEARCHERS))
            raise UserError(f"searcher {name!r}: unknown; choose one of {known}")
        return SearcherChoice(name, f"kNN search: {name}, as asked for")
    device = torch.device(device)
    rows, dim = len(datastore), datastore.manifest.dim
    size = f"{rows:,} keys x {dim}"
    indexes = datastore.manifest.indexes
    if device.type == "cpu":
        exact, slow = rows * dim <= _EXACT_ON_CPU, "exact search would outlast the model's own step"
    else:
        free, _ = torch.cuda.mem_get_info(device)
        exact, slow = rows * dim * 2 <= free // 2, "the keys do not fit on the device"
    if exact:
        return SearcherChoice("torch", f"kNN search: torch, exact, {size} on {device}")
    for kind in _APPROXIMATE:
        if kind in indexes:
            chosen, told = f"faiss-{kind}", _describe_index(indexes[kind])
            return SearcherChoice(chosen, f"kNN search: {chosen}, {size}, {told} ({slow})")
    if device.type != "cpu" and "flat" in indexes:
        return SearcherChoice("faiss-flat", f"kNN search: faiss-flat, exact, {size} ({slow})")
    remedy = f"`knm index {datastore.path} --kind ivf` makes it faster"
    return SearcherChoice("torch", f"kNN search: torch, exact, {size}; {remedy}")


def _describe_index(info: IndexInfo) -> str:
    parts = [] if info.nlist is None else [f"{info.nprobe} of {info.nlist} lists"]
    if info.refine is not None:
        parts.append(f"{info.refine} candidates measured a neighbour")
    if info.ef is not None:
        parts.append(f"{info.ef} keys in view")
    return ", ".join([*parts, f"recall@16 {info.recall_at_16:.4f}"])


def open_searcher(name: str, datastore: Datastore, device: torch.device | str) -> Searcher:
    """Open the searcher `name` (not `auto`) over `datastore`, on `device` if it can be there.

    Raises:
        UserError: unknown name, or the datastore lacks the index it needs.
    """
    if name not in SEARCHERS:
        raise UserError(f"searcher {name!r}: unknown; choose one of {', '.join(SEARCHERS)}")
    return SEARCHERS[name](datastore, torch.device(device))
