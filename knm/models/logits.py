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
