"""Triton kernels of prefill and decoding steps. Imported on machines with a GPU only.

Each program handles one row, or one head of a row or of a few of one prompt: nothing is shared
between prompts, and the order of every sum is fixed by the row alone.
"""

import triton
import triton.language as tl


@triton.jit
def add_norm_kernel(
    x, residual, weight, normed, total, width, eps, ADD: tl.constexpr, BLOCK: tl.constexpr
):
    """Row n: total = x + residual, normed = rms_norm(total) * weight."""
    row = tl.program_id(0).to(tl.int64) * width
    columns = tl.arange(0, BLOCK)
    inside = columns < width
    value = tl.load(x + row + columns, inside, 0.0)
    if ADD:
        value = (value.to(tl.float32) + tl.load(residual + row + columns, inside, 0.0)).to(
            x.dtype.element_ty
        )
        tl.store(total + row + columns, value, inside)
    wide = value.to(tl.float32)
    scale = tl.rsqrt(tl.sum(wide * wide, 0) / width + eps)
    scaled = (wide * scale).to(x.dtype.element_ty)
    scaled = scaled * tl.load(weight + columns, inside, 0.0)
    tl.store(normed + row + columns, scaled, inside)


@triton.jit
def place_heads_kernel(
    qkv,
    norm_weight,
    cos,
    sin,
    positions,
    places,
    queries,
    keys,
    values,
    eps,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    HALF: tl.constexpr,
    BLOCK: tl.constexpr,
    NORM: tl.constexpr,
    ROPE: tl.constexpr,
):
    """Token n, head h: norm, rotate, and write a query, or a key or value to its place."""
    token, head = tl.program_id(0).to(tl.int64), tl.program_id(1)
    low = tl.arange(0, BLOCK)
    inside = low < HALF
    dim: tl.constexpr = 2 * HALF
    source = qkv + (token * (HEADS + 2 * KV_HEADS) + head) * dim
    kind = qkv.dtype.element_ty
    first = tl.load(source + low, inside, 0.0)
    second = tl.load(source + HALF + low, inside, 0.0)
    if head < HEADS + KV_HEADS:
        if NORM:
            a, b = first.to(tl.float32), second.to(tl.float32)
            scale = tl.rsqrt((tl.sum(a * a, 0) + tl.sum(b * b, 0)) / dim + eps)
            weights = norm_weight + head * dim
            first = (a * scale).to(kind) * tl.load(weights + low, inside, 0.0)
            second = (b * scale).to(kind) * tl.load(weights + HALF + low, inside, 0.0)
        if ROPE:
            angle = tl.load(positions + token) * dim
            c_first = tl.load(cos + angle + low, inside, 0.0).to(tl.float32)
            c_second = tl.load(cos + angle + HALF + low, inside, 0.0).to(tl.float32)
            s_first = tl.load(sin + angle + low, inside, 0.0).to(tl.float32)
            s_second = tl.load(sin + angle + HALF + low, inside, 0.0).to(tl.float32)
            a, b = first.to(tl.float32), second.to(tl.float32)
            first = (a * c_first - b * s_first).to(kind)
            second = (b * c_second + a * s_second).to(kind)
    place = tl.load(places + token)
    target = queries + (token * HEADS + head) * dim
    if head >= HEADS:
        target = keys + (place * KV_HEADS + head - HEADS) * dim
    if head >= HEADS + KV_HEADS:
        target = values + (place * KV_HEADS + head - HEADS - KV_HEADS) * dim
    tl.store(target + low, first, inside)
    tl.store(target + HALF + low, second, inside)


@triton.jit
def gate_kernel(x, out, width, BLOCK: tl.constexpr):
    """Row n: silu(x[:width]) * x[width:]."""
    row = tl.program_id(0).to(tl.int64)
    columns = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = columns < width
    gate = tl.load(x + row * 2 * width + columns, inside, 0.0).to(tl.float32)
    up = tl.load(x + row * 2 * width + width + columns, inside, 0.0)
    active = (gate / (1.0 + tl.exp(-gate))).to(x.dtype.element_ty)
    tl.store(out + row * width + columns, active * up, inside)


