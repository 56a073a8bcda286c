"""The device's part of slot decoding: prefill, decoding steps and the cache that they share.

Rows are independent: a step always computes as many as there are slots, in the same shapes,
whichever are taken, and what is computed of a prompt depends on its tokens alone. Therefore it need
not be computed where a slot holds it already.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from knm.engine.decoder import Decoder, Operations, Placement, forward
from knm.engine.drafting import Drafting, Plan
from knm.engine.packing import Array, Part
from knm.engine.phases import Phase, phase
from knm.engine.prefixes import Beginnings, PrefixIndex
from knm.engine.state import SLOT, Admission, Found, Rows, SlotState
from knm.models.transfers import host_copy
from knm.retrieval import DecodingContext, LMOutput, Retriever

_FREE_SHARE: Final = 8  # drafts are made where one row of so many is free
_FEW_SHARE: Final = 32  # one slot of so many is looked at more often: that costs the host little


class Mode(IntEnum):
    """What the choice of tokens needs; each contains those before it."""

    GREEDY = 0
    SAMPLED = 1
    NUCLEUS = 2


class Kernels(Operations, Protocol):
    """A device's kernels.

    `heads_first` says how memory holds keys and values: of each head all places, or of each place
    all heads.
    """

    heads_first: bool

    def attend(
        self,
        decoder: Decoder,
        q: Tensor,
        keys: Tensor,
        values: Tensor,
        slots: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Attend with q (B, heads, D) to keys and values (slots, capacity, kv heads, D).

        Row b sees places 0 to `positions[b]` of slot `slots[b]`. Returns (B, heads * D).
        """
        ...

    def sample(
        self,
        logits: Tensor,
        temperature: Tensor,
        top_p: Tensor | None,
        keys: Tensor,
        positions: Tensor,
    ) -> Tensor:
        """Draw a token (B,) for each row of logits (B, V); see `knm.engine.sampling.sample`."""
        ...


@dataclass(frozen=True)
class Snapshot:
    """What a run of steps gave, on the host once it was waited for.

    `history` (n, 6, B) of steps and rows, and the neighbours.
    """

    history: Tensor
    found: Found | None
    wait: Callable[[], None]

    def places(self) -> list[tuple[Array, Array]]:
        """At which steps (n,) and rows (n,) each slot's tokens were chosen, in their order."""
        slots = self.history[:, SLOT].numpy().ravel()
        count = self.history.shape[2]
        order = np.argsort(slots, kind="stable")
        bounds = np.searchsorted(slots[order], np.arange(count + 1)).tolist()
        steps, rows = np.divmod(order, count)
        return [(steps[start:end], rows[start:end]) for start, end in pairwise(bounds)]


