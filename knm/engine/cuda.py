"""The GPU's kernels, and decoding steps replayed as CUDA graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
import triton
from torch import Tensor
from torch.nn import functional

from knm.engine import kernels
from knm.engine.decoder import Decoder, Layer, Norm, Placement, TorchOperations, forward
from knm.engine.packing import Layout, Part, lay_out
from knm.engine.phases import Phase, phase
from knm.engine.program import Mode, SlotProgram, placement
from knm.models.transfers import device_copy

_SPLIT: Final = 256  # places that one program of the attention reads
_PLACES: Final = 64  # of them at a time
_CHOICES: Final = 2048  # tokens of the vocabulary that sampling reads at a time
_WARM_UP: Final = 2
_PREFILL: Final = 2048  # tokens that one prefill computes
_QUERIES: Final = 64  # of them that one program of its attention handles: all of one prompt
_PREFIX: Final = 32  # tokens; prompts share a prefill in whole multiples of them


class CudaKernels(TorchOperations):
    """Triton where torch would need several passes: RMS norms, rotary heads, gates, attention."""

    heads_first = False

    def norm(self, x: Tensor, norm: Norm) -> Tensor:
        """Normalise x (N, H)."""
        if norm.centred:
            return super().norm(x, norm)
        normed = torch.empty_like(x)
        self._add_norm(x, x, norm, normed, normed, add=False)
        return normed

    def add_norm(self, x: Tensor, residual: Tensor, norm: Norm) -> tuple[Tensor, Tensor]:
        """Add x to the residual stream and normalise it."""
        if norm.centred:
            return super().add_norm(x, residual, norm)
        normed, total = torch.empty_like(x), torch.empty_like(x)
        self._add_norm(x, residual, norm, normed, total, add=True)
        return normed, total

    def place_heads(
        self, decoder: Decoder, layer: Layer, qkv: Tensor, positions: Tensor, into: Placement
    ) -> Tensor:
        """Store keys and values, return the queries (N, heads, D)."""
        heads, kv_heads, dim = decoder.heads, decoder.key_value_heads, decoder.head_dim
        queries = qkv.new_empty(len(qkv), heads, dim)
        norm, rope = layer.qk_norm, decoder.rope
        kernels.place_heads_kernel[(len(qkv), heads + 2 * kv_heads)](
            qkv,
            qkv if norm is None else norm.weight,
            qkv if rope is None else rope.cos,
            qkv if rope is None else rope.sin,
            positions,
            into.places,
            queries,
            into.keys,
            into.values,
            0.0 if norm is None else norm.eps,
            HEADS=heads,
            KV_HEADS=kv_heads,
            HALF=dim // 2,
            BLOCK=triton.next_power_of_2(dim // 2),
            NORM=norm is not None,
            ROPE=rope is not None,
            num_warps=1,
        )
        return queries

    def activate(self, decoder: Decoder, x: Tensor) -> Tensor:
        """Activate x (N, I), or gate it from (N, 2 I)."""
        if not (decoder.gated and decoder.activation is functional.silu):
            return super().activate(decoder, x)
        width = x.shape[1] // 2
        out = x.new_empty(len(x), width)
        kernels.gate_kernel[(len(x), triton.cdiv(width, 1024))](x, out, width, BLOCK=1024)
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
        """Attend with q (B, heads, D) to keys and values (slots, capacity, kv heads, D)."""
        rows, heads, dim = q.shape
        capacity, kv_heads = keys.shape[1:3]
        splits = triton.cdiv(capacity, _SPLIT)
        partial = torch.empty((rows, heads, splits, dim), device=q.device)
        summary = torch.empty((rows, heads, splits, 2), device=q.device)
        dim_block = max(16, triton.next_power_of_2(dim))
        kernels.attend_kernel[(rows, kv_heads, splits)](
            q,
            keys,
            values,
            slots,
            positions,
            partial,
            summary,
            decoder.attention_scale,
            capacity,
            splits,
            HEADS=heads,
            KV_HEADS=kv_heads,
            DIM=dim,
            GROUP=max(16, triton.next_power_of_2(heads // kv_heads)),
            DIM_BLOCK=dim_block,
            SPLIT=_SPLIT,
            BLOCK=_PLACES if q.dtype.itemsize == 2 else _PLACES // 2,
            num_warps=4,
            num_stages=3,
        )
        out = torch.empty_like(q)
        kernels.join_kernel[(rows, heads)](
            partial,
            summary,
            positions,
            out,
            splits,
            HEADS=heads,
            DIM=dim,
            DIM_BLOCK=dim_block,
            SPLIT=_SPLIT,
            num_warps=1,
        )
        return out.flatten(1)

    def sample(
        self,
        logits: Tensor,
        temperature: Tensor,
        top_p: Tensor | None,
        keys: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Draw a token (B,) for each row of logits (B, V), which is read two times or so."""
        rows, vocabulary = logits.shape
        drawn = torch.empty(rows, dtype=torch.int64, device=logits.device)
        kernels.sample_kernel[(rows,)](
            logits.contiguous(),
            temperature,
            temperature if top_p is None else top_p,
            keys,
            positions,
            drawn,
            vocabulary,
            NUCLEUS=top_p is not None,
            BLOCK=_CHOICES,
            num_warps=8,
        )
        return drawn

    def _add_norm(
        self, x: Tensor, residual: Tensor, norm: Norm, normed: Tensor, total: Tensor, *, add: bool
    ) -> None:
        width = x.shape[1]
        kernels.add_norm_kernel[(len(x),)](
            x,
            residual,
            norm.weight,
            normed,
            total,
            width,
            norm.eps,
            ADD=add,
            BLOCK=triton.next_power_of_2(width),
            num_warps=8 if width >= 2048 else 4,
        )


