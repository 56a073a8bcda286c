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

    `temperature` and `top_p` (B,) float32; rows of temperature 0 give no meaningful token. Without
    `top_p` nothing is cut off.
    """
    scaled = logits.double() / temperature.double().clamp_min(1e-6)[:, None]
    scores = scaled + gumbel(keys, positions, logits.shape[1])
    if top_p is not None:
        scores = scores.masked_fill(_outside_nucleus(scaled, top_p), -torch.inf)
    return scores.argmax(1)


def _outside_nucleus(scaled: Tensor, top_p: Tensor) -> Tensor:
    """Tokens (B, V) that are not among the fewest whose probabilities reach `top_p`."""
    order = scaled.sort(dim=1, descending=True, stable=True).indices
    probabilities = scaled.softmax(1).gather(1, order)
    before = probabilities.cumsum(1) - probabilities
    outside = before >= top_p.double()[:, None]
    outside[:, 0] = False
    return torch.zeros_like(outside).scatter(1, order, outside)


def _mix(words: Tensor) -> Tensor:
    """Scramble the low 32 bits of int64 words."""
    words = words & _WORD
    words = ((words ^ (words >> 16)) * 0x7FEB352D) & _WORD
    words = ((words ^ (words >> 15)) * 0x846CA68B) & _WORD
    return words ^ (words >> 16)
