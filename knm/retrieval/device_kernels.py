"""Triton kernels of exact search and of fusions. Imported where a GPU or an interpreter is."""

import triton
import triton.language as tl


@triton.jit
def score_kernel(
    queries,
    keys,
    norms,
    lows,
    least,
    rows,
    count,
    DIM: tl.constexpr,
    BLOCK: tl.constexpr,
    GROUP: tl.constexpr,
    TOGETHER: tl.constexpr,
    ROWS: tl.constexpr,
    DEPTH: tl.constexpr,
):
    """Tile m of queries, block n of keys: the least |key|^2 - 2 query.key of each group of keys.

    `lows` (rows, count / GROUP) float32, and of so many groups together `least`
    (rows, count / GROUP / TOGETHER). The scores themselves are not written: reading a few groups
    again costs less. Tiles of one block are neighbours, so that its keys are read once.
    """
    tile, block = tl.program_id(0), tl.program_id(1)
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
    bunches: tl.constexpr = groups // TOGETHER
    bunch = block * bunches + tl.arange(0, bunches)
    at = row.to(tl.int64)[:, None] * (count // GROUP // TOGETHER) + bunch[None, :]
    tl.store(least + at, tl.min(tl.reshape(low, [ROWS, bunches, TOGETHER]), 2), asked[:, None])


@triton.jit
def _pack(score, number):
    """One int64 that orders as (score, number) do; the number is in the low word."""
    bits = score.to(tl.int32, bitcast=True)
    ordered = bits ^ ((bits >> 31) & 0x7FFFFFFF)
    return (ordered.to(tl.int64) << 32) | number.to(tl.int64)


@triton.jit
def _least(packed, K: tl.constexpr):
    """The K smallest of `packed` int64 in order; K is a power of 2."""
    return ~tl.topk(~packed, K)


@triton.jit
def pick_kernel(
    least, picked, bunches, PARTS, K: tl.constexpr, K_PADDED: tl.constexpr, WIDTH: tl.constexpr
):
    """Row b, part s of the minima (rows, bunches): the K smallest, packed with their bunch.

    `picked` (rows, PARTS, K) int64.
    """
    row, part = tl.program_id(0), tl.program_id(1)
    bunch = part * WIDTH + tl.arange(0, WIDTH)
    low = tl.load(least + row.to(tl.int64) * bunches + bunch, bunch < bunches, float("inf"))
    order = tl.arange(0, K_PADDED)
    first = _least(_pack(low, bunch), K_PADDED)
    tl.store(picked + (row * PARTS + part) * K + order, first, order < K)


@triton.jit
def narrow_kernel(
    picked,
    lows,
    chosen,
    groups,
    FOUND,
    FOUND_PADDED: tl.constexpr,
    K: tl.constexpr,
    K_PADDED: tl.constexpr,
    TOGETHER: tl.constexpr,
):
    """Row b: of the K best of its `picked` (rows, FOUND) bunches of groups the K best groups.

    `lows` (rows, groups); `chosen` (rows, K) int64 are groups, -1 where there are no more.
    """
    row = tl.program_id(0)
    slots = tl.arange(0, FOUND_PADDED)
    packed = tl.load(picked + row * FOUND + slots, slots < FOUND, 0x7FFFFFFFFFFFFFFF)
    order = tl.arange(0, K_PADDED)
    first = _least(packed, K_PADDED)
    there = (order < K) & (first != 0x7FFFFFFFFFFFFFFF)
    bunch = tl.where(there, first & 0xFFFFFFFF, 0)
    group = bunch[:, None] * TOGETHER + tl.arange(0, TOGETHER)[None, :]
    # Where fewer bunches than parts are full, some that were picked lie behind the last.
    real = there[:, None] & (group < groups)
    low = tl.load(lows + row.to(tl.int64) * groups + group, real, float("inf"))
    packed = tl.where(real, _pack(low, group), 0x7FFFFFFFFFFFFFFF)
    first = _least(tl.reshape(packed, [K_PADDED * TOGETHER]), K_PADDED)
    there = first != 0x7FFFFFFFFFFFFFFF
    tl.store(chosen + row * K + order, tl.where(there, first & 0xFFFFFFFF, -1), order < K)


@triton.jit
def measure_kernel(
    queries,
    keys,
    norms,
    chosen,
    measured,
    start,
    DIM: tl.constexpr,
    DEPTH: tl.constexpr,
    GROUP: tl.constexpr,
):
    """Row b: distances by plain difference to the keys of its j-th `chosen` (rows, k) group.

    `measured` (rows, k, GROUP) int64 gets each distance packed with its key's id, which counts from
    `start`; the largest integer stands where there is no key, or the query is not finite in the
    keys' type.
    """
    row, place = tl.program_id(0), tl.program_id(1)
    at = row * tl.num_programs(1) + place
    group = tl.load(chosen + at)
    there = group >= 0
    member = tl.where(there, group, 0) * GROUP + tl.arange(0, GROUP)
    distance = tl.zeros([GROUP], tl.float32)
    size = 0.0
    for offset in range(0, DIM, DEPTH):
        depth = offset + tl.arange(0, DEPTH)
        inside = depth < DIM
        query = tl.load(queries + row * DIM + depth, inside, 0.0)
        key = tl.load(keys + member[:, None] * DIM + depth[None, :], inside[None, :], 0.0)
        apart = query.to(tl.float32)[None, :] - key.to(tl.float32)
        distance += tl.sum(apart * apart, 1)
        rounded = query.to(key.dtype).to(tl.float32)
        size += tl.sum(rounded * rounded, 0)
    real = there & (size < float("inf")) & (tl.load(norms + member) < float("inf"))
    found = tl.where(real, _pack(distance, member + start), 0x7FFFFFFFFFFFFFFF)
    tl.store(measured + at * GROUP + tl.arange(0, GROUP), found)


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
    K_PADDED: tl.constexpr,
):
    """Row b: the K smallest of `measured` (rows, FOUND), and the values stored with them."""
    row = tl.program_id(0)
    slots = tl.arange(0, FOUND_PADDED)
    packed = tl.load(measured + row * FOUND + slots, slots < FOUND, 0x7FFFFFFFFFFFFFFF)
    order = tl.arange(0, K_PADDED)
    inside = order < K
    least = _least(packed, K_PADDED)
    missing = least == 0x7FFFFFFFFFFFFFFF
    entry = tl.where(missing, 0, least & 0xFFFFFFFF)
    distance = (least >> 32).to(tl.int32).to(tl.float32, bitcast=True)
    at = row * K + order
    tl.store(distances + at, tl.where(missing, float("inf"), distance), inside)
    tl.store(ids + at, tl.where(missing, -1, entry), inside)
    tl.store(values + at, tl.where(missing, 0, tl.load(stored_values + entry)), inside)


