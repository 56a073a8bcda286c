"""Which program decodes on which device, and what it leaves there."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch

from knm.engine.cpu import kernels_for
from knm.engine.decoder import Decoder
from knm.engine.program import SlotProgram
from knm.retrieval import Retriever

# Steps between looks at what was written: a finished sequence keeps its slot until the next one.
_CPU_INTERVAL: Final = 4
_CUDA_INTERVAL: Final = 8
# A row costs time on a CPU, free or not on a GPU.
_CPU_DRAFT: Final = 0
_CUDA_DRAFT: Final = 7
# A CPU's matrix products round the last rows of an odd number by other routines than the first:
# rows are equal, wherever they stand, in whole tiles.
_CPU_TILE: Final = 16


def open_program(
    decoder: Decoder,
    retriever: Retriever | None,
    slots: int,
    capacity: int,
    draft_tokens: int | None = None,
) -> SlotProgram:
    """The program for the decoder's device; None drafts as many tokens as pay there."""
    if decoder.device.type != "cuda":
        return SlotProgram(
            decoder,
            kernels_for(decoder),
            retriever,
            slots=-(-slots // _CPU_TILE) * _CPU_TILE,
            capacity=capacity,
            interval=_CPU_INTERVAL,
            draft_tokens=_CPU_DRAFT if draft_tokens is None else draft_tokens,
        )
    from knm.engine.cuda import CudaKernels, CudaProgram

    return CudaProgram(
        decoder,
        CudaKernels(),
        retriever,
        slots=slots,
        capacity=capacity,
        interval=_CUDA_INTERVAL,
        draft_tokens=_CUDA_DRAFT if draft_tokens is None else draft_tokens,
    )


@contextmanager
def freeing_engines(device: torch.device) -> Iterator[None]:
    """Free what engines held on a GPU that nobody holds any more when this ends."""
    try:
        yield
    finally:
        if device.type == "cuda":
            gc.collect()  # an engine and its graphs hold each other
            torch.cuda.empty_cache()
