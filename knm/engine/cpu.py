"""The CPU's kernels: plain torch, and attention one row at a time."""

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

from knm.engine.decoder import Decoder, TorchOperations
from knm.retrieval import LMOutput


class CpuKernels(TorchOperations):
    """Reads of each slot just what it has written: no mask, no padding, no neighbour."""

    def attend(
        self,
        decoder: Decoder,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        positions: Tensor,  # noqa: ARG002
        lengths: Sequence[int],
    ) -> Tensor:
        """Attend with q (B, heads, D) to the first `lengths` of keys and values.

        These are (B, kv heads, capacity, D). Returns (B, heads * D).
        """
        out = q.new_empty(q.shape)
        for row, length in enumerate(lengths):
            part = slice(row, row + 1)
            out[row] = functional.scaled_dot_product_attention(
                q[part, :, None],
                keys[part, :, :length],
                values[part, :, :length],
                scale=decoder.attention_scale,
                enable_gqa=decoder.heads != decoder.key_value_heads,
            )[0, :, 0]
        return out.flatten(1)

    def read_logits(self, logits: Tensor) -> LMOutput:
        """What the LM says, from logits (B, V)."""
        return LMOutput.read(logits)
