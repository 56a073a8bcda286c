"""What the slots of an engine hold, in tensors that are allocated once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from knm.models.transfers import device_copy, host_copy
from knm.records import Sampling
from knm.retrieval import Correction, DecodingContext, Neighbours, Preset, Retriever

# Parts of `SlotState.history`: the token that was chosen, the likeliest of the LM alone and after
# correction, whether there was a search, the neighbours' weight in thousandths, and whose token it
# is: a slot's, or number B's, which nobody reads.
TOKEN, LM_TOKEN, CORRECTED, SEARCHED, WEIGHT, SLOT = range(6)
_SHOWN_NEIGHBOURS: Final = 4


def shown_neighbours(preset: Preset) -> int:
    """How many neighbours a trace keeps of a step: trials speak together, and all are kept."""
    return preset.k if preset.of_trials else min(preset.k, _SHOWN_NEIGHBOURS)


@dataclass(frozen=True)
class Found:
    """The nearest neighbours of B rows at each step of a run.

    `ids` and `values` (interval, B, S) int64, `distances` (interval, B, S) float32.
    """

    ids: Tensor
    values: Tensor
    distances: Tensor

    @classmethod
    def allocate(cls, interval: int, rows: int, shown: int, device: torch.device) -> "Found":
        """Nothing found yet; S is `shown`."""
        shape = (interval, rows, shown)
        ids, values = torch.zeros((2, *shape), dtype=torch.int64, device=device)
        return cls(ids, values, torch.zeros(shape, device=device))

    def note(self, cursor: Tensor, neighbours: Neighbours) -> None:
        """Keep those of one step as number `cursor` (1,)."""
        shown = self.ids.shape[2]
        for kept, new in (
            (self.ids, neighbours.ids),
            (self.values, neighbours.values),
            (self.distances, neighbours.distances),
        ):
            kept.index_copy_(0, cursor, new[None, :, :shown])

    def host_copy(self, steps: int) -> "Found":
        """A copy of the first steps; on a GPU it is there when the stream has come so far."""
        parts = (self.ids, self.values, self.distances)
        return Found(*(host_copy(part[:steps]) for part in parts))


@dataclass(frozen=True)
class Admission:
    """A prompt for a slot; `corrected` where a datastore may correct what it is answered."""

    prompt: Sequence[int]
    noise_key: int
    sampling: Sampling
    corrected: bool


@dataclass(frozen=True)
class Rows:
    """The B rows of a step: row b feeds `tokens[b]` in at `positions[b]` of the slot `slots[b]`.

    All are (B,) int64. Slot number B is one that nobody reads: what such a row gives is dropped.
    `owners` are the slots whose settings hold; None where each row has those of its own number.
    """

    slots: Tensor
    tokens: Tensor
    positions: Tensor
    owners: Tensor | None = None

    def settings(self, of_slots: Tensor) -> Tensor:
        """A setting (B,) of each slot, for each row."""
        return of_slots if self.owners is None else of_slots[self.owners]


@dataclass(frozen=True)
class SlotState:
    """The decoding state of B slots, which are decoded by as many rows.

    The next step feeds in `tokens` (B,) at `positions` (B,). `running` (B,) is 1 for taken slots, 0
    for free ones, which stand still at position 0. `history` (interval, 6, B) holds what the rows
    of a run of steps gave and `cursor` (1,) is the number of its next step. All are int64 but
    `temperature` and `top_p` (B,) float32. `slots` (B,) says where keys and values of the next step
    go: to the slot itself, or to number B, which nobody reads, where it is free and keeps what it
    held. `context` is what the retriever knows of the completions, if it asks for any, and
    `admitted` (B,) bool the slots that it may correct.
    """

    tokens: Tensor
    positions: Tensor
    running: Tensor
    noise_keys: Tensor
    temperature: Tensor
    top_p: Tensor
    history: Tensor
    cursor: Tensor
    slots: Tensor
    found: Found | None
    context: DecodingContext | None
    admitted: Tensor

    @classmethod
    def allocate(
        cls, slots: int, interval: int, retriever: Retriever | None, device: torch.device
    ) -> "SlotState":
        """Free slots; changes are traced where there is a retriever."""

        def zeros(*shape: int, dtype: torch.dtype = torch.int64) -> Tensor:
            return torch.zeros(shape, dtype=dtype, device=device)

        return cls(
            tokens=zeros(slots),
            positions=zeros(slots),
            running=zeros(slots),
            noise_keys=zeros(slots),
            temperature=zeros(slots, dtype=torch.float32),
            top_p=zeros(slots, dtype=torch.float32),
            history=zeros(interval, 6, slots),
            cursor=zeros(1),
            slots=torch.full((slots,), slots, device=device),
            found=None
            if retriever is None
            else Found.allocate(interval, slots, shown_neighbours(retriever.preset), device),
            context=None if retriever is None else retriever.new_context(slots, device),
            admitted=zeros(slots, dtype=torch.bool),
        )

    def parts(self) -> list[Tensor]:
        """The tensors that steps change."""
        found, context = self.found, self.context
        traced = [] if found is None else [found.ids, found.values, found.distances]
        known = [] if context is None else context.parts()
        return [self.tokens, self.positions, self.history, self.cursor, *traced, *known]

    def occupy(self, places: Sequence[int], admissions: Sequence[Admission]) -> None:
        """Let slots, one for each admission, go on from the last tokens of their prompts."""
        whole = np.array(
            [
                (place, each.prompt[-1], len(each.prompt) - 1, each.noise_key, each.corrected)
                for place, each in zip(places, admissions, strict=True)
            ],
            np.int64,
        ).T
        real = np.array(
            [(each.sampling.temperature, each.sampling.top_p) for each in admissions], np.float32
        ).T
        # Each in one transfer that the host does not wait for.
        device = self.tokens.device
        slots, tokens, positions, noise_keys, admitted = device_copy(whole.copy(), device)
        temperature, top_p = device_copy(real.copy(), device)
        self.tokens[slots] = tokens
        self.positions[slots] = positions
        self.slots[slots] = slots
        self.noise_keys[slots] = noise_keys
        self.temperature[slots] = temperature
        self.top_p[slots] = top_p
        self.admitted[slots] = admitted.bool()
        self.running.index_fill_(0, slots, 1)

    def free(self, slots: Sequence[int]) -> None:
        """Let slots stand still."""
        where = device_copy(np.array(slots, np.int64), self.tokens.device)
        for part in (self.running, self.positions, self.temperature, self.admitted):
            part.index_fill_(0, where, 0)
        self.slots.index_fill_(0, where, len(self.slots))

    def rows(self) -> Rows:
        """A row for each slot."""
        return Rows(self.slots, self.tokens, self.positions)

    def note(self, slots: Tensor, token: Tensor, correction: Correction | None) -> None:
        """Note what the rows of a step chose, (B,), and for which slots."""
        notes = [token] * 3 + [torch.zeros_like(token)] * 2 + [slots]
        if correction is not None:
            assert self.found is not None
            notes[LM_TOKEN:SLOT] = [
                correction.lm.token,
                correction.token,
                correction.searched.long(),
                (correction.weight * 1000).round().long(),
            ]
            self.found.note(self.cursor, correction.neighbours)
        self.history.index_copy_(0, self.cursor, torch.stack(notes)[None])
        self.cursor.add_(1)

    def advance(self, tokens: Tensor, written: Tensor, last: int) -> None:
        """Go on from each slot's last of so many `written` tokens; positions never pass `last`."""
        self.tokens.copy_(tokens)
        self.positions.add_(written).clamp_max_(last)
