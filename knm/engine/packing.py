"""Prompts of any length, laid out for prefills of a fixed number of tokens."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Part:
    """The `tokens` of a prompt from place `start` on, which go to `slot`."""

    slot: int
    start: int
    tokens: Sequence[int]


@dataclass(frozen=True)
class Layout:
    """One prefill of T tokens in blocks of Q, each of one prompt; all int64.

    `tokens`, `positions` and `slots` (T,) are those of the tokens; what fills up a block goes to
    the slot that nobody reads. `blocks` (T / Q, 3) are each block's slot, first position and number
    of tokens, which is 0 for an empty one.
    """

    tokens: Array
    positions: Array
    slots: Array
    blocks: Array


def lay_out(parts: Sequence[Part], size: int, block: int, spare: int) -> Iterator[Layout]:
    """Layouts of `size` tokens in blocks of `block` that hold all `parts`, in their order.

    A prompt may go on in the next layout. `spare` is the slot that nobody reads.
    """
    pieces = [
        (part.slot, part.start + begin, part.tokens[begin : begin + block])
        for part in parts
        for begin in range(0, len(part.tokens), block)
    ]
    blocks = size // block
    for first in range(0, len(pieces), blocks):
        layout = Layout(
            np.zeros(size, np.int64),
            np.zeros(size, np.int64),
            np.full(size, spare, np.int64),
            np.zeros((blocks, 3), np.int64),
        )
        for number, (slot, start, tokens) in enumerate(pieces[first : first + blocks]):
            count = len(tokens)
            rows = slice(number * block, number * block + count)
            layout.tokens[rows] = tokens
            layout.positions[rows] = np.arange(start, start + count)
            layout.slots[rows] = slot
            layout.blocks[number] = slot, start, count
        yield layout
