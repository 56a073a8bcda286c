"""The trunk of a decoder-only LM as plain tensors, and its forward pass over loose tokens.

What it knows: layers, norms, rotary embeddings. What it does not: how tokens are attended to (the
caller's `Attend`), which kernels compute (an `Operations`), and where the tensors came from
(`knm.engine.architectures`). Tokens are rows (N, ...): in prefill those of one prompt, in decoding
one of each slot.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from knm.models.capture import join_states
from knm.models.keys import Point, Tap

# q (N, heads, D) of a layer's index -> what was attended to (N, heads * D).
Attend = Callable[[int, Tensor], Tensor]
# Elements below which torch computes an elementwise operation in one piece.
_GRAIN = 32_768


@dataclass(frozen=True)
class Norm:
    """RMS norm, or layer norm where `centred`. `weight` and `bias` (H,)."""

    weight: Tensor
    bias: Tensor | None
    eps: float
    centred: bool


@dataclass(frozen=True)
class Linear:
    """`weight` (out, in), `bias` (out,) or None."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """Map x (N, in) to (N, out)."""
        return functional.linear(x, self.weight, self.bias)


@dataclass(frozen=True)
class Layer:
    """One block. `qkv` gives queries, keys and values; `up` gate and up halves where it is gated.

    `qk_norm` (heads + key_value_heads, D) are the weights of the norm of each query and key head.
    """

    attention_norm: Norm
    qkv: Linear
    qk_norm: Norm | None
    attention_out: Linear
    mlp_norm: Norm
    up: Linear
    down: Linear


@dataclass(frozen=True)
class Rope:
    """Rotary embedding: `cos` and `sin` (positions, D), in the model's dtype."""

    cos: Tensor
    sin: Tensor


@dataclass(frozen=True)
class Decoder:
    """A trunk and its head. Exactly one of `rope` and `learned_positions` (positions, H) is set."""

    embedding: Tensor
    learned_positions: Tensor | None
    rope: Rope | None
    layers: tuple[Layer, ...]
    final_norm: Norm
    head: Linear
    heads: int
    key_value_heads: int
    head_dim: int
    attention_scale: float
    activation: Callable[[Tensor], Tensor]
    gated: bool
    max_positions: int

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.embedding.device

    @property
    def dtype(self) -> torch.dtype:
        """What it computes in."""
        return self.embedding.dtype

    @property
    def weight_bytes(self) -> int:
        """Bytes that one decoding step has to read: all weights but the embedding."""
        linears = [self.head]
        for layer in self.layers:
            linears += [layer.qkv, layer.attention_out, layer.up, layer.down]
        return sum(linear.weight.nbytes for linear in linears)


