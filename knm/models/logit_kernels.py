"""Triton kernels that read logits in one pass. Imported on machines with a GPU only."""

import triton
import triton.language as tl


@triton.jit
def read_logits_kernel(logits, tops, tokens, sums, vocabulary, BLOCKS, BLOCK: tl.constexpr):
    """Row b, block n of the vocabulary: maximum, its lowest token, sum of exponentials."""
    row, block = tl.program_id(0), tl.program_id(1)
    columns = block * BLOCK + tl.arange(0, BLOCK)
    at = logits + row.to(tl.int64) * vocabulary + columns
    value = tl.load(at, columns < vocabulary, float("-inf")).to(tl.float32)
    top = tl.max(value, 0)
    token = tl.min(tl.where(value == top, columns, vocabulary - 1), 0)
    place = row * BLOCKS + block
    tl.store(tops + place, top)
    tl.store(tokens + place, token)
    safe = tl.where(top == float("-inf"), 0.0, top)
    tl.store(sums + place, tl.sum(tl.exp(value - safe), 0))


@triton.jit
def join_logits_kernel(
    tops, tokens, sums, top_out, token_out, confidence_out, BLOCKS, PADDED: tl.constexpr
):
    """Row b: join the blocks of `read_logits_kernel`."""
    row = tl.program_id(0)
    blocks = tl.arange(0, PADDED)
    inside = blocks < BLOCKS
    place = row * BLOCKS + blocks
    theirs = tl.load(tops + place, inside, float("-inf"))
    top = tl.max(theirs, 0)
    token = tl.min(tl.where((theirs == top) & inside, tl.load(tokens + place, inside, 0), 2**30), 0)
    total = tl.sum(tl.load(sums + place, inside, 0.0) * tl.exp(theirs - top), 0)
    tl.store(top_out + row, top)
    tl.store(token_out + row, token.to(tl.int64))
    tl.store(confidence_out + row, -tl.log(total.to(tl.float64)))


@triton.jit
def read_next_kernel(
    logits, without, tops, tokens, vocabulary, BLOCKS, COUNT: tl.constexpr, BLOCK: tl.constexpr
):
    """Row b, block n of the vocabulary: the COUNT highest but the token `without[b]`, in order.

    Where a block has no more tokens, its next is `vocabulary`, which is none.
    """
    row, block = tl.program_id(0), tl.program_id(1)
    columns = block * BLOCK + tl.arange(0, BLOCK)
    at = logits + row.to(tl.int64) * vocabulary + columns
    value = tl.load(at, columns < vocabulary, float("-inf")).to(tl.float32)
    # Beside the values: impossible tokens have the one that stands for those that were taken.
    left = (columns < vocabulary) & (columns != tl.load(without + row))
    value = tl.where(left, value, float("-inf"))
    place = (row * BLOCKS + block) * COUNT
    for number in tl.static_range(COUNT):
        top = tl.max(value, 0)
        token = tl.min(tl.where(left & (value == top), columns, vocabulary), 0)
        tl.store(tops + place + number, top)
        tl.store(tokens + place + number, token.to(tl.int64))
        left = left & (columns != token)
        value = tl.where(left, value, float("-inf"))
