"""What the slots of an engine hold, in tensors that are allocated once."""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from knm.engine.records import Sampling
from knm.retrieval import Correction, Retriever

# Rows of `SlotState.history`.
TOKEN: Final = 0
CHANGED: Final = 1
SEARCHED: Final = 2


@dataclass(frozen=True)
class FirstChange:
    """Of each of B slots the first step at which retrieval changed the argmax.

    `head` (B, 3): position of the token (0: none yet), the LM's token, the token. `ids`, `values`
    and `distances` (B, k) are the neighbours'.
    """

    head: Tensor
    ids: Tensor
    values: Tensor
    distances: Tensor

    @classmethod
    def allocate(cls, slots: int, k: int, device: torch.device) -> "FirstChange":
        """Nothing seen yet."""

        def zeros(width: int, dtype: torch.dtype) -> Tensor:
            return torch.zeros((slots, width), dtype=dtype, device=device)

        integers = torch.int64
        return cls(
            zeros(3, integers), zeros(k, integers), zeros(k, integers), zeros(k, torch.float32)
        )

    def note(self, positions: Tensor, changed: Tensor, correction: Correction) -> None:
        """Keep what a step gave for the rows that changed (B,) and had not before."""
        take = (changed & (self.head[:, 0] == 0))[:, None]
        head = torch.stack([positions + 1, correction.lm.token, correction.token], 1)
        found = correction.neighbours
        for kept, new in (
            (self.head, head),
            (self.ids, found.ids),
            (self.values, found.values),
            (self.distances, found.distances),
        ):
            torch.where(take, new, kept, out=kept)

    def host_copy(self) -> "FirstChange":
        """A copy on the host; on a GPU it is there when the stream has come so far."""
        parts = (self.head, self.ids, self.values, self.distances)
        return FirstChange(*(host_copy(part) for part in parts))


@dataclass(frozen=True)
class SlotState:
    """The decoding state of B slots.

    The next step feeds in `tokens` (B,) at `positions` (B,). `running` (B,) is 1 for taken slots, 0
    for free ones, which stand still at position 0. `history` (interval, 3, B) holds what the steps
    since the last read gave and `cursor` (1,) its next row. All are int64 but `temperature` and
    `top_p` (B,) float32. `rows` (B,) counts the slots.
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
    first_change: FirstChange | None

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
            history=zeros(interval, 3, slots),
            cursor=zeros(1),
            rows=torch.arange(slots, device=device),
            first_change=None
            if retriever is None
            else FirstChange.allocate(slots, retriever.preset.k, device),
        )

    def parts(self) -> list[Tensor]:
        """The tensors that steps change."""
        first = self.first_change
        traced = [] if first is None else [first.head, first.ids, first.values, first.distances]
        return [self.tokens, self.positions, self.history, self.cursor, *traced]

    def occupy(self, slot: int, token: int, position: int, noise: int, how: Sampling) -> None:
        """Let a slot go on from `token` at `position`."""
        self.tokens[slot] = token
        self.positions[slot] = position
        self.running[slot] = 1
        self.noise_keys[slot] = noise
        self.temperature[slot] = how.temperature
        self.top_p[slot] = how.top_p
        if self.first_change is not None:
            self.first_change.head[slot] = 0

    def free(self, slot: int) -> None:
        """Let a slot stand still."""
        self.running[slot] = 0
        self.positions[slot] = 0
        self.temperature[slot] = 0.0

    def advance(self, token: Tensor, correction: Correction | None, last: int) -> None:
        """Note what a step chose, (B,), and move on; positions never pass `last`."""
        notes = [token, torch.zeros_like(token), torch.zeros_like(token)]
        if correction is not None:
            assert self.first_change is not None
            changed = correction.token != correction.lm.token
            notes[CHANGED:] = [changed.long(), correction.searched.long()]
            self.first_change.note(self.positions, changed, correction)
        self.history.index_copy_(0, self.cursor, torch.stack(notes)[None])
        self.cursor.add_(1).remainder_(len(self.history))
        self.tokens.copy_(token)
        self.positions.add_(self.running).clamp_max_(last)


def host_copy(tensor: Tensor) -> Tensor:
    """A copy on the host that does not wait for the device."""
    if tensor.device.type == "cpu":
        return tensor.clone()
    pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    return pinned.copy_(tensor, non_blocking=True)
