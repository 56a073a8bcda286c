"""Sampling for `generate`: noise that belongs to a request and a position, not to a batch."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import LogitsProcessor

from knm.engine.records import Request


class SamplingNoise(LogitsProcessor):  # type: ignore[misc]
    """Turns the argmax of a sampled row into a draw: scaled log-probabilities plus Gumbel noise.

    The noise comes from the request's seed, id and sample index and the position, on the CPU.
    Greedy rows stay as they are. `prompt_length` is that of the padded batch.
    """

    def __init__(self, requests: Sequence[Request], prompt_length: int) -> None:
        self._requests = requests
        self._prompt_length = prompt_length

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores (B, V) whose argmax is the next token of each row."""
        position = input_ids.shape[1] - self._prompt_length
        rows = [
            row if request.sampling.temperature == 0 else self._draw(request, position, row)
            for request, row in zip(self._requests, scores, strict=True)
        ]
        return torch.stack([row.to(scores.dtype) for row in rows])

    def _draw(self, request: Request, position: int, scores: Tensor) -> Tensor:
        log_probs = (scores.float() / request.sampling.temperature).log_softmax(-1)
        if request.sampling.top_p < 1:
            log_probs = _nucleus(log_probs, request.sampling.top_p)
        generator = torch.Generator().manual_seed(_seed(request, position))
        uniform = torch.rand(len(scores), generator=generator, dtype=torch.float64)
        gumbel = -(-uniform.log()).log()
        return log_probs + gumbel.to(log_probs)


def _nucleus(log_probs: Tensor, top_p: float) -> Tensor:
    """Keep the fewest most likely tokens whose probabilities reach `top_p`."""
    ordered, order = log_probs.sort(descending=True)
    before = ordered.exp().cumsum(-1) - ordered.exp()
    ordered = ordered.masked_fill(before >= top_p, -torch.inf)
    return torch.empty_like(log_probs).scatter(-1, order, ordered)


def _seed(request: Request, position: int) -> int:
    text = f"{request.sampling.seed}\n{request.sample}\n{position}\n{request.id}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
