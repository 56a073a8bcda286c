"""The CPU's kernels: plain torch, and attention one row at a time."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from knm.engine.decoder import Decoder, TorchOperations


class CpuKernels(TorchOperations):
    """Reads of each slot just what it has written: no mask, no padding, no neighbour."""

    heads_first = True  # attention reads a head's places in a row, half as long again otherwise

    def attend(
        self,
        decoder: Decoder,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        positions: Tensor,  # noqa: ARG002
        lengths: Sequence[int],
    ) -> Tensor:
        """Attend with q (B, heads, D) to the first `lengths` of keys and values.

        These are (B, capacity, kv heads, D). Returns (B, heads * D).
        """
        shared = decoder.heads != decoder.key_value_heads
        keys, values = keys.transpose(1, 2), values.transpose(1, 2)
        parts = [
            functional.scaled_dot_product_attention(
                q[row : row + 1, :, None],
                keys[row : row + 1, :, :length],
                values[row : row + 1, :, :length],
                scale=decoder.attention_scale,
                enable_gqa=shared,
            )
            for row, length in enumerate(lengths)
        ]
        return torch.cat(parts).flatten(1)
