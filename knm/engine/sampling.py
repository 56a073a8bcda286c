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


def noise_key(request: Request) -> int:
    """What the noise of a request is drawn from: 62 bits."""
    text = f"{request.sampling.seed}\0{request.sample}\0{request.id}"
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 2


def gumbel(keys: Tensor, positions: Tensor, vocabulary: int) -> Tensor:
    """Gumbel noise (B, vocabulary) float64 of `keys` (B,) and `positions` (B,), both int64."""
    low = _mix((keys & _WORD) ^ _mix(positions))
    high = _mix((keys >> 32) + positions)
    tokens = torch.arange(vocabulary, device=keys.device)
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
    scaled = logits.double() / temperature.double().clamp_min(1e-6)[:, None]
    scores = scaled + gumbel(keys, positions, logits.shape[1])
    token = scores.argmax(1)
    if top_p is None:
        return token
    # Whether a token is of the nucleus needs no sorting, only the sum of those before it; one that
    # is not leaves those before it to choose from.
    mass = (scaled - scaled.amax(1, keepdim=True)).exp()
    bound = top_p.double() * mass.sum(1)
    tokens = torch.arange(logits.shape[1], device=logits.device)
    while True:
        chosen = scaled.gather(1, token[:, None])
        before = (scaled > chosen) | ((scaled == chosen) & (tokens < token[:, None]))
        outside = (mass * before).sum(1) >= bound
        outside &= before.any(1)
        if not outside.any():
            return token
        scores = scores.masked_fill(~before, -torch.inf)
        token = torch.where(outside, scores.argmax(1), token)


def _mix(words: Tensor) -> Tensor:
    """Scramble the low 32 bits of int64 words."""
    words = words & _WORD
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & _WORD
    words = ((words ^ (words >> 15)) * 0x846CA68B) & _WORD
    return words ^ (words >> 16)
