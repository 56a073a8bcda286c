"""Choosing tokens: greedily, or by noise that depends on the request and the position alone.

Sampling takes the argmax of `logit / temperature + g` with Gumbel noise g. The noise of a token is
a hash of (seed, problem id, sample index, position, token): no generator is advanced, so nothing
that other rows do, and no restart, can change it.
"""

import hashlib
from typing import Final

import torch
from torch import Tensor

from knm.records import Request

_WORD: Final = 0xFFFFFFFF
_AT_ONCE: Final = 1 << 17  # logits that are worked on together: what a processor's caches hold
_MOST_NOISE: Final = 23.0  # Gumbel noise of 32 bits: at most -log(2 ** -33)


def noise_key(request: Request) -> int:
    """What the noise of a request is drawn from: 62 bits."""
    text = f"{request.sampling.seed}\0{request.sample}\0{request.id}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 2


def gumbel(keys: Tensor, positions: Tensor, tokens: Tensor) -> Tensor:
    """Gumbel noise (B, n) float64 of `keys` and `positions` (B,) for `tokens` (n,) or (B, n)."""
    low = _mix((keys & _WORD) ^ _mix(positions))
    high = _mix((keys >> 32) + positions)
    words = _mix(_mix(tokens ^ low[:, None]) + high[:, None])
    uniform = (words.double() + 0.5) / (_WORD + 1.0)
    return -torch.log(-torch.log(uniform))


def sample(
    logits: Tensor, temperature: Tensor, top_p: Tensor | None, keys: Tensor, positions: Tensor
) -> Tensor:
    """Draw a token (B,) for each row of logits (B, V) float32.

    `temperature` and `top_p` (B,) float32; rows of temperature 0 give no meaningful token. With
    `top_p` it is one of the nucleus: the fewest tokens, the likeliest first and of equals the first
    of the vocabulary, whose probabilities reach `top_p`; at least one.
    """
    rows = max(1, _AT_ONCE // logits.shape[1])
    parts = (logits, temperature, top_p, keys, positions)
    split = [[None] * len(logits) if part is None else torch.split(part, rows) for part in parts]
    return torch.cat([_draw(*part) for part in zip(*split, strict=False)])


def _draw(
    logits: Tensor, temperature: Tensor, top_p: Tensor | None, keys: Tensor, positions: Tensor
) -> Tensor:
    scaled = logits.double() / temperature.double().clamp_min(1e-6)[:, None]
    highest, likeliest = scaled.max(1, keepdim=True)
    tokens = torch.arange(scaled.shape[1], device=logits.device)
    if 2 * len(tokens) > _AT_ONCE:  # a row by itself, so that others do not decide what is summed
        # Noise takes most of the time: tokens go without that could not win with the most of it.
        least = highest + gumbel(keys, positions, likeliest) - _MOST_NOISE
        tokens = (~(scaled < least))[0].nonzero()[:, 0]
    near = scaled[:, tokens]
    scores = near + gumbel(keys, positions, tokens)
    place = scores.argmax(1)
    if top_p is None:
        return tokens[place]
    # Whether a token is of the nucleus needs no sorting, only the sum of those before it, which are
    # all near; one that is not leaves those before it to choose from.
    mass = (near - highest).exp()
    bound = top_p.double() * (scaled - highest).exp().sum(1)
    places = torch.arange(len(tokens), device=logits.device)
    while True:
        chosen = near.gather(1, place[:, None])
        before = (near > chosen) | ((near == chosen) & (places < place[:, None]))
        outside = (mass * before).sum(1) >= bound
        outside &= before.any(1)
        if not outside.any():
            return tokens[place]
        scores = scores.masked_fill(~before, -torch.inf)
        place = torch.where(outside, scores.argmax(1), place)


def _mix(words: Tensor) -> Tensor:
    """Scramble the low 32 bits of int64 words."""
    words = words & _WORD
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & _WORD
    words = ((words ^ (words >> 15)) * 0x846CA68B) & _WORD
    return words ^ (words >> 16)
