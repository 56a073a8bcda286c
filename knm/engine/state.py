"""What the slots of an engine hold, in tensors that are allocated once."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from knm.models.transfers import host_copy
from knm.records import Sampling
from knm.retrieval import Correction, DecodingContext, Neighbours, Preset, Retriever

# Rows of `SlotState.history`: the token that was chosen, the likeliest of the LM alone and after
# correction, whether there was a search, and the neighbours' weight in thousandths.
TOKEN, LM_TOKEN, CORRECTED, SEARCHED, WEIGHT = range(5)
_SHOWN_NEIGHBOURS: Final = 4


def shown_neighbours(preset: Preset) -> int:
    """How many neighbours a trace keeps of a step: trials speak together, and all are kept."""
    return preset.k if preset.of_trials else min(preset.k, _SHOWN_NEIGHBOURS)


@dataclass(frozen=True)
class Found:
    """The nearest neighbours of B slots at each of the steps since the last read.

    `ids` and `values` (interval, B, S) int64, `distances` (interval, B, S) float32.
    """

    ids: Tensor
    values: Tensor
    distances: Tensor

    @classmethod
    def allocate(cls, interval: int, slots: int, shown: int, device: torch.device) -> "Found":
        """Nothing found yet; S is `shown`."""
        shape = (interval, slots, shown)
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

    def host_copy(self) -> "Found":
        """A copy on the host; on a GPU it is there when the stream has come so far."""
        return Found(*map(host_copy, (self.ids, self.values, self.distances)))


@dataclass(frozen=True)
class SlotState:
    """The decoding state of B slots.

    The next step feeds in `tokens` (B,) at `positions` (B,). `running` (B,) is 1 for taken slots, 0
    for free ones, which stand still at position 0. `history` (interval, 5, B) holds what the steps
    since the last read gave and `cursor` (1,) its next row. All are int64 but `temperature` and
    `top_p` (B,) float32. `rows` (B,) counts the slots. `context` is what the retriever knows of the
    completions, if it asks for any, and `admitted` (B,) bool the slots that it may correct.
    """

    tokens: Tensor
    positions: Tensor
    running: Tensor
    noise_keys: Tensor
    temperature: Tensor
    top_p: Tensor
    history: Tensor
    cursor: Tensor
    rows: Tensor
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
            history=zeros(interval, 5, slots),
            cursor=zeros(1),
            rows=torch.arange(slots, device=device),
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

    def occupy(
        self, slot: int, token: int, position: int, noise: int, how: Sampling, *, admitted: bool
    ) -> None:
        """Let a slot go on from `token` at `position`."""
        self.tokens[slot] = token
        self.positions[slot] = position
        self.running[slot] = 1
        self.noise_keys[slot] = noise
        self.temperature[slot] = how.temperature
        self.top_p[slot] = how.top_p
        self.admitted[slot] = admitted

    def free(self, slot: int) -> None:
        """Let a slot stand still."""
        self.running[slot] = 0
        self.positions[slot] = 0
        self.temperature[slot] = 0.0
        self.admitted[slot] = False

    def advance(self, token: Tensor, correction: Correction | None, last: int) -> None:
        """Note what a step chose, (B,), and move on; positions never pass `last`."""
        notes = [token] * 3 + [torch.zeros_like(token)] * 2
        if correction is not None:
            assert self.found is not None
            notes[LM_TOKEN:] = [
                correction.lm.token,
                correction.token,
                correction.searched.long(),
                (correction.weight * 1000).round().long(),
            ]
            self.found.note(self.cursor, correction.neighbours)
        self.history.index_copy_(0, self.cursor, torch.stack(notes)[None])
        self.cursor.add_(1).remainder_(len(self.history))
        self.tokens.copy_(token)
        self.positions.add_(self.running).clamp_max_(last)
