"""The Triton kernel of exact search. Imported on machines with a GPU only."""

import triton
import triton.language as tl


@triton.jit
def score_kernel(
    queries,
    keys,
    norms,
    scores,
    lows,
    rows,
    count,
    DIM: tl.constexpr,
    BLOCK: tl.constexpr,
    ROWS: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """Block n of keys, tile m of queries: scores |key|^2 - 2 query.key and their minima.

    `scores` (rows, count) and `lows` (rows, count / BLOCK) float32.
    """
    block, tile = tl.program_id(0), tl.program_id(1)
    member = block * BLOCK + tl.arange(0, BLOCK)
    row = tile * ROWS + tl.arange(0, ROWS)
    depth = tl.arange(0, DEPTH)
    at_keys = keys + member.to(tl.int64)[:, None] * DIM + depth[None, :]
    at_queries = queries + row[:, None] * DIM + depth[None, :]
    asked = row < rows
    product = tl.zeros([ROWS, BLOCK], tl.float32)
    for start in range(0, DIM, DEPTH):
        inside = start + depth < DIM
        q = tl.load(at_queries + start, asked[:, None] & inside[None, :], 0.0)
        k = tl.load(at_keys + start, inside[None, :], 0.0)
        product = tl.dot(q, tl.trans(k), product, input_precision="ieee")
    score = tl.load(norms + member)[None, :] - 2.0 * product
    at = row.to(tl.int64)[:, None] * count + member[None, :]
    tl.store(scores + at, score, asked[:, None])
    tl.store(lows + row * (count // BLOCK) + block, tl.min(score, 1), asked)
