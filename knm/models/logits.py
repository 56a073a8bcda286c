"""The most likely tokens of logits and how likely they are."""

from typing import Final

import torch
from torch import Tensor

_BLOCK: Final = 4096  # of the vocabulary that one program reads


def read_top(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Argmax (B,) int64, its logit (B,) float32 and its log-probability (B,) float64.

    Of logits (B, V) of any float type, each row by itself.
    """
    if logits.device.type == "cuda":
        return _read_on_device(logits)
    # log_softmax works row by row: unlike exp it does not round by an element's place.
    log_probs = logits.float().log_softmax(-1)
    top, token = logits.max(-1)
    confidence = log_probs.gather(-1, token[:, None])[:, 0].double().clamp_max(0.0)
    return token, top.float(), confidence


def read_next(logits: Tensor, token: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` likeliest other than `token` (B,): logits float32 and tokens int64, (B, count).

    Of logits (B, V) of any float type, each row by itself; of equal ones the lowest token first.
    """
    if logits.device.type == "cuda":
        return _read_next_on_device(logits, token, count)
    found = []
    for _ in range(count):
        logits = logits.scatter(1, token[:, None], -torch.inf)
        top, token = logits.max(1)
        found.append((top.float(), token))
    tops, tokens = zip(*found, strict=True)
    return torch.stack(tops, 1), torch.stack(tokens, 1)


def _read_next_on_device(logits: Tensor, token: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """In one pass over the logits: the best of each block, then the best of them."""
    import triton

    from knm.models import logit_kernels

    rows, vocabulary = logits.shape
    blocks = triton.cdiv(vocabulary, _BLOCK)
    tops = torch.empty((rows, blocks, count), device=logits.device)
    tokens = torch.empty((rows, blocks, count), dtype=torch.int64, device=logits.device)
    logit_kernels.read_next_kernel[(rows, blocks)](
        logits.contiguous(), token, tops, tokens, vocabulary, blocks, COUNT=count, BLOCK=_BLOCK
    )
    # Blocks and what is of each stand in the order of tokens where logits are equal.
    best = tops.flatten(1).sort(dim=1, descending=True, stable=True)
    first = best.indices[:, :count]
    return best.values[:, :count], tokens.flatten(1).gather(1, first)


def _read_on_device(logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """In one pass over the logits."""
    import triton

    from knm.models import logit_kernels

    rows, vocabulary = logits.shape
    blocks = triton.cdiv(vocabulary, _BLOCK)
    device = logits.device
    tops, sums = torch.empty((2, rows, blocks), device=device)
    tokens = torch.empty((rows, blocks), dtype=torch.int32, device=device)
    logit_kernels.read_logits_kernel[(rows, blocks)](
        logits.contiguous(), tops, tokens, sums, vocabulary, blocks, BLOCK=_BLOCK
    )
    top = torch.empty(rows, device=device)
    token = torch.empty(rows, dtype=torch.int64, device=device)
    confidence = torch.empty(rows, dtype=torch.float64, device=device)
    logit_kernels.join_logits_kernel[(rows,)](
        tops,
        tokens,
        sums,
        top,
        token,
        confidence,
        blocks,
        PADDED=triton.next_power_of_2(blocks),
        num_warps=1,
    )
    return token, top, confidence.clamp_max(0.0)
