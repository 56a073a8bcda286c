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


@triton.jit
def _pack(score, number):
    """One int64 that orders as (score, number) do; the number is in the low word."""
    bits = score.to(tl.int32, bitcast=True)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) | number.to(tl.int64)


@triton.jit
def pick_blocks_kernel(lows, picked, blocks, PARTS, K: tl.constexpr, WIDTH: tl.constexpr):
    """Row b, part s of the blocks' minima (rows, blocks): the K smallest, packed with their block.

    `picked` (rows, PARTS, K) int64.
    """
    row, part = tl.program_id(0), tl.program_id(1)
    block = part * WIDTH + tl.arange(0, WIDTH)
    low = tl.load(lows + row * blocks + block, block < blocks, float("inf"))
    packed = _pack(low, block)
    largest = tl.full([WIDTH], 0x7FFFFFFFFFFFFFFF, tl.int64)
    for place in range(K):
        least = tl.min(packed, 0)
        tl.store(picked + (row * PARTS + part) * K + place, least)
        packed = tl.where(packed == least, largest, packed)


@triton.jit
def pick_keys_kernel(
    picked,
    scores,
    best,
    blocks,
    count,
    start,
    FOUND,
    FOUND_PADDED: tl.constexpr,
    K: tl.constexpr,
    K_PADDED: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Row b: of the FOUND packed blocks the K smallest, and of their keys the K smallest.

    `scores` (rows, count); `best` (rows, K) int64, scores packed with the key's id from `start` on.
    """
    row = tl.program_id(0)
    places = tl.arange(0, FOUND_PADDED)
    packed = tl.load(picked + row * FOUND + places, places < FOUND, 0x7FFFFFFFFFFFFFFF)
    order = tl.arange(0, K_PADDED)
    chosen = tl.full([K_PADDED], 0x7FFFFFFF, tl.int64)
    for place in range(K):
        least = tl.min(packed, 0)
        chosen = tl.where(order == place, least & 0xFFFFFFFF, chosen)
        packed = tl.where(packed == least, 0x7FFFFFFFFFFFFFFF, packed)
    member = chosen[:, None] * BLOCK + tl.arange(0, BLOCK)[None, :]
    real = (chosen < blocks)[:, None] & (member < count)
    score = tl.load(scores + row.to(tl.int64) * count + member, real, float("inf"))
    keys = tl.where(real, _pack(score, member + start), 0x7FFFFFFFFFFFFFFF)
    for place in range(K):
        least = tl.min(tl.min(keys, 1), 0)
        tl.store(best + row * K + place, least)
        keys = tl.where(keys == least, 0x7FFFFFFFFFFFFFFF, keys)


@triton.jit
def measure_kernel(
    queries, rounded, keys, best, measured, DIM: tl.constexpr, DIM_PADDED: tl.constexpr
):
    """Row b, candidate j of the packed `best` (rows, k): its distance by plain difference.

    `measured` (rows, k) int64 packs it with the candidate's id, or infinity with an id from
    `MISSING` on where there is none.
    """
    row, place = tl.program_id(0), tl.program_id(1)
    at = row * tl.num_programs(1) + place
    depth = tl.arange(0, DIM_PADDED)
    inside = depth < DIM
    query = tl.load(queries + row * DIM + depth, inside, 0.0).to(tl.float32)
    coarse = tl.load(rounded + row * DIM + depth, inside, 0.0).to(tl.float32)
    size = tl.sum(query * query, 0) + tl.sum(coarse * coarse, 0)
    packed = tl.load(best + at)
    there = ((packed >> 32) < 0x7F800000) & (size < float("inf"))
    entry = tl.where(there, packed & 0xFFFFFFFF, 0)
    key = tl.load(keys + entry * DIM + depth, inside, 0.0).to(tl.float32)
    distance = tl.where(there, tl.sum((query - key) * (query - key), 0), float("inf"))
    tl.store(measured + at, _pack(distance, tl.where(there, entry, 0x7FFFFF00 + place)))


@triton.jit
def settle_kernel(
    measured, stored_values, distances, ids, values, K: tl.constexpr, K_PADDED: tl.constexpr
):
    """Row b of what `measure_kernel` gave: nearest first, each to the place its rank says."""
    row = tl.program_id(0)
    order = tl.arange(0, K_PADDED)
    inside = order < K
    packed = tl.load(measured + row * K + order, inside, 0x7FFFFFFFFFFFFFFF)
    rank = tl.sum((packed[None, :] < packed[:, None]).to(tl.int32), 1)
    entry = packed & 0xFFFFFFFF
    missing = entry >= 0x7FFFFF00
    entry = tl.where(missing, 0, entry)
    out = row * K + rank
    tl.store(distances + out, (packed >> 32).to(tl.int32).to(tl.float32, bitcast=True), inside)
    tl.store(ids + out, tl.where(missing, -1, entry), inside)
    value = tl.load(stored_values + entry, inside, 0)
    tl.store(values + out, tl.where(missing, 0, value), inside)


@triton.jit
def mixture_kernel(
    logits,
    lm_tokens,
    lm_tops,
    lm_confidences,
    weights,
    distances,
    ids,
    values,
    shifts,
    at_tokens,
    usable_out,
    tokens_out,
    vocabulary,
    temperature,
    K: tl.constexpr,
    K_PADDED: tl.constexpr,
):
    """Row b of a mixture: see `MixtureFusion`, whose formulas these are."""
    row = tl.program_id(0)
    order = tl.arange(0, K_PADDED)
    inside = order < K
    found = tl.load(ids + row * K + order, inside, -1) >= 0
    token = tl.load(values + row * K + order, inside, 0)
    distance = tl.load(distances + row * K + order, inside, 0.0).to(tl.float64)
    closeness = tl.where(found, -distance / temperature, float("-inf"))
    nearest = tl.max(closeness, 0)
    vote = tl.where(found, tl.exp(closeness - nearest), 0.0)
    vote = vote / tl.sum(vote, 0)
    same = (token[:, None] == token[None, :]) & found[None, :]
    log_knn = tl.log(tl.sum(tl.where(same, vote[None, :], 0.0), 1))

    weight = tl.load(weights + row)
    share = weight.to(tl.float64)
    shift = tl.log(1.0 - share).to(tl.float32)
    top = tl.load(lm_tops + row)
    log_sum = top.to(tl.float64) - tl.load(lm_confidences + row)
    evidence = tl.log(share) + log_knn + log_sum
    own = tl.load(logits + row.to(tl.int64) * vocabulary + token, inside, 0.0).to(tl.float32)
    own = (own + shift).to(tl.float64)
    higher, lower = tl.maximum(own, evidence), tl.minimum(own, evidence)
    joined = higher + tl.log(1.0 + tl.exp(lower - higher))
    joined = tl.where(lower == float("-inf"), higher, joined).to(tl.float32)
    joined = tl.where(found, joined, float("-inf"))

    odd = tl.sum((found & ((distance != distance) | (vote != vote))).to(tl.int32), 0) > 0
    usable = (tl.sum(found.to(tl.int32), 0) > 0) & (odd == 0) & (weight > 0)
    best = tl.max(joined, 0)
    raised = tl.min(tl.where((joined == best) & inside, token, 0x7FFFFFFFFFFFFFFF), 0)
    lm_token = tl.load(lm_tokens + row)
    unraised = top + shift
    chosen = tl.where(best > unraised, raised, lm_token)
    chosen = tl.where(best == unraised, tl.minimum(raised, lm_token), chosen)
    tl.store(shifts + row, shift)
    tl.store(at_tokens + row * K + order, joined, inside)
    tl.store(usable_out + row, usable)
    tl.store(tokens_out + row, tl.where(usable, chosen, lm_token))