class SlotProgram:
    """Decodes `slots` sequences of up to `capacity` tokens, `interval` steps at a time.

    A sequence that has ended goes on until it is looked at. Where few are left, these steps would
    be nobody's: then it is a quarter of the `interval`.
    """

    def __init__(
        self,
        decoder: Decoder,
        kernels: Kernels,
        retriever: Retriever | None,
        *,
        slots: int,
        capacity: int,
        interval: int,
        draft_tokens: int,
    ) -> None:
        """Allocate cache and state.

        A free row may look into one of `draft_tokens` drafted for a slot, unless a correction
        depends on more than can be known ahead of what it would come behind.
        """
        self.capacity = capacity
        self._decoder = decoder
        self._kernels = kernels
        self._retriever = retriever
        self.interval = interval
        self._slots = slots
        self._taps = () if retriever is None else retriever.key_kind.taps(len(decoder.layers))
        self._state = SlotState.allocate(slots, interval, retriever, decoder.device)
        self._drafting: Drafting | None = None
        if draft_tokens and (retriever is None or retriever.reads_ahead):
            self._drafting = Drafting(slots, capacity, draft_tokens, decoder.device)
        self._freed: list[int] = []
        self._taken = 0
        self._prefixes = PrefixIndex(self.prefix_unit)
        self._cache = self._allocate()

    waits = True  # whether `run` returns only when the steps are done
    prefix_unit: int | None = None  # tokens; None: what a prompt shares with others is not found
    prefill_tokens = 1  # of this many a prefill costs as much as of one

    @torch.inference_mode()
    def grow(self, capacity: int) -> None:
        """Make room for longer sequences; those in the slots stay."""
        old, written = self._cache, self.capacity
        self.capacity = capacity
        self._cache = self._allocate()
        self._cache[:, :, :, :written] = old
        if self._drafting is not None:
            self._drafting.grow(capacity)

    @torch.inference_mode()
    def admit(self, admissions: Sequence[Admission], free: Sequence[int]) -> list[int]:
        """Put prompts into as many of the `free` slots; returns which, in their order.

        A prompt best takes the slot that holds its beginning. Its last token is left to the first
        step.
        """
        self._flush_freed()
        left, slots = list(free), dict[int, int]()
        waiting = [
            (number, self._prefixes.beginnings(each.prompt[:-1]))
            for number, each in enumerate(admissions)
        ]
        while waiting:
            waiting = self._begin_prompts(waiting, slots, left)
        taken = [slots[number] for number in range(len(admissions))]
        self._state.occupy(taken, admissions)
        self._taken += len(taken)
        prompts = [each.prompt for each in admissions]
        if self._drafting is not None:
            self._drafting.begin(taken, prompts)
        if self._retriever is not None and self._state.context is not None:
            self._retriever.begin(self._state.context, taken, prompts)
        return taken

    def _begin_prompts(
        self, prompts: Sequence[tuple[int, Beginnings]], slots: dict[int, int], free: list[int]
    ) -> list[tuple[int, Beginnings]]:
        """Compute what no slot holds of numbered prompts; returns those that wait for others.

        Each is given one of the `free` slots in `slots`, where it has none yet.
        """
        parts: list[Part] = []
        begun: dict[int, int] = {}  # how much of what a slot is to hold is there already
        waiting = []
        for number, prompt in prompts:
            held = self._prefixes.find(prompt)
            if number not in slots:
                slots[number] = held.slot if held is not None and held.slot in free else free[0]
                free.remove(slots[number])
            if held is not None and held.length > begun.get(held.slot, held.length):
                waiting.append((number, prompt))
                continue
            slot, shared = slots[number], 0 if held is None else held.length
            if held is not None and held.slot != slot:
                layers = self._cache[:, :, :, :shared]
                layers[:, :, slot] = layers[:, :, held.slot]
            self._prefixes.put(slot, prompt)
            if shared < len(prompt.tokens):
                parts.append(Part(slot, shared, prompt.tokens[shared:]))
                begun[slot] = shared
        self._prefill(parts)
        return waiting

    def _prefill(self, parts: Sequence[Part]) -> None:
        """Write keys and values of parts of prompts into their slots."""
        for part in parts:
            cache = self._cache[:, :, part.slot : part.slot + 1]
            self._forward_prompt(torch.tensor(part.tokens, device=self._decoder.device), cache)

    def _forward_prompt(self, tokens: Tensor, cache: Tensor) -> None:
        """Write keys and values of `tokens` (T,) to the front of a cache of one slot."""
        positions = torch.arange(len(tokens), device=tokens.device)
        forward(
            self._decoder,
            self._kernels,
            tokens,
            positions,
            placement(cache, torch.zeros_like(positions), positions),
            lambda layer, q: self._attend_prompt(q, cache[layer]),
        )

    def free(self, slot: int) -> None:
        """Take a sequence out of its slot."""
        self._freed.append(slot)

    def _flush_freed(self) -> None:
        if self._freed:
            self._state.free(self._freed)
            self._taken -= len(self._freed)
            self._freed = []

    @torch.inference_mode()
    def run(self, mode: Mode) -> Snapshot:
        """Take `interval` steps, or fewer for few sequences."""
        self._flush_freed()
        few = self._taken * _FEW_SHARE <= self._slots
        steps = max(1, self.interval // 4) if few else self.interval
        self._state.cursor.zero_()
        free = self._slots - self._taken
        drafting = self._drafting is not None and free * _FREE_SHARE >= self._slots
        with phase(Phase.DECODE, steps):
            for _ in range(steps):
                self._take_step(mode, drafting=drafting)
        found = self._state.found
        return Snapshot(
            host_copy(self._state.history[:steps]),
            None if found is None else found.host_copy(steps),
            self._mark(),
        )

    def _allocate(self) -> Tensor:
        """A cache (layers, key or value, slots + 1, capacity, kv heads, D); the last is unread."""
        decoder = self._decoder
        shape = (len(decoder.layers), 2, self._slots + 1, self.capacity)
        heads, dim = decoder.key_value_heads, decoder.head_dim
        if not self._kernels.heads_first:
            return torch.zeros((*shape, heads, dim), dtype=decoder.dtype, device=decoder.device)
        swapped = (*shape[:-1], heads, self.capacity, dim)
        return torch.zeros(swapped, dtype=decoder.dtype, device=decoder.device).transpose(3, 4)

    def _take_step(self, mode: Mode, *, drafting: bool) -> None:
        self._step(mode, drafting=drafting)

    def _mark(self) -> Callable[[], None]:
        """A function that waits for all that was asked of the device so far."""
        return lambda: None

    def _step(self, mode: Mode, *, drafting: bool) -> None:
        """One step: a row a slot, and with `drafting` all rows, as `Drafting` shares them out."""
        state, decoder, last = self._state, self._decoder, self.capacity - 1
        plan = None
        if drafting:
            assert self._drafting is not None
            plan = self._drafting.plan(state, last)
        rows = state.rows() if plan is None else plan.rows
        hidden, keys = forward(
            decoder,
            self._kernels,
            rows.tokens,
            rows.positions,
            placement(self._cache, rows.slots, rows.positions),
            lambda layer, q: self._attend_slots(layer, q, rows),
            self._taps,
        )
        lm = LMOutput.read(decoder.head(hidden))
        correction = None
        if self._retriever is not None and keys is not None:
            with phase(Phase.SEARCH):
                admitted = rows.settings(state.admitted)
                correction = self._retriever.correct(keys, lm, self._context_of(plan), admitted)
        token = lm.token if correction is None else correction.token
        if mode is not Mode.GREEDY:
            with phase(Phase.SAMPLE):
                temperature = rows.settings(state.temperature)
                drawn = self._kernels.sample(
                    lm.logits if correction is None else correction.logits,
                    temperature,
                    rows.settings(state.top_p) if mode is Mode.NUCLEUS else None,
                    rows.settings(state.noise_keys),
                    rows.positions,
                )
            token = torch.where(temperature > 0, drawn, token)
        slots, tokens, written = rows.slots, token[:, None], state.running
        if plan is not None:
            slots, tokens, written = plan.settle(token)
        if self._retriever is not None and state.context is not None and correction is not None:
            if plan is None:
                self._retriever.advance(state.context, correction, token)
            else:
                self._retriever.read_ahead(state.context, tokens, written)
        state.note(slots, token, correction)
        if self._drafting is not None:
            self._drafting.read(slots, rows.positions, token)
        state.advance(tokens[:, -1], written, last)

    def _context_of(self, plan: Plan | None) -> DecodingContext | None:
        """What the retriever is to know behind each row's token."""
        context = self._state.context
        if context is None or plan is None or self._retriever is None:
            return context
        ahead = context.rows(plan.owners)
        self._retriever.read_ahead(ahead, plan.fed, plan.ahead)
        return ahead

    def _attend_slots(self, layer: int, q: Tensor, rows: Rows) -> Tensor:
        keys, values = self._cache[layer]
        return self._kernels.attend(self._decoder, q, keys, values, rows.slots, rows.positions)

    def _attend_prompt(self, q: Tensor, cache: Tensor) -> Tensor:
        """Causal attention of q (T, heads, D) to one layer's cache (2, 1, capacity, kv heads, D).

        Returns (T, heads * D).
        """
        keys, values = cache[:, :, : len(q)].transpose(2, 3)
        attended = functional.scaled_dot_product_attention(
            q.transpose(0, 1)[None],
            keys,
            values,
            is_causal=True,
            scale=self._decoder.attention_scale,
            enable_gqa=self._decoder.heads != self._decoder.key_value_heads,
        )
        return attended[0].transpose(0, 1).flatten(1)


def placement(cache: Tensor, rows: Tensor, positions: Tensor) -> Callable[[int], Placement]:
    """Where tokens go in a cache (layers, 2, slots, capacity, kv heads, D)."""
    places = rows * cache.shape[3] + positions

    def of_layer(layer: int) -> Placement:
        return Placement(cache[layer, 0], cache[layer, 1], rows, positions, places)

    return of_layer
