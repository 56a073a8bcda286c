"""Exact search on a GPU in the dtype in which a datastore keeps its keys, and the mixture there."""

from typing import Final

import numpy as np
import torch
import triton
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.exact import BLOCK, best_of_scores, padded_rows, smallest
from knm.retrieval import device_kernels
from knm.retrieval.evidence import LMOutput, MixedLogits
from knm.retrieval.neighbours import Neighbours

_TILE: Final = 64  # queries per matrix product
_READ_ROWS: Final = 1 << 16
# Keys scored at a time: bounds the memory of scores to half a gigabyte for 64 queries.
_CHUNK: Final = 1 << 21
_PART: Final = 1024  # blocks that one program picks from
_MOST_IN_KERNEL: Final = 64  # neighbours; beyond them torch picks
_NOTHING: Final = 0x7F800000 << 32  # a packed score of infinity
_DTYPES: Final = {"float16": torch.float16, "bfloat16": torch.bfloat16}


class DeviceSearcher:
    """All keys on the GPU; nothing here waits for it, so a CUDA graph can hold a search.

    Keys stay float16 or bfloat16 as they are stored, which loses nothing: products of two such
    numbers are exact in float32. Queries are rounded to that dtype to find candidates, and the
    distances that are returned are computed in float32 from the query as it is. A row's result does
    not depend on the other rows. Equal scores are ordered by id.
    """

    on_device = True

    def __init__(self, datastore: Datastore, device: torch.device) -> None:
        count, rows = len(datastore), padded_rows(len(datastore))
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

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D)."""
        rounded = queries.to(self._keys.dtype).contiguous()
        best: Tensor | None = None
        for start in range(0, len(self._keys), _CHUNK):
            piece = slice(start, start + _CHUNK)
            scores, lows = self._scores(rounded, self._keys[piece], self._norms[piece])
            found = _pick(scores, lows, start, k)
            best = found if best is None else smallest(torch.cat([best, found], 1), k)
        assert best is not None
        return self._measure(queries, rounded, best, k)

    def _measure(self, queries: Tensor, rounded: Tensor, best: Tensor, k: int) -> Neighbours:
        """The neighbours of packed candidates (B, k), by their distance in float32."""
        rows, dim = queries.shape
        measured, ids, values = (torch.empty_like(best) for _ in range(3))
        distances = torch.empty(best.shape, device=best.device)
        device_kernels.measure_kernel[(rows, k)](
            queries.contiguous(),
            rounded,
            self._keys,
            best,
            measured,
            DIM=dim,
            DIM_PADDED=triton.next_power_of_2(dim),
        )
        # In a kernel of its own: ranks must compare one and the same rounding of each distance.
        device_kernels.settle_kernel[(rows,)](
            measured,
            self._values,
            distances,
            ids,
            values,
            K=k,
            K_PADDED=triton.next_power_of_2(k),
            num_warps=1,
        )
        return Neighbours(distances, ids, values)

    def _scores(self, queries: Tensor, keys: Tensor, norms: Tensor) -> tuple[Tensor, Tensor]:
        """Scores (B, C) of keys (C, D), and the minimum of each block of keys (B, C / BLOCK)."""
        rows, count = len(queries), len(keys)
        scores = torch.empty((rows, count), device=keys.device)
        lows = torch.empty((rows, count // BLOCK), device=keys.device)
        device_kernels.score_kernel[(count // BLOCK, triton.cdiv(rows, _TILE))](
            queries,
            keys,
            norms,
            scores,
            lows,
            rows,
            count,
            DIM=keys.shape[1],
            BLOCK=BLOCK,
            ROWS=_TILE,
            DEPTH=64,
            num_warps=4,
            num_stages=4,
        )
        return scores, lows


def _pick(scores: Tensor, lows: Tensor, start: int, k: int) -> Tensor:
    """The k smallest of each row of scores (B, C), packed with their ids from `start` on: (B, k).

    `lows` (B, C / BLOCK) are the minima of blocks: the k smallest scores are in the blocks of the k
    smallest minima.
    """
    rows, blocks = lows.shape
    if k > _MOST_IN_KERNEL:
        best = best_of_scores(scores, lows, start, k)
        return torch.nn.functional.pad(best, (0, k - best.shape[1]), value=_NOTHING)
    parts = triton.cdiv(blocks, _PART)
    picked = torch.empty((rows, parts * k), dtype=torch.int64, device=lows.device)
    device_kernels.pick_blocks_kernel[(rows, parts)](
        lows, picked, blocks, parts, K=k, WIDTH=_PART, num_warps=4
    )
    best = torch.empty((rows, k), dtype=torch.int64, device=lows.device)
    device_kernels.pick_keys_kernel[(rows,)](
        picked,
        scores,
        best,
        blocks,
        scores.shape[1],
        start,
        parts * k,
        FOUND_PADDED=triton.next_power_of_2(parts * k),
        K=k,
        K_PADDED=triton.next_power_of_2(k),
        BLOCK=BLOCK,
        num_warps=8,
    )
    return best


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
        num_warps=1,
    )
    return MixedLogits(lm, shift, neighbours.values, at_tokens, usable, token)
