"""Batches in pieces of one shape."""

from typing import Final

import torch
from torch import Tensor

# Matrix products round differently in different shapes; with one shape, a query's result cannot
# depend on how many others there are.
_TILE: Final = 16


def tiles_of(queries: Tensor) -> Tensor:
    """Queries (B, D) as tiles (T, 16, D), at least one, padded with zeros."""
    missing = -len(queries) % _TILE if len(queries) else _TILE
    padded = torch.nn.functional.pad(queries, (0, 0, 0, missing))
    return padded.view(-1, _TILE, queries.shape[1])
