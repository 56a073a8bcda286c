"""Drafts: what a text may go on with, looked into by rows of a step that no slot needs.

A row is fed a drafted token as if it had been written. Where the tokens that the rows before it
chose are the drafted ones, it has computed what a step of its own would have computed, to the bit;
where they are not, nobody learns what it chose, and what it wrote is written over. So drafts save
steps, and decide nothing. They come from the text itself: programs repeat their statements and
themselves.

All is done in tensors of fixed shapes on the device, which the host does not wait for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from knm.engine.state import Rows, SlotState
from knm.models.transfers import device_copy

_LONGEST: Final = 3  # tokens that a text's end and an earlier place of it are compared by


@dataclass(frozen=True)
class Plan:
    """How a step's B rows are shared out: those of a slot follow each other.

    `starts` (B,) int64 is the first row of each slot, `firsts` (B,) that of each row's slot, and
    `ahead` (B,) how many rows a row stands behind it. `idle` (B,) bool rows are nobody's.
    """

    rows: Rows
    starts: Tensor
    firsts: Tensor
    ahead: Tensor
    idle: Tensor

    def settle(self, state: SlotState, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What stands of the tokens that the rows chose, (B,) int64.

        Returns whose token each is (B,), the last token of each slot (B,) and how many it is given
        (B,).
        """
        count = len(chosen)
        # A row stands where each of its slot's, up to itself, was fed the token that was chosen.
        wrong = (self.ahead > 0) & (self.rows.tokens != chosen.roll(1))
        errors = wrong.cumsum(0)
        stands = (errors == errors[self.firsts]) & ~self.idle
        slots = self.rows.slots.masked_fill(~stands, count)
        written = torch.zeros(count + 1, dtype=torch.int64, device=chosen.device)
        written = written.scatter_add_(0, slots, torch.ones_like(slots))[:count]
        lasts = (self.starts + written - 1).clamp(0, count - 1)
        return slots, torch.where(written > 0, chosen[lasts], state.tokens), written


class Drafting:
    """The texts of B slots, and drafts of up to `most` tokens that continue them."""

    def __init__(self, slots: int, capacity: int, most: int, device: torch.device) -> None:
        self._most = most
        # A slot more, for rows that are nobody's, and a place more, behind the last.
        self._texts = torch.zeros((slots + 1, capacity + 1), dtype=torch.int64, device=device)
        self._numbers = torch.arange(slots, device=device)
        self._lengths = torch.arange(most + 1, device=device)
        self._places = torch.arange(capacity, device=device)

    def grow(self, capacity: int) -> None:
        """Make room for longer texts."""
        missing = capacity - len(self._places)
        self._texts = functional.pad(self._texts, (0, missing))
        self._places = torch.arange(capacity, device=self._texts.device)

    def begin(self, slots: Sequence[int], prompts: Sequence[Sequence[int]]) -> None:
        """Read the prompts that slots begin with."""
        lengths = [len(prompt) for prompt in prompts]
        whole = np.empty((3, sum(lengths)), np.int64)
        whole[0] = np.repeat(slots, lengths)
        np.concatenate([np.arange(length) for length in lengths], out=whole[1])
        np.concatenate([np.asarray(prompt, np.int64) for prompt in prompts], out=whole[2])
        where, places, tokens = device_copy(whole, self._texts.device)
        self._texts[where, places] = tokens

    def read(self, slots: Tensor, positions: Tensor, tokens: Tensor) -> None:
        """Read tokens (n,) that were chosen at `positions` (n,) of `slots` (n,): they come next."""
        places = torch.add(positions + 1, slots, alpha=self._texts.shape[1])
        self._texts.view(-1).scatter_(0, places, tokens)

    def plan(self, state: SlotState, last: int) -> Plan:
        """Share out the rows of a step; positions never pass `last`.

        Each taken slot has a row for the token it goes on from, and more for a draft, as many as
        the others have while there are free ones.
        """
        count, most = len(self._numbers), self._most
        drafts, found = self._propose(state.positions)
        wanted = torch.minimum((last - state.positions).clamp(0, most), state.running * most)
        wanted = wanted.masked_fill(~found, 0)
        free = count - state.running.sum()
        given = torch.minimum(wanted, self._common_length(wanted, free))
        more = wanted > given
        shares = state.running + given + (more & (more.cumsum(0) <= free - given.sum()))
        ends = shares.cumsum(0)
        starts = ends - shares
        owners = torch.searchsorted(ends, self._numbers, right=True)
        idle = owners == count
        slots, owners = owners, owners.clamp_max(count - 1)
        ahead = (self._numbers - starts[owners]).masked_fill(idle, 0)
        continued = torch.cat([state.tokens[:, None], drafts], 1).flatten()
        rows = Rows(
            slots,
            continued[owners * (most + 1) + ahead],
            (state.positions[owners] + ahead).masked_fill(idle, 0),
            owners,
        )
        return Plan(rows, starts, self._numbers - ahead, ahead, idle)

    def _common_length(self, wanted: Tensor, free: Tensor) -> Tensor:
        """How many tokens all slots may draft so that they need no more than the `free` rows."""
        needed = torch.minimum(wanted[:, None], self._lengths).sum(0)
        return (needed <= free).sum() - 1

    def _propose(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Drafts (B, most) for texts that end at `positions` (B,), and for which there is one.

        What followed where the text's end stood before: the longest end, of up to `_LONGEST`
        tokens, and of several places the latest. Behind the end the draft repeats itself.
        """
        texts, places = self._texts[:-1, :-1], self._places
        ends = positions[:, None]
        alike = (texts == texts.gather(1, ends)) & (places < ends)
        length = alike.long()
        for back in range(1, _LONGEST):
            before = texts.gather(1, (ends - back).clamp_min(0))
            alike = alike & (functional.pad(texts[:, :-back], (back, 0), value=-1) == before)
            length = length + alike
        capacity = len(places)
        best = (length * capacity + places).amax(1)
        place = best % capacity
        period = (positions - place).clamp_min(1)
        following = place[:, None] + 1 + self._lengths[:-1] % period[:, None]
        return texts.gather(1, following.clamp_max(capacity - 1)), best >= capacity
