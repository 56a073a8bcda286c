"""Exact search on a GPU in the dtype in which a datastore keeps its keys, and fusions there."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
import triton
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.exact import padded_rows
from knm.errors import UserError, named
from knm.models.logits import BLOCK as TOKENS
from knm.retrieval import device_kernels
from knm.retrieval.evidence import LMOutput, MixedLogits, MovedLogits
from knm.retrieval.neighbours import LikelyTable, Neighbours

_READ_ROWS: Final = 1 << 16
# Keys scored at a time: bounds the scores in memory, and what one program picks from.
_CHUNK: Final = 1 << 20
_GROUP: Final = 4  # keys of which the least score is kept
_TOGETHER: Final = 16  # groups of which it is kept once more
_PART: Final = 512  # of these that one program picks from
_MOST_NEIGHBOURS: Final = 256
_FORETOLD: Final = 64  # likely tokens that are compared with the voted ones at a time
_DTYPES: Final = {"float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class _Tile:
    """What one program of a matrix product computes, and how; scores do not depend on it."""

    queries: int
    keys: int
    num_warps: int
    num_stages: int


_SMALL_TILE: Final = _Tile(64, 128, num_warps=4, num_stages=4)
# Keys are read half as often; it needs the shared memory of a GPU for computing centres.
_LARGE_TILE: Final = _Tile(128, 256, num_warps=8, num_stages=3)
_LARGE_TILE_BYTES: Final = 160 << 10


class DeviceSearcher:
    """All keys on the GPU; nothing here waits for it, so a CUDA graph can hold a search.

    Keys stay float16 or bfloat16 as they are stored, which loses nothing: products of two such
    numbers are exact in float32. Queries are rounded to that dtype to find candidates, and the
    distances that are returned are computed in float32 from the query as it is. A row's result does
    not depend on the other rows. Equal scores are ordered by id.
    """

    on_device = True

    def __init__(self, datastore: Datastore, device: torch.device) -> None:
        count = len(datastore)
        rows = padded_rows(count, _LARGE_TILE.keys)
        dtype = _DTYPES[datastore.manifest.key_dtype]
        self._keys = torch.zeros((rows, datastore.manifest.dim), dtype=dtype, device=device)
        self._norms = torch.full((rows,), torch.inf, device=device)
        for start in range(0, count, _READ_ROWS):
            piece = slice(start, min(start + _READ_ROWS, count))
            stored = torch.from_numpy(np.array(datastore.keys[piece]).view(np.int16))
            self._keys[piece] = stored.to(device).view(dtype)
            self._norms[piece] = self._keys[piece].float().square().sum(1)
        self._values = torch.zeros(rows, dtype=torch.int64, device=device)
        self._values[:count] = torch.from_numpy(datastore.values.astype("int64"))
        self._tiles = _SMALL_TILE, _LARGE_TILE if _holds_large_tiles(device) else _SMALL_TILE

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D).

        Raises:
            UserError: more neighbours than the kernels hold.
        """
        if k > _MOST_NEIGHBOURS:
            raise UserError(f"{named('k')} {k}: at most {_MOST_NEIGHBOURS} on a GPU")
        queries = queries.contiguous()
        rounded = queries.to(self._keys.dtype)
        measured = torch.cat(
            [
                self._measure(queries, rounded, slice(start, start + _CHUNK), k)
                for start in range(0, len(self._keys), _CHUNK)
            ],
            1,
        )
        rows, found = measured.shape
        distances = torch.empty((rows, k), device=queries.device)
        ids, values = torch.empty((2, rows, k), dtype=torch.int64, device=queries.device)
        device_kernels.settle_kernel[(rows,)](
            measured,
            self._values,
            distances,
            ids,
            values,
            found,
            FOUND_PADDED=_padded(found),
            K=k,
            K_PADDED=_padded(k),
            num_warps=_warps(found),
        )
        return Neighbours(distances, ids, values)

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids` (...,): (..., D) in the dtype in which they are stored."""
        return self._keys[ids.clamp_min(0)]

    def _measure(self, queries: Tensor, rounded: Tensor, piece: slice, k: int) -> Tensor:
        """Packed distances (B, k * _GROUP) to the keys of the k groups that hold the nearest.

        The k smallest scores are in the groups of the k smallest minima, and these in the bunches
        of groups of which the same is true.
        """
        keys, norms = self._keys[piece], self._norms[piece]
        (rows, dim), count = queries.shape, len(keys)
        groups = count // _GROUP
        bunches = groups // _TOGETHER
        lows = torch.empty((rows, groups), device=keys.device)
        least = torch.empty((rows, bunches), device=keys.device)
        tile = self._tiles[rows > _SMALL_TILE.queries]
        device_kernels.score_kernel[(triton.cdiv(rows, tile.queries), count // tile.keys)](
            rounded,
            keys,
            norms,
            lows,
            least,
            rows,
            count,
            DIM=dim,
            BLOCK=tile.keys,
            GROUP=_GROUP,
            TOGETHER=_TOGETHER,
            ROWS=tile.queries,
            DEPTH=64,
            num_warps=tile.num_warps,
            num_stages=tile.num_stages,
        )
        width = max(_PART, _padded(k))
        parts = triton.cdiv(bunches, width)
        picked = torch.empty((rows, parts * k), dtype=torch.int64, device=keys.device)
        device_kernels.pick_kernel[(rows, parts)](
            least,
            picked,
            bunches,
            parts,
            K=k,
            K_PADDED=_padded(k),
            WIDTH=width,
            num_warps=_warps(width),
        )
        chosen = torch.empty((rows, k), dtype=torch.int64, device=keys.device)
        device_kernels.narrow_kernel[(rows,)](
            picked,
            lows,
            chosen,
            groups,
            parts * k,
            FOUND_PADDED=_padded(parts * k),
            K=k,
            K_PADDED=_padded(k),
            TOGETHER=_TOGETHER,
            num_warps=_warps(max(parts, _TOGETHER) * k),
        )
        measured = torch.empty((rows, k * _GROUP), dtype=torch.int64, device=keys.device)
        device_kernels.measure_kernel[(rows, k)](
            queries,
            keys,
            norms,
            chosen,
            measured,
            piece.start,
            DIM=dim,
            DEPTH=256,
            GROUP=_GROUP,
            num_warps=1,
        )
        return measured


def _holds_large_tiles(device: torch.device) -> bool:
    if device.type != "cuda":  # an interpreter's
        return True
    properties = torch.cuda.get_device_properties(device)
    return int(getattr(properties, "shared_memory_per_block_optin", 0)) >= _LARGE_TILE_BYTES


def _padded(count: int) -> int:
    """As many as are ordered at once: a power of 2; Triton's `topk` cannot choose one alone."""
    return max(2, int(triton.next_power_of_2(count)))


def _warps(count: int) -> int:
    """Those that order `count` elements: many wait for each other, few unroll into long code."""
    return min(16, max(1, _padded(count) // 512))


def mix(lm: LMOutput, weight: Tensor, neighbours: Neighbours, temperature: float) -> MixedLogits:
    """`MixtureFusion` in one kernel."""
    rows, k = neighbours.ids.shape
    shift = torch.empty_like(weight)
    at_tokens = torch.empty_like(neighbours.distances)
    usable = torch.empty(rows, dtype=torch.bool, device=weight.device)
    token = torch.empty_like(lm.token)
    device_kernels.mixture_kernel[(rows,)](
        lm.logits,
        lm.token,
        lm.top,
        lm.log_confidence,
        weight,
        neighbours.distances,
        neighbours.ids,
        neighbours.values,
        shift,
        at_tokens,
        usable,
        token,
        lm.logits.shape[1],
        temperature,
        K=k,
        K_PADDED=triton.next_power_of_2(k),
        num_warps=1 if k <= 32 else 4,
    )
    return MixedLogits(lm, shift, neighbours.values, at_tokens, usable, token)


def take_step(
    lm: LMOutput,
    weight: Tensor,
    neighbours: Neighbours,
    likely: LikelyTable,
    temperature: float,
    eta: float,
) -> MovedLogits:
    """`SparseResidualFusion` in one kernel; `likely` is what it knows of the neighbours.

    `lm` has to come from `LMOutput.read`, on the device.
    """
    assert lm.blocks is not None, "LMOutput.read comes first"
    rows, k = neighbours.ids.shape
    tokens = torch.empty((rows, 1 + k), dtype=torch.int64, device=weight.device)
    moved = torch.empty((rows, 1 + k), device=weight.device)
    token = torch.empty_like(lm.token)
    blocks = lm.blocks.tops.shape[1]
    device_kernels.residual_kernel[(rows,)](
        lm.logits,
        lm.token,
        weight,
        neighbours.distances,
        neighbours.ids,
        neighbours.values,
        likely.tokens,
        likely.probabilities,
        likely.entries,
        lm.blocks.tops,
        lm.blocks.tokens,
        tokens,
        moved,
        token,
        lm.logits.shape[1],
        temperature,
        eta,
        blocks,
        BLOCKS_PADDED=triton.next_power_of_2(blocks),
        BLOCK=TOKENS,
        K=k,
        K_PADDED=triton.next_power_of_2(k),
        COUNT=likely.tokens.shape[1],
        WIDTH=_FORETOLD,
    )
    return MovedLogits(lm, tokens, moved, token)