@triton.jit
def _count_votes(distances, ids, values, row, temperature, K: tl.constexpr, K_PADDED: tl.constexpr):
    """Of row b: found, value, distance and share of each neighbour; see `Votes`.

    Behind them the closeness of the nearest and the sum by which shares come from closeness.
    """
    order = tl.arange(0, K_PADDED)
    inside = order < K
    found = tl.load(ids + row * K + order, inside, -1) >= 0
    value = tl.load(values + row * K + order, inside, 0)
    distance = tl.load(distances + row * K + order, inside, 0.0).to(tl.float64)
    closeness = tl.where(found, -distance / temperature, float("-inf"))
    nearest = tl.max(closeness, 0)
    vote = tl.where(found, tl.exp(closeness - nearest), 0.0)
    whole = tl.sum(vote, 0)
    return found, value, distance, vote / whole, nearest, whole


@triton.jit
def _is_usable(found, distance, vote, weight):
    """Whether a row has neighbours, all at a distance that is a number, and a weight above 0."""
    odd = tl.sum((found & ((distance != distance) | (vote != vote))).to(tl.int32), 0) > 0
    return (tl.sum(found.to(tl.int32), 0) > 0) & (odd == 0) & (weight > 0)


@triton.jit
def _choose(best, raised, top, other):
    """The likelier of the tokens `raised`, with logit `best`, and `other`; of equals the lower."""
    chosen = tl.where(best > top, raised, other)
    return tl.where(best == top, tl.minimum(raised, other), chosen)


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
    found, token, distance, vote, _, _ = _count_votes(
        distances, ids, values, row, temperature, K, K_PADDED
    )
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

    usable = _is_usable(found, distance, vote, weight)
    best = tl.max(joined, 0)
    raised = tl.min(tl.where((joined == best) & inside, token, 0x7FFFFFFFFFFFFFFF), 0)
    lm_token = tl.load(lm_tokens + row)
    chosen = _choose(best, raised, top + shift, lm_token)
    tl.store(shifts + row, shift)
    tl.store(at_tokens + row * K + order, joined, inside)
    tl.store(usable_out + row, usable)
    tl.store(tokens_out + row, tl.where(usable, chosen, lm_token))


