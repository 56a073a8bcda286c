"""The CPU's kernels: plain torch, and compiled ones in their place where there are any."""

import ctypes
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from knm.engine.decoder import Decoder, Layer, Norm, Placement, TorchOperations
from knm.engine.native import compiled_kernels
from knm.engine.sampling import sample

_LANES: Final = 16  # elements; compiled kernels take whole vectors
_WIDEST_HEAD: Final = 256


class CpuKernels(TorchOperations):
    """Reads of each slot just what it has written: no mask, no padding, no neighbour."""

    heads_first = True  # attention reads a head's places in a row, half as long again otherwise

    def attend(
        self,
        decoder: Decoder,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        slots: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Attend with q (B, heads, D) to places 0 to `positions` (B,) of `slots` (B,).

        Keys and values are (slots, capacity, kv heads, D). Returns (B, heads * D).
        """
        shared = decoder.heads != decoder.key_value_heads
        keys, values = keys.transpose(1, 2), values.transpose(1, 2)
        parts = [
            functional.scaled_dot_product_attention(
                q[row : row + 1, :, None],
                keys[slot : slot + 1, :, : last + 1],
                values[slot : slot + 1, :, : last + 1],
                scale=decoder.attention_scale,
                enable_gqa=shared,
            )
            for row, (slot, last) in enumerate(zip(slots.tolist(), positions.tolist(), strict=True))
        ]
        return torch.cat(parts).flatten(1)

    def sample(
        self,
        logits: Tensor,
        temperature: Tensor,
        top_p: Tensor | None,
        keys: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Draw a token (B,) for each row of logits (B, V)."""
        return sample(logits.float(), temperature, top_p, keys, positions)


class CompiledKernels(CpuKernels):
    """One call for all rows, each a pass or two over its memory.

    What the functions of `native/kernels.c` do not know (layer norms, other activations, odd
    widths) is left to torch.
    """

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def norm(self, x: Tensor, norm: Norm) -> Tensor:
        """Normalise x (N, H)."""
        if norm.centred or x.shape[1] % _LANES:
            return super().norm(x, norm)
        normed = torch.empty_like(x)
        self._add_norm(x, None, norm, normed, normed)
        return normed

    def add_norm(self, x: Tensor, residual: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """Add x to the residual stream and normalise it."""
        if norm.centred or x.shape[1] % _LANES:
            return super().add_norm(x, residual, norm)
        normed, total = torch.empty_like(x), torch.empty_like(x)
        self._add_norm(x, residual, norm, normed, total)
        return normed, total

    def place_heads(
        self, decoder: Decoder, layer: Layer, qkv: Tensor, positions: Tensor, into: Placement
    ) -> Tensor:
        """Store keys and values, return the queries (N, heads, D)."""
        if decoder.head_dim % (2 * _LANES):
            return super().place_heads(decoder, layer, qkv, positions, into)
        queries = qkv.new_empty(len(qkv), decoder.heads, decoder.head_dim)
        norm, rope = layer.qk_norm, decoder.rope
        row, place, head, _ = into.keys.stride()
        self._library.place_heads(
            _address(qkv),
            None if norm is None else _address(norm.weight),
            0.0 if norm is None else norm.eps,
            None if rope is None else _address(rope.cos),
            None if rope is None else _address(rope.sin),
            _address(positions),
            _address(into.rows),
            queries.data_ptr(),
            into.keys.data_ptr(),
            into.values.data_ptr(),
            row,
            place,
            head,
            len(qkv),
            decoder.heads,
            decoder.key_value_heads,
            decoder.head_dim,
            torch.get_num_threads(),
        )
        return queries

    def activate(self, decoder: Decoder, x: Tensor) -> Tensor:
        """Activate x (N, I), or gate it from (N, 2 I)."""
        width = x.shape[1] // 2
        if not (decoder.gated and decoder.activation is functional.silu) or width % _LANES:
            return super().activate(decoder, x)
        out = x.new_empty(len(x), width)
        self._library.gate(_address(x), out.data_ptr(), len(x), width, torch.get_num_threads())
        return out

    def attend(
        self,
        decoder: Decoder,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        slots: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Attend with q (B, heads, D) to places 0 to `positions` (B,) of `slots` (B,).

        Raises:
            MemoryError: there is none for the scores.
        """
        rows, heads, dim = q.shape
        if dim % _LANES or dim > _WIDEST_HEAD:
            return super().attend(decoder, q, keys, values, slots, positions)
        q, out = q.contiguous(), q.new_empty(rows, heads * dim)
        row, place, head, _ = keys.stride()
        failed = self._library.attend(
            _address(q),
            keys.data_ptr(),
            values.data_ptr(),
            _address(slots),
            _address(positions),
            out.data_ptr(),
            row,
            place,
            head,
            rows,
            heads,
            decoder.key_value_heads,
            dim,
            decoder.attention_scale,
            torch.get_num_threads(),
        )
        if failed:
            raise MemoryError("none for the scores of attention")
        return out

    def _add_norm(
        self, x: Tensor, residual: Tensor | None, norm: Norm, normed: Tensor, total: Tensor
    ) -> None:
        rows, width = x.shape
        self._library.add_norm(
            _address(x),
            None if residual is None else _address(residual),
            _address(norm.weight),
            normed.data_ptr(),
            total.data_ptr(),
            rows,
            width,
            norm.eps,
            torch.get_num_threads(),
        )


def kernels_for(decoder: Decoder) -> CpuKernels:
    """The fastest that there are."""
    library = compiled_kernels(decoder.dtype)
    return CpuKernels() if library is None else CompiledKernels(library)


def _address(tensor: Tensor) -> int:
    """Where a tensor begins whose elements lie in order."""
    assert tensor.is_contiguous()
    return tensor.data_ptr()