@triton.jit
def attend_kernel(
    queries,
    keys,
    values,
    slots,
    positions,
    partial,
    summary,
    scale,
    capacity,
    SPLITS,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    GROUP: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    SPLIT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Row b, key head h, split s: attend to at most SPLIT places with the heads that share h.

    Keys and values are those of slot number `slots[b]`, from place 0 to `positions[b]`.
    `partial` (B, HEADS, splits, DIM) float32 and `summary` (B, HEADS, splits, 2): maximum and sum.
    """
    row, kv_head, split = tl.program_id(0), tl.program_id(1), tl.program_id(2)
    length = tl.load(positions + row) + 1
    start = split * SPLIT
    if start >= length:
        return
    shared: tl.constexpr = HEADS // KV_HEADS
    member = tl.arange(0, GROUP)
    dims = tl.arange(0, DIM_BLOCK)
    real = dims < DIM
    heads = kv_head * shared + member
    q = tl.load(
        queries + (row * HEADS + heads[:, None]) * DIM + dims[None, :],
        (member[:, None] < shared) & real[None, :],
        0.0,
    )
    slot = tl.load(slots + row).to(tl.int64)
    base = (slot * capacity * KV_HEADS + kv_head) * DIM
    top = tl.full([GROUP], float("-inf"), tl.float32)
    total = tl.zeros([GROUP], tl.float32)
    out = tl.zeros([GROUP, DIM_BLOCK], tl.float32)
    for offset in range(start, tl.minimum(start + SPLIT, length), BLOCK):
        places = offset + tl.arange(0, BLOCK)
        written = places < length
        at = base + places.to(tl.int64)[:, None] * (KV_HEADS * DIM) + dims[None, :]
        mask = written[:, None] & real[None, :]
        k = tl.load(keys + at, mask, 0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(written[None, :], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        p = tl.exp(scores - higher[:, None])
        fade = tl.exp(top - higher)
        total = total * fade + tl.sum(p, 1)
        v = tl.load(values + at, mask, 0.0)
        out = out * fade[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
        top = higher
    place = (row * HEADS + heads) * SPLITS + split
    ours = member < shared
    tl.store(partial + place[:, None] * DIM + dims[None, :], out, ours[:, None] & real[None, :])
    tl.store(summary + place * 2, top, ours)
    tl.store(summary + place * 2 + 1, total, ours)


@triton.jit
def join_kernel(
    partial,
    summary,
    positions,
    out,
    SPLITS,
    HEADS: tl.constexpr,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    SPLIT: tl.constexpr,
):
    """Row b, head h: join what the splits gave, first to last."""
    row, head = tl.program_id(0), tl.program_id(1)
    length = tl.load(positions + row) + 1
    dims = tl.arange(0, DIM_BLOCK)
    real = dims < DIM
    place = (row * HEADS + head) * SPLITS
    top = float("-inf")
    total = 0.0
    joined = tl.zeros([DIM_BLOCK], tl.float32)
    for split in range(0, tl.cdiv(length, SPLIT)):
        theirs = tl.load(summary + (place + split) * 2)
        higher = tl.maximum(top, theirs)
        fade, share = tl.exp(top - higher), tl.exp(theirs - higher)
        total = total * fade + tl.load(summary + (place + split) * 2 + 1) * share
        joined = joined * fade + tl.load(partial + (place + split) * DIM + dims, real, 0.0) * share
        top = higher
    target = out + (row * HEADS + head) * DIM + dims
    tl.store(target, (joined / total).to(out.dtype.element_ty), real)


@triton.jit
def attend_prompts_kernel(
    queries,
    keys,
    values,
    blocks,
    out,
    scale,
    capacity,
    HEADS: tl.constexpr,
    KV_HEADS: tl.constexpr,
    DIM: tl.constexpr,
    DIM_BLOCK: tl.constexpr,
    QUERIES: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Block n, head h: tokens of one prompt attend to themselves and all before them.

    `blocks` (n, 3) are slot, first position and number of tokens of each block of QUERIES rows.
    Sums run over places from 0 on: where a block begins changes nothing in them.
    """
    block, head = tl.program_id(0), tl.program_id(1)
    slot = tl.load(blocks + block * 3)
    start = tl.load(blocks + block * 3 + 1).to(tl.int32)
    count = tl.load(blocks + block * 3 + 2).to(tl.int32)
    if count == 0:
        return
    member = tl.arange(0, QUERIES)
    dims = tl.arange(0, DIM_BLOCK)
    real = dims < DIM
    rows = (block * QUERIES + member) * HEADS + head
    q = tl.load(queries + rows[:, None] * DIM + dims[None, :], real[None, :], 0.0)
    last = start + member
    end = start + count
    base = (slot * capacity * KV_HEADS + head // (HEADS // KV_HEADS)) * DIM
    top = tl.full([QUERIES], float("-inf"), tl.float32)
    total = tl.zeros([QUERIES], tl.float32)
    joined = tl.zeros([QUERIES, DIM_BLOCK], tl.float32)
    for offset in range(0, end, BLOCK):
        places = offset + tl.arange(0, BLOCK)
        at = base + places.to(tl.int64)[:, None] * (KV_HEADS * DIM) + dims[None, :]
        mask = (places < end)[:, None] & real[None, :]
        k = tl.load(keys + at, mask, 0.0)
        scores = tl.dot(q, tl.trans(k), input_precision="ieee") * scale
        scores = tl.where(places[None, :] <= last[:, None], scores, float("-inf"))
        higher = tl.maximum(top, tl.max(scores, 1))
        p = tl.exp(scores - higher[:, None])
        fade = tl.exp(top - higher)
        total = total * fade + tl.sum(p, 1)
        v = tl.load(values + at, mask, 0.0)
        joined = joined * fade[:, None] + tl.dot(p.to(v.dtype), v, input_precision="ieee")
        top = higher
    result = (joined / total[:, None]).to(out.dtype.element_ty)
    tl.store(out + rows[:, None] * DIM + dims[None, :], result, real[None, :])


@triton.jit
def _mix(words):
    """Scramble words of 32 bits, as `knm.engine.sampling` does."""
    words = (words ^ (words >> 16)) * tl.full([], 0x7FEB352D, tl.uint32)
    words = (words ^ (words >> 15)) * tl.full([], 0x846CA68B, tl.uint32)
    return words ^ (words >> 16)


@triton.jit
def _gumbel(tokens, low, high):
    """The noise of `tokens`, float64."""
    words = _mix(_mix(tokens.to(tl.uint32) ^ low) + high)
    uniform = (words.to(tl.float64) + 0.5) / 4294967296.0
    return -tl.log(-tl.log(uniform))


@triton.jit
def sample_kernel(
    logits,
    temperature,
    top_p,
    noise_keys,
    positions,
    drawn,
    vocabulary,
    NUCLEUS: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """Row b: the token that `knm.engine.sampling.sample` draws."""
    row = tl.program_id(0)
    heat = tl.maximum(tl.load(temperature + row).to(tl.float64), 1e-6)
    key, position = tl.load(noise_keys + row), tl.load(positions + row)
    low = _mix(key.to(tl.uint32) ^ _mix(position.to(tl.uint32)))
    high = _mix(((key >> 32) + position).to(tl.uint32))
    base = logits + row.to(tl.int64) * vocabulary
    nothing = tl.full([], float("-inf"), tl.float64)
    best, top = nothing, nothing
    total = tl.full([], 0.0, tl.float64)
    token = tl.full([], 0, tl.int32)
    for start in range(0, vocabulary, BLOCK):
        tokens = start + tl.arange(0, BLOCK)
        inside = tokens < vocabulary
        scaled = tl.load(base + tokens, inside, float("-inf")).to(tl.float32).to(tl.float64) / heat
        scores = tl.where(inside, scaled + _gumbel(tokens, low, high), float("-inf"))
        score, place = tl.max(scores, 0, return_indices=True)
        token = tl.where(score > best, start + place, token)
        best = tl.maximum(score, best)
        if NUCLEUS:
            higher = tl.maximum(top, tl.max(scaled, 0))
            total = total * tl.exp(top - higher) + tl.sum(tl.exp(scaled - higher), 0)
            top = higher
    if NUCLEUS:
        bound = tl.load(top_p + row).to(tl.float64) * total
        searching = True
        while searching:
            chosen = tl.load(base + token).to(tl.float32).to(tl.float64) / heat
            mass = tl.full([], 0.0, tl.float64)
            best = nothing
            other = token
            for start in range(0, vocabulary, BLOCK):
                tokens = start + tl.arange(0, BLOCK)
                inside = tokens < vocabulary
                scaled = (
                    tl.load(base + tokens, inside, float("-inf")).to(tl.float32).to(tl.float64)
                    / heat
                )
                before = (scaled > chosen) | ((scaled == chosen) & (tokens < token))
                before = before & inside
                mass += tl.sum(tl.where(before, tl.exp(scaled - top), 0.0), 0)
                scores = tl.where(before, scaled + _gumbel(tokens, low, high), float("-inf"))
                score, place = tl.max(scores, 0, return_indices=True)
                other = tl.where(score > best, start + place, other)
                best = tl.maximum(score, best)
            searching = (mass >= bound) & (best > float("-inf"))
            token = tl.where(searching, other, token)
    tl.store(drawn + row, token.to(tl.int64))