@triton.jit
def residual_kernel(
    logits,
    lm_tokens,
    weights,
    distances,
    ids,
    values,
    foretold,
    probabilities,
    entries,
    block_tops,
    block_tokens,
    tokens_out,
    moved_out,
    token_out,
    vocabulary,
    temperature,
    eta,
    BLOCKS,
    BLOCKS_PADDED: tl.constexpr,
    BLOCK: tl.constexpr,
    K: tl.constexpr,
    K_PADDED: tl.constexpr,
    COUNT: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """Row b of a sparse residual step: see `SparseResidualFusion`, whose formulas these are.

    `foretold` and `probabilities` (N, COUNT) are what the LM held likeliest, of which row
    `entries[b, j]` is that of the j-th neighbour; `block_tops` and `block_tokens` (rows, BLOCKS)
    the highest logits of blocks of BLOCK tokens. `tokens_out` and `moved_out` (rows, 1 + K), the
    LM's own token first; `token_out` the likeliest of all.
    """
    row = tl.program_id(0)
    order = tl.arange(0, K_PADDED)
    inside = order < K
    own = tl.load(lm_tokens + row)
    found, token, distance, vote, nearest, whole = _count_votes(
        distances, ids, values, row, temperature, K, K_PADDED
    )
    token = tl.where(found, token, own)
    same = (token[:, None] == token[None, :]) & found[None, :]
    step = tl.sum(tl.where(same, vote[None, :], 0.0), 1)
    own_step = tl.sum(tl.where(found & (token == own), vote, 0.0), 0)
    for start in range(0, K * COUNT, WIDTH):
        place = start + tl.arange(0, WIDTH)
        there = place < K * COUNT
        by = row * K + place // COUNT
        real = tl.load(ids + by, there, -1) >= 0
        away = tl.load(distances + by, there, 0.0).to(tl.float64)
        share = tl.where(real, tl.exp(-away / temperature - nearest) / whole, 0.0)
        told = tl.load(entries + by, real, 0) * COUNT + place % COUNT
        said = tl.load(foretold + told, real, -1).to(tl.int64)
        expected = share * tl.load(probabilities + told, real, 0.0)
        meant = token[:, None] == said[None, :]
        step -= tl.sum(tl.where(meant, expected[None, :], 0.0), 1)
        own_step -= tl.sum(tl.where(said == own, expected, 0.0), 0)
    # The order of a sum differs between the two, and a token has one step.
    step = tl.where(token == own, own_step, step)

    weight = tl.load(weights + row)
    usable = _is_usable(found, distance, vote, weight)
    size = tl.where(usable, weight * eta, 0.0).to(tl.float64)
    at = logits + row.to(tl.int64) * vocabulary
    before = tl.load(at + token, inside, 0.0).to(tl.float32)
    own_before = tl.load(at + own).to(tl.float32)
    moved = tl.where(usable, before + (size * step).to(tl.float32), before)
    own_moved = tl.where(usable, own_before + (size * own_step).to(tl.float32), own_before)
    out = row * (K + 1)
    tl.store(tokens_out + out, own)
    tl.store(moved_out + out, own_moved)
    tl.store(tokens_out + out + 1 + order, token, inside)
    tl.store(moved_out + out + 1 + order, moved, inside)

    best = tl.maximum(tl.max(tl.where(inside, moved, float("-inf")), 0), own_moved)
    raised = tl.min(tl.where((moved == best) & inside, token, 0x7FFFFFFFFFFFFFFF), 0)
    raised = tl.where(own_moved == best, tl.minimum(raised, own), raised)
    # Of those that did not move, the highest: blocks are read again where one that did is theirs.
    blocks = tl.arange(0, BLOCKS_PADDED)
    real = blocks < BLOCKS
    tops = tl.load(block_tops + row * BLOCKS + blocks, real, float("-inf"))
    theirs = tl.load(block_tokens + row * BLOCKS + blocks, real, vocabulary).to(tl.int64)
    met = tl.sum((theirs[:, None] == token[None, :]).to(tl.int32), 1) > 0
    again = real & usable & (met | (theirs == own))
    top = tl.max(tl.where(again, float("-inf"), tops), 0)
    other = tl.min(tl.where((tops == top) & real & (again == 0), theirs, 0x7FFFFFFFFFFFFFFF), 0)
    block = tl.min(tl.where(again, blocks, BLOCKS), 0)
    while block < BLOCKS:
        columns = block * BLOCK + tl.arange(0, BLOCK)
        left = columns < vocabulary
        value = tl.load(at + columns, left, float("-inf")).to(tl.float32)
        highest, lowest = float("-inf"), vocabulary
        looking = True
        while looking:
            highest = tl.max(tl.where(left, value, float("-inf")), 0)
            lowest = tl.min(tl.where(left & (value == highest), columns, vocabulary), 0)
            moves = tl.sum((token == lowest).to(tl.int32), 0) > 0
            looking = moves | (lowest == own)
            left = left & (columns != lowest)
        other = _choose(highest, lowest.to(tl.int64), top, other)
        top = tl.maximum(highest, top)
        again = again & (blocks != block)
        block = tl.min(tl.where(again, blocks, BLOCKS), 0)
    chosen = _choose(best, raised, top, other)
    # Where a logit is not a number nothing is the highest.
    tl.store(token_out + row, tl.where(usable & (chosen < vocabulary), chosen, own))


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
