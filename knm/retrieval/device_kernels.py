"""The Triton kernel of exact search. Imported on machines with a GPU only."""

import triton
import triton.language as tl


@triton.jit
def score_kernel(
    queries,
    keys,
    norms,
    lows,
    rows,
    count,
    DIM: tl.constexpr,
    BLOCK: tl.constexpr,
    GROUP: tl.constexpr,
    ROWS: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """Block n of keys, tile m of queries: the least |key|^2 - 2 query.key of each group of keys.

    `lows` (rows, count / GROUP) float32. The scores themselves are not written: reading a few
    groups again costs less.
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
    groups: tl.constexpr = BLOCK // GROUP
    low = tl.min(tl.reshape(score, [ROWS, groups, GROUP]), 2)
    group = block * groups + tl.arange(0, groups)
    at = row.to(tl.int64)[:, None] * (count // GROUP) + group[None, :]
    tl.store(lows + at, low, asked[:, None])


@triton.jit
def _pack(score, number):
    """One int64 that orders as (score, number) do; the number is in the low word."""
    bits = score.to(tl.int32, bitcast=True)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) | number.to(tl.int64)


@triton.jit
def pick_groups_kernel(lows, picked, groups, PARTS, K: tl.constexpr, WIDTH: tl.constexpr):
    """Row b, part s of the minima (rows, groups): the K smallest, packed with their group.

    `picked` (rows, PARTS, K) int64.
    """
    row, part = tl.program_id(0), tl.program_id(1)
    group = part * WIDTH + tl.arange(0, WIDTH)
    low = tl.load(lows + row.to(tl.int64) * groups + group, group < groups, float("inf"))
    packed = _pack(low, group)
    for place in range(K):
        least = tl.min(packed, 0)
        tl.store(picked + (row * PARTS + part) * K + place, least)
        packed = tl.where(packed == least, 0x7FFFFFFFFFFFFFFF, packed)


@triton.jit
def measure_kernel(
    queries,
    rounded,
    keys,
    norms,
    picked,
    measured,
    groups,
    start,
    FOUND,
    FOUND_PADDED: tl.constexpr,
    DIM: tl.constexpr,
    DEPTH: tl.constexpr,
    GROUP: tl.constexpr,
):
    """Row b: distances by plain difference to the keys of its j-th best group.

    `picked` (rows, FOUND) are the packed groups to choose from; `measured` (rows, k, GROUP) int64
    gets each distance packed with its key's id, which counts from `start`; the largest integer
    stands where there is no key, or the query is not finite.
    """
    row, place = tl.program_id(0), tl.program_id(1)
    slots = tl.arange(0, FOUND_PADDED)
    packed = tl.load(picked + row * FOUND + slots, slots < FOUND, 0x7FFFFFFFFFFFFFFF)
    for _ in range(place):
        packed = tl.where(packed == tl.min(packed, 0), 0x7FFFFFFFFFFFFFFF, packed)
    group = tl.min(packed, 0) & 0xFFFFFFFF
    there = group < groups
    group = tl.where(there, group, 0)
    member = group * GROUP + tl.arange(0, GROUP)
    distance = tl.zeros([GROUP], tl.float32)
    size = 0.0
    for offset in range(0, DIM, DEPTH):
        depth = offset + tl.arange(0, DEPTH)
        inside = depth < DIM
        query = tl.load(queries + row * DIM + depth, inside, 0.0).to(tl.float32)
        coarse = tl.load(rounded + row * DIM + depth, inside, 0.0).to(tl.float32)
        key = tl.load(keys + member[:, None] * DIM + depth[None, :], inside[None, :], 0.0)
        apart = query[None, :] - key.to(tl.float32)
        distance += tl.sum(apart * apart, 1)
        size += tl.sum(query * query, 0) + tl.sum(coarse * coarse, 0)
    real = there & (size < float("inf")) & (tl.load(norms + member) < float("inf"))
    found = tl.where(real, _pack(distance, member + start), 0x7FFFFFFFFFFFFFFF)
    tl.store(measured + (row * tl.num_programs(1) + place) * GROUP + tl.arange(0, GROUP), found)


@triton.jit
def settle_kernel(
    measured,
    stored_values,
    distances,
    ids,
    values,
    FOUND,
    FOUND_PADDED: tl.constexpr,
    K: tl.constexpr,
):
    """Row b: the K smallest of `measured` (rows, FOUND), and the values stored with them."""
    row = tl.program_id(0)
    slots = tl.arange(0, FOUND_PADDED)
    packed = tl.load(measured + row * FOUND + slots, slots < FOUND, 0x7FFFFFFFFFFFFFFF)
    for place in range(K):
        least = tl.min(packed, 0)
        packed = tl.where(packed == least, 0x7FFFFFFFFFFFFFFF, packed)
        missing = least == 0x7FFFFFFFFFFFFFFF
        entry = tl.where(missing, 0, least & 0xFFFFFFFF)
        distance = (least >> 32).to(tl.int32).to(tl.float32, bitcast=True)
        at = row * K + place
        tl.store(distances + at, tl.where(missing, float("inf"), distance))
        tl.store(ids + at, tl.where(missing, -1, entry))
        tl.store(values + at, tl.where(missing, 0, tl.load(stored_values + entry)))


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


@triton.jit
def measure_range_kernel(
    queries,
    keys,
    ids,
    starts,
    counts,
    packed,
    WIDTH,
    DIM: tl.constexpr,
    BLOCK: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """Row b, block n: squared distances to the keys `starts[b] + n * BLOCK` and on, with their ids.

    `packed` (B, WIDTH): distance in the high word, id in the low one; infinite behind `counts[b]`.
    """
    row, block = tl.program_id(0), tl.program_id(1)
    member = block * BLOCK + tl.arange(0, BLOCK)
    start, count = tl.load(starts + row), tl.load(counts + row)
    target = packed + row.to(tl.int64) * WIDTH + member
    if block * BLOCK >= count:
        tl.store(target, tl.full([BLOCK], 0x7F800000, tl.int64) << 32)
        return
    inside = member < count
    places = start + member
    total = tl.zeros([BLOCK], tl.float32)
    for offset in tl.static_range(0, DIM, DEPTH):
        depth = offset + tl.arange(0, DEPTH)
        real = depth < DIM
        query = tl.load(queries + row.to(tl.int64) * DIM + depth, real, 0.0)
        mask = inside[:, None] & real[None, :]
        key = tl.load(keys + places[:, None] * DIM + depth[None, :], mask, 0.0).to(tl.float32)
        apart = tl.where(mask, key - query[None, :], 0.0)
        total += tl.sum(apart * apart, 1)
    bits = tl.where(inside, total, float("inf")).to(tl.int32, bitcast=True).to(tl.int64)
    tl.store(target, (bits << 32) | tl.load(ids + places, inside, 0))
