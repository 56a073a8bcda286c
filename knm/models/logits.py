"""The most likely tokens of logits and how likely they are."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

BLOCK: Final = 4096  # of the vocabulary that one program of a kernel reads


@dataclass(frozen=True)
class BlockTops:
    """The highest logit of each block of `BLOCK` tokens, and the lowest token that has it.

    `tops` (B, blocks) float32, `tokens` (B, blocks) int32.
    """

    tops: Tensor
    tokens: Tensor

    def rows(self, places: Tensor) -> "BlockTops":
        """The same of some rows, by their numbers (n,)."""
        return BlockTops(self.tops[places], self.tokens[places])


def _by_kernels(logits: Tensor) -> bool:
    return logits.device.type == "cuda"


def read_top(logits: Tensor) -> tuple[Tensor, Tensor, Tensor, BlockTops | None]:
    """Argmax (B,) int64, its logit (B,) float32 and its log-probability (B,) float64.

    Of logits (B, V) of any float type, each row by itself. Behind them the highest logit of each
    block of the vocabulary; None on a CPU, which does not need them.
    """
    if _by_kernels(logits):
        return _read_on_device(logits)
    # log_softmax works row by row: unlike exp it does not round by an element's place.
    log_probs = logits.float().log_softmax(-1)
    top, token = logits.max(-1)
    confidence = log_probs.gather(-1, token[:, None])[:, 0].double().clamp_max(0.0)
    return token, top.float(), confidence, None


def read_next(logits: Tensor, token: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` likeliest other than `token` (B,): logits float32 and tokens int64, (B, count).

    Of logits (B, V) of any float type, each row by itself; of equal ones the lowest token first,
    as `read_likeliest` has them. Fewer where V is smaller.
    """
    count = min(count, logits.shape[1] - 1)
    if _by_kernels(logits):
        return _read_next_on_device(logits, token, count)
    tokens = _likeliest(logits, count + 1)
    others = (tokens != token[:, None]).byte().argsort(dim=1, descending=True, stable=True)
    tokens = tokens.gather(1, others[:, :count])
    return logits.gather(1, tokens).float(), tokens


def read_likeliest(logits: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` likeliest tokens and their log-probabilities: int64 and float64, (B, count).

    Of logits (B, V) of any float type, each row by itself, the likeliest first; of equal ones the
    lowest token first, so that the first is what `read_top` gives. Fewer where V is smaller.
    """
    count = min(count, logits.shape[1])
    if _by_kernels(logits):
        token, top, confidence, _ = read_top(logits)
        tops, tokens = read_next(logits, token, count - 1)
        behind = (tops.double() - top.double()[:, None]) + confidence[:, None]
        return torch.cat([token[:, None], tokens], 1), torch.cat([confidence[:, None], behind], 1)
    tokens = _likeliest(logits, count)
    log_probs = logits.float().log_softmax(-1)
    return tokens, log_probs.gather(1, tokens).double().clamp_max(0.0)


def _likeliest(logits: Tensor, count: int) -> Tensor:
    """The tokens of the `count` highest logits (B, V), in order; of equal ones the lowest first."""
    # One more than asked for tells whether an equal one was left out.
    best = logits.topk(min(count + 1, logits.shape[1]))
    tokens, equal = best.indices[:, :count], best.values[:, 1:] == best.values[:, :-1]
    rows = equal.any(1).nonzero()[:, 0]
    if len(rows):
        ascending = best.indices[rows].sort(1)
        values = best.values[rows].gather(1, ascending.indices)
        order = values.argsort(dim=1, descending=True, stable=True)
        tokens[rows] = ascending.values.gather(1, order)[:, :count]
    rows = equal[:, count - 1 :].any(1).nonzero()[:, 0]
    if len(rows):
        last = best.values[rows, count - 1 : count]
        columns = torch.arange(logits.shape[1], device=logits.device, dtype=torch.float32)
        lowest = torch.where(logits[rows] == last, -columns, -torch.inf).topk(count).indices
        above = (best.values[rows, :count] > last).sum(1, keepdim=True)
        place = torch.arange(count, device=logits.device)
        of_equal = lowest.gather(1, (place - above).clamp_min(0))
        tokens[rows] = torch.where(place < above, tokens[rows], of_equal)
    return tokens


def _read_next_on_device(logits: Tensor, token: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """In one pass over the logits: the best of each block, then the best of them."""
    import triton

    from knm.models import logit_kernels

    rows, vocabulary = logits.shape
    blocks = triton.cdiv(vocabulary, BLOCK)
    tops = torch.empty((rows, blocks, count), device=logits.device)
    tokens = torch.empty((rows, blocks, count), dtype=torch.int64, device=logits.device)
    logit_kernels.read_next_kernel[(rows, blocks)](
        logits.contiguous(),
        token.contiguous(),
        tops,
        tokens,
        vocabulary,
        blocks,
        COUNT=count,
        BLOCK=BLOCK,
    )
    tops, tokens = tops.flatten(1), tokens.flatten(1)
    # Blocks and what is of each stand in the order of tokens where logits are equal; what is no
    # token comes behind those that are impossible.
    order = tops.clamp_min(torch.finfo(torch.float32).min)
    order = order.masked_fill(tokens == vocabulary, -torch.inf)
    first = order.sort(dim=1, descending=True, stable=True).indices[:, :count]
    return tops.gather(1, first), tokens.gather(1, first)


def _read_on_device(logits: Tensor) -> tuple[Tensor, Tensor, Tensor, BlockTops]:
    """In one pass over the logits."""
    import triton

    from knm.models import logit_kernels

    rows, vocabulary = logits.shape
    blocks = triton.cdiv(vocabulary, BLOCK)
    device = logits.device
    tops, sums = torch.empty((2, rows, blocks), device=device)
    tokens = torch.empty((rows, blocks), dtype=torch.int32, device=device)
    logit_kernels.read_logits_kernel[(rows, blocks)](
        logits.contiguous(), tops, tokens, sums, vocabulary, blocks, BLOCK=BLOCK
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
    return token, top, confidence.clamp_max(0.0), BlockTops(tops, tokens)
