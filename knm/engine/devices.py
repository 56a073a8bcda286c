"""Which program decodes on which device, and the CPU's kernels: plain torch, one row at a time."""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from knm.engine.decoder import Decoder, TorchOperations
from knm.engine.program import SlotProgram
from knm.engine.sampling import sample
from knm.retrieval import Retriever

# Steps between looks at what was written: a finished sequence keeps its slot until the next one.
_CPU_INTERVAL: Final = 4
_CUDA_INTERVAL: Final = 8
# A CPU's matrix products round the last rows of an odd number by other routines than the first:
# rows are equal, wherever they stand, in whole tiles.
_CPU_TILE: Final = 16


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

    def sample(
        self,
        logits: Tensor,
        temperature: Tensor,
        top_p: Tensor | None,
        keys: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Draw a token (B,) for each row of logits (B, V)."""
        return sample(logits.float(), temperature, top_p, keys, positions)


def open_program(
    decoder: Decoder, retriever: Retriever | None, slots: int, capacity: int
) -> SlotProgram:
    """The program for the decoder's device."""
    if decoder.device.type != "cuda":
        return SlotProgram(
            decoder,
            CpuKernels(),
            retriever,
            slots=-(-slots // _CPU_TILE) * _CPU_TILE,
            capacity=capacity,
            interval=_CPU_INTERVAL,
        )
    from knm.engine.cuda import CudaKernels, CudaProgram

    return CudaProgram(
        decoder,
        CudaKernels(),
        retriever,
        slots=slots,
        capacity=capacity,
        interval=_CUDA_INTERVAL,
    )
