"""Which program decodes on which device."""

from knm.engine.cpu import CpuKernels
from knm.engine.decoder import Decoder
from knm.engine.program import SlotProgram
from knm.retrieval import Retriever

_CPU_INTERVAL = 4  # steps between looks at what was written


def open_program(
    decoder: Decoder, retriever: Retriever | None, slots: int, capacity: int
) -> SlotProgram:
    """The program for the decoder's device."""
    return SlotProgram(
        decoder,
        CpuKernels(),
        retriever,
        slots=slots,
        capacity=capacity,
        interval=_CPU_INTERVAL,
    )
