"""Exact search on a GPU, in the dtype in which the datastore keeps its keys."""

from typing import Final

import numpy as np
import torch
import triton
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.exact import BLOCK, best_of_scores, measure, padded_rows, smallest
from knm.retrieval import device_kernels
from knm.retrieval.neighbours import Neighbours

_TILE: Final = 64  # queries per matrix product
_READ_ROWS: Final = 1 << 16
# Keys scored at a time: bounds the memory of scores to half a gigabyte for 64 queries.
_CHUNK: Final = 1 << 21
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
        wide = queries.float()
        rounded = wide.to(self._keys.dtype)
        size = wide.square().sum(1, keepdim=True) + rounded.float().square().sum(1, keepdim=True)
        lost = ~size.isfinite()
        wide, rounded = wide.masked_fill(lost, 0.0), rounded.masked_fill(lost, 0.0)
        best = torch.empty((len(wide), 0), dtype=torch.int64, device=wide.device)
        for start in range(0, len(self._keys), _CHUNK):
            piece = slice(start, start + _CHUNK)
            scores, lows = self._scores(rounded, self._keys[piece], self._norms[piece])
            found = best_of_scores(scores, lows, start, k)
            best = found if start == 0 else smallest(torch.cat([best, found], 1), k)
        distances, ids = measure(wide, best, lost, lambda each: self._keys[each].float(), k)
        return Neighbours(distances, ids, self._values[ids.clamp_min(0)].masked_fill(ids < 0, 0))

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
