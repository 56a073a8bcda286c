"""Exact nearest neighbours by squared L2 distance, in torch.

Three steps, none of which synchronises with the host:
1. scores = |key|^2 - 2 query.key by one matrix product per chunk of keys (float32);
2. the k best of a chunk: the minimum of each block of keys, the k best blocks, the k best of their
   members; that is exact, and the lowest id wins among equals;
3. distances of those k again, by plain difference, because step 1 cancels digits when keys are
   long vectors; the final order is by this distance, then by id.

A query's result depends on the other queries of the same call only if the matrix product's does.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.store import Datastore

BLOCK: Final = 128
TORCH_KEYS: Final = {"float16": torch.float16, "bfloat16": torch.bfloat16}
_LOW_WORD: Final = 0xFFFFFFFF
_INFINITY_BITS: Final = 0x7F800000


@dataclass(frozen=True)
class KeyChunk:
    """Keys `start`, `start + 1`, ...: keys (C, D) float32, norms (C,) squared, groups (C,) or None.

    C is a multiple of the block size; padding rows have infinite norms.
    """

    start: int
    keys: Tensor
    norms: Tensor
    groups: Tensor | None = None

    @classmethod
    def of(cls, start: int, found: Tensor, groups: Tensor | None = None) -> "KeyChunk":
        """The chunk of keys `found` (n, D) float32, in `groups` (n,) int64 if given."""
        keys = found.new_zeros((padded_rows(len(found)), found.shape[1]))
        keys[: len(found)] = found
        norms = keys.square().sum(1)
        norms[len(found) :] = torch.inf
        members = None
        if groups is not None:
            members = torch.full((len(keys),), -1, dtype=torch.int64, device=found.device)
            members[: len(found)] = groups.to(found.device)
        return cls(start, keys, norms, members)


def padded_rows(count: int, block: int = BLOCK) -> int:
    """`count` rounded up to whole blocks, at least one."""
    return max(1, -(-count // block)) * block


def nearest(
    queries: Tensor,
    chunks: Iterable[KeyChunk],
    fetch: Callable[[Tensor], Tensor],
    k: int,
    *,
    exclude: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Find the k nearest keys of `queries` (B, D) float32.

    `fetch` maps ids (B, k) to their keys (B, k, D) float32. `exclude` (B,) names for each query the
    group of keys that must not be found. Returns squared distances (B, k) float32, ascending, and
    ids (B, k) int64; -1 at infinite distance where there are fewer than k keys or the query is not
    finite.
    """
    lost = ~queries.square().sum(1, keepdim=True).isfinite()
    queries = queries.masked_fill(lost, 0.0)
    best = torch.empty((len(queries), 0), dtype=torch.int64, device=queries.device)
    for chunk in chunks:
        scores = torch.addmm(chunk.norms, queries, chunk.keys.T, alpha=-2)
        if exclude is not None and chunk.groups is not None:
            scores.masked_fill_(chunk.groups == exclude[:, None], torch.inf)
        lows = scores.view(len(scores), -1, BLOCK).amin(-1)
        best = _smallest(torch.cat([best, _best_of_scores(scores, lows, chunk.start, k)], 1), k)
    if best.shape[1] < k:
        best = torch.nn.functional.pad(best, (0, k - best.shape[1]), value=_INFINITY_BITS << 32)
    missing = ((best >> 32) >= _INFINITY_BITS) | lost
    ids = (best & _LOW_WORD).masked_fill(missing, 0)
    distances = (fetch(ids) - queries[:, None]).square().sum(-1)
    return sort_neighbours(distances, ids.masked_fill(missing, -1))


def sort_neighbours(distances: Tensor, ids: Tensor) -> tuple[Tensor, Tensor]:
    """Order (B, k) neighbours by distance, then by id; missing ones (id -1) last, at infinity."""
    distances = distances.masked_fill(ids < 0, torch.inf)
    order = torch.argsort(_pack(distances, ids & _LOW_WORD), dim=1)
    return distances.gather(1, order), ids.gather(1, order)


def stream_chunks(
    store: Datastore,
    rows: int,
    device: torch.device,
    *,
    groups: Tensor | None = None,
) -> Iterator[KeyChunk]:
    """Read a datastore's keys in chunks of about `rows`, in `groups` (count,) int64 if given."""
    count, step = len(store), padded_rows(rows)
    for start in range(0, count, step):
        piece = slice(start, min(start + step, count))
        found = torch.from_numpy(store.read_keys(piece)).to(device)
        yield KeyChunk.of(start, found, None if groups is None else groups[piece])


def stored_keys(store: Datastore, ids: Tensor) -> Tensor:
    """Fetch keys by id (any shape) from the datastore's file: (*ids, D) float32."""
    stored = torch.from_numpy(store.keys[ids.cpu().numpy()].view(np.int16))
    dtype = TORCH_KEYS[store.manifest.key_dtype]
    return stored.to(ids.device).view(dtype).float()


def _best_of_scores(scores: Tensor, lows: Tensor, start: int, k: int) -> Tensor:
    """The k smallest of each row of scores (B, C), packed; `lows` (B, C / BLOCK) are minima."""
    block_ids = torch.arange(lows.shape[1], device=scores.device)
    # The blocks that hold the k smallest scores are those with the k smallest minima.
    blocks = _smallest(_pack(lows, block_ids), k) & _LOW_WORD
    inside = torch.arange(BLOCK, device=scores.device)
    members = (blocks[:, :, None] * BLOCK + inside).flatten(1)
    return _smallest(_pack(scores.gather(1, members), members + start), k)


def unpack(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Distances float32 and ids int64 of packed ones; -1 at infinite distance for missing ones."""
    distances = (packed >> 32).to(torch.int32).view(torch.float32)
    return distances, (packed & _LOW_WORD).masked_fill(distances.isinf(), -1)


def _pack(scores: Tensor, ids: Tensor) -> Tensor:
    """One int64 that orders as (score, id) do; the id is in the low word."""
    bits = scores.contiguous().view(torch.int32)
    # Negative floats order backwards by their bits: turn them round below the positive ones.
    ordered = (bits ^ ((bits >> 31) & 0x7FFFFFFF)).to(torch.int64)
    return (ordered << 32) | ids


def _smallest(packed: Tensor, k: int) -> Tensor:
    """The k smallest of each row of packed scores (B, C), ascending."""
    width = min(k, packed.shape[1])
    return torch.topk(packed, width, dim=1, largest=False, sorted=True).values