class Operations(Protocol):
    """The kernels between matrix products. A row's result never depends on the other rows."""

    def norm(self, x: Tensor, norm: Norm) -> Tensor:
        """Normalise x (N, H)."""
        ...

    def add_norm(self, x: Tensor, residual: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """`s = x + residual` (N, H): returns (norm(s), s)."""
        ...

    def place_heads(
        self, decoder: Decoder, layer: Layer, qkv: Tensor, positions: Tensor, into: "Placement"
    ) -> Tensor:
        """Split qkv (N, (heads + 2 kv heads) * D), norm and rotate q and k, store k and v.

        Returns q (N, heads, D).
        """
        ...

    def activate(self, decoder: Decoder, x: Tensor) -> Tensor:
        """The MLP's activation: (N, I), or gated from (N, 2 I) to (N, I)."""
        ...


@dataclass(frozen=True)
class Placement:
    """Where a layer's keys and values go: token n to `keys[rows[n], positions[n]]`.

    `keys` and `values` (slots, capacity, kv heads, D), in whatever order memory holds them; `rows`,
    `positions` and `places` (N,) int64, the last being `rows * capacity + positions`.
    """

    keys: Tensor
    values: Tensor
    rows: Tensor
    positions: Tensor
    places: Tensor


def forward(
    decoder: Decoder,
    operations: Operations,
    tokens: Tensor,
    positions: Tensor,
    place: Callable[[int], Placement],
    attend: Attend,
    taps: Sequence[Tap] = (),
) -> tuple[Tensor, Tensor | None]:
    """What the head receives (N, H) of `tokens` (N,) at `positions` (N,), both int64.

    Beside it the keys (N, W) of the states at `taps`; None where there are none.
    """
    states: dict[Tap, Tensor] = {}

    def keep(tap: Tap, state: Tensor) -> None:
        if tap in taps:
            states[tap] = state

    x = functional.embedding(tokens, decoder.embedding)
    if decoder.learned_positions is not None:
        x = x + functional.embedding(positions, decoder.learned_positions)
    normed = operations.norm(x, decoder.layers[0].attention_norm)
    following = [layer.attention_norm for layer in decoder.layers[1:]] + [decoder.final_norm]
    for index, layer in enumerate(decoder.layers):
        qkv = layer.qkv(normed)
        q = operations.place_heads(decoder, layer, qkv, positions, place(index))
        attended = layer.attention_out(attend(index, q))
        normed, x = operations.add_norm(attended, x, layer.mlp_norm)
        keep(Tap(Point.MLP_INPUT, index), normed)
        mlp = layer.down(operations.activate(decoder, layer.up(normed)))
        normed, x = operations.add_norm(mlp, x, following[index])
        keep(Tap(Point.RESIDUAL, index), x)
    return normed, join_states(taps, normed, states) if taps else None


class TorchOperations:
    """Plain torch, for any device.

    On a CPU torch rounds exp by an element's place in a tensor: a tail shorter than a vector, or
    the end of a thread's part, is computed by another routine. Activations are therefore computed
    in pieces of whole rows that one thread handles; `architectures` pads rows to whole vectors.
    """

    def norm(self, x: Tensor, norm: Norm) -> Tensor:
        """Normalise x (N, H)."""
        if norm.centred:
            return functional.layer_norm(x, norm.weight.shape, norm.weight, norm.bias, norm.eps)
        return _rms(x, norm.eps) * norm.weight

    def add_norm(self, x: Tensor, residual: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """Add x to the residual stream and normalise it."""
        total = x + residual
        return self.norm(total, norm), total

    def place_heads(
        self, decoder: Decoder, layer: Layer, qkv: Tensor, positions: Tensor, into: Placement
    ) -> Tensor:
        """Store keys and values, return the queries (N, heads, D)."""
        heads = qkv.view(len(qkv), -1, decoder.head_dim)
        turned = decoder.heads + decoder.key_value_heads
        qk, v = heads[:, :turned], heads[:, turned:]
        if layer.qk_norm is not None:
            qk = _rms(qk, layer.qk_norm.eps) * layer.qk_norm.weight
        if decoder.rope is not None:
            cos = functional.embedding(positions, decoder.rope.cos)[:, None]
            sin = functional.embedding(positions, decoder.rope.sin)[:, None]
            first, second = qk.chunk(2, -1)
            qk = qk * cos + torch.cat([-second, first], -1) * sin
        into.keys[into.rows, into.positions] = qk[:, decoder.heads :]
        into.values[into.rows, into.positions] = v
        return qk[:, : decoder.heads]

    def activate(self, decoder: Decoder, x: Tensor) -> Tensor:
        """Activate x in pieces of whole rows."""
        width = x.shape[1] // 2 if decoder.gated else x.shape[1]
        gate, up = (x[:, :width], x[:, width:]) if decoder.gated else (x, None)
        if x.device.type == "cpu":
            pieces = torch.split(gate.contiguous(), max(1, _GRAIN // width))
            active = torch.cat([decoder.activation(piece) for piece in pieces])
        else:
            active = decoder.activation(gate)
        return active if up is None else active * up


def _rms(x: Tensor, eps: float) -> Tensor:
    wide = x.float()
    return (wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + eps)).to(x.dtype)