def attend_prompts(
    decoder: Decoder, q: Tensor, keys: Tensor, values: Tensor, blocks: Tensor
) -> Tensor:
    """Causal attention of q (T, heads, D) to keys and values (slots, capacity, kv heads, D).

    `blocks` (T / _QUERIES, 3) are the slot, first position and number of tokens of each block of
    rows, which are of one prompt. Returns (T, heads * D), of whose rows those beyond a block's
    tokens hold nothing.
    """
    out = torch.empty_like(q)
    small = q.dtype.itemsize == 2
    kernels.attend_prompts_kernel[(len(blocks), decoder.heads)](
        q,
        keys,
        values,
        blocks,
        out,
        decoder.attention_scale,
        keys.shape[1],
        HEADS=decoder.heads,
        KV_HEADS=decoder.key_value_heads,
        DIM=decoder.head_dim,
        DIM_BLOCK=max(16, triton.next_power_of_2(decoder.head_dim)),
        QUERIES=_QUERIES,
        BLOCK=_PLACES if small else _PLACES // 2,
        num_warps=4,
        num_stages=3 if small else 2,
    )
    return out.flatten(1)


@dataclass(frozen=True)
class _PromptInputs:
    """What a prefill reads: `flat` is all of it, the others are views; see `Layout`."""

    flat: Tensor
    tokens: Tensor
    positions: Tensor
    slots: Tensor
    blocks: Tensor

    @classmethod
    def allocate(cls, spare: int, device: torch.device) -> "_PromptInputs":
        """Of a prefill of nothing."""
        blocks = _PREFILL // _QUERIES
        flat = torch.zeros(3 * (_PREFILL + blocks), dtype=torch.int64, device=device)
        tokens, positions, slots, table = torch.split(flat, [_PREFILL] * 3 + [3 * blocks])
        slots.fill_(spare)
        return cls(flat, tokens, positions, slots, table.view(blocks, 3))

    def fill(self, layout: Layout) -> None:
        """Let the next prefill read `layout`; the host does not wait."""
        parts = (layout.tokens, layout.positions, layout.slots, layout.blocks.ravel())
        self.flat.copy_(device_copy(np.concatenate(parts), self.flat.device))


class CudaProgram(SlotProgram):
    """Replays each step as a graph, unless the searcher works on the host; prefills too.

    A graph is captured when it is first needed, and again when the cache has grown. A prefill
    always computes `_PREFILL` tokens of whatever prompts wait: what comes out for a token depends
    on its prompt alone, as in a step.
    """

    waits = False
    prefix_unit = _PREFIX
    prefill_tokens = _PREFILL

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._steps: dict[tuple[Mode, bool], torch.cuda.CUDAGraph] = {}
        self._prompts: torch.cuda.CUDAGraph | None = None
        self._pool = torch.cuda.graph_pool_handle()
        super().__init__(*arguments, **options)
        self._inputs = _PromptInputs.allocate(self._slots, self._decoder.device)
        self._capturable = self._retriever is None or self._retriever.on_device

    def grow(self, capacity: int) -> None:
        """Make room for longer sequences; those in the slots stay."""
        self._steps.clear()
        self._prompts = None
        # A pool that no graph uses any more cannot be used again.
        self._pool = torch.cuda.graph_pool_handle()
        super().grow(capacity)

    def _prefill(self, parts: Sequence[Part]) -> None:
        for layout in lay_out(parts, _PREFILL, _QUERIES, self._slots):
            if self._prompts is None:
                self._prompts = self._capture(self._forward_prompts)
            self._inputs.fill(layout)
            self._prompts.replay()

    def _forward_prompts(self) -> None:
        inputs = self._inputs
        forward(
            self._decoder,
            self._kernels,
            inputs.tokens,
            inputs.positions,
            placement(self._cache, inputs.slots, inputs.positions),
            self._attend_prompts,
        )

    def _attend_prompts(self, layer: int, q: Tensor) -> Tensor:
        """Causal attention of q (T, heads, D) to what the cache holds of each block's slot."""
        keys, values = self._cache[layer]
        return attend_prompts(self._decoder, q, keys, values, self._inputs.blocks)

    def _take_step(self, mode: Mode, *, drafting: bool) -> None:
        if not self._capturable:
            self._step(mode, drafting=drafting)
            return
        if (mode, drafting) not in self._steps:
            # What the trials do to the slots' state is undone.
            saved = [part.clone() for part in self._state.parts()]
            self._steps[mode, drafting] = self._capture(lambda: self._step(mode, drafting=drafting))
            for part, before in zip(self._state.parts(), saved, strict=True):
                part.copy_(before)
        self._steps[mode, drafting].replay()

    def _capture(self, work: Callable[[], None]) -> torch.cuda.CUDAGraph:
        """Record what `work` asks of the device, after trials that compile and choose kernels."""
        with phase(Phase.CAPTURE):
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                for _ in range(_WARM_UP):
                    work()
            torch.cuda.current_stream().wait_stream(stream)
            graph = torch.cuda.CUDAGraph()
            # One pool for all: graphs run one after the other, and leave results outside it.
            with torch.cuda.graph(graph, pool=self._pool):
                work()
            return graph

    def _mark(self) -> Callable[[], None]:
        event = torch.cuda.Event()  # type: ignore[no-untyped-call]
        event.record()
        return event.synchronize
