"""What the LM says at a step, and what is made of it: logits, written out or not."""

from dataclasses import dataclass

import torch
from torch import Tensor

from knm.models.logits import BlockTops, read_top


@dataclass(frozen=True)
class LMOutput:
    """The LM's `logits` (B, V) and what weights and fusions need of them.

    `token` (B,) int64 is the argmax, `top` (B,) float32 its logit and `log_confidence` (B,) float64
    the logarithm of its probability. `blocks` are the highest logits of each block of the
    vocabulary, None on a CPU.
    """

    logits: Tensor
    token: Tensor
    top: Tensor
    log_confidence: Tensor
    blocks: BlockTops | None = None

    @classmethod
    def read(cls, logits: Tensor) -> "LMOutput":
        """Read logits (B, V) of any float type, each row by itself."""
        logits = logits.contiguous()  # kernels go by rows, and vLLM's are a part of wider ones
        return cls(logits, *read_top(logits.detach()))

    def rows(self, places: Tensor) -> "LMOutput":
        """The same of some rows, by their numbers (n,)."""
        return LMOutput(
            self.logits[places],
            self.token[places],
            self.top[places],
            self.log_confidence[places],
            self.blocks and self.blocks.rows(places),
        )

    @property
    def log_sum(self) -> Tensor:
        """The logarithm of the sum of the exponentials of the logits, (B,) float64."""
        return self.top.double() - self.log_confidence


@dataclass(frozen=True)
class MixedLogits:
    """Logits after a mixture: all of a row moved by `shift`, some tokens set to what they became.

    `shift` (B,) float32; `at_tokens` (B, k) float32 are the logits of `tokens` (B, k) int64, -inf
    where there is none; rows that are not `usable` (B,) are the LM's. `token` (B,) is the argmax.
    """

    lm: LMOutput
    shift: Tensor
    tokens: Tensor
    at_tokens: Tensor
    usable: Tensor
    token: Tensor

    def dense(self) -> Tensor:
        """The whole distribution (B, V) float32, on the scale of the LM's logits."""
        original = self.lm.logits.float()
        mixed = original + self.shift[:, None]
        mixed = mixed.scatter_reduce(1, self.tokens, self.at_tokens, "amax")
        return torch.where(self.usable[:, None], mixed, original)


@dataclass(frozen=True)
class MovedLogits:
    """Logits that are the LM's but for some tokens' of each row.

    `moved` (B, m) float32 are those of `tokens` (B, m) int64; places that name the same token tell
    the same. `token` (B,) is the argmax, in rows without a NaN.
    """

    lm: LMOutput
    tokens: Tensor
    moved: Tensor
    token: Tensor

    @classmethod
    def of(cls, lm: LMOutput, tokens: Tensor, moved: Tensor, usable: Tensor) -> "MovedLogits":
        """Find the argmax; rows that are not `usable` (B,) have the LM's, as nothing moved."""
        top, others = lm.logits.scatter(1, tokens, -torch.inf).max(-1)
        token = likelier(tokens, moved, others, top.float())
        return cls(lm, tokens, moved, torch.where(usable, token, lm.token))

    def dense(self) -> Tensor:
        """The whole distribution (B, V) float32."""
        logits = self.lm.logits.to(torch.float32, copy=True)
        return logits.scatter_(1, self.tokens, self.moved)


def likelier(tokens: Tensor, at_tokens: Tensor, other: Tensor, top: Tensor) -> Tensor:
    """The tokens (B,) of the highest logits, those `at_tokens` (B, m) and `top` (B,) of `other`.

    Of equals the lowest, as argmax has it.
    """
    best = at_tokens.amax(1)
    beyond = torch.iinfo(torch.int64).max
    raised = tokens.masked_fill(at_tokens != best[:, None], beyond).amin(1)
    token = torch.where(best > top, raised, other)
    return torch.where(best == top, torch.minimum(raised, other), token)


@dataclass(frozen=True)
class ExchangedLogits:
    """Logits in which the likeliest token of a row and another exchanged theirs.

    `token` (B,) int64 is that other one, which is the argmax now; rows in which it is the LM's own
    are the LM's to the bit. It gets the least number above the LM's highest logit, so that an equal
    one of a third token cannot hide it.
    """

    lm: LMOutput
    token: Tensor

    def dense(self) -> Tensor:
        """The whole distribution (B, V) float32."""
        original = self.lm.logits.float()
        theirs, ours = self.lm.token[:, None], self.token[:, None]
        top, lower = original.gather(1, theirs), original.gather(1, ours)
        above = torch.nextafter(top, torch.full_like(top, torch.inf))
        raised = torch.where(ours == theirs, top, above)
        return original.scatter(1, theirs, lower).scatter(1, ours, raised)


@dataclass(frozen=True)
class DenseLogits:
    """Logits (B, V) float32 that are written out, and their argmax `token` (B,) int64."""

    logits: Tensor
    token: Tensor

    def dense(self) -> Tensor:
        """The whole distribution (B, V)."""
        return self.logits
