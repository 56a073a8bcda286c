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
_MARGIN: Final = _LONGEST - 1


@dataclass(frozen=True)
class Plan:
    """How a step's B rows are shared out: those of a slot follow each other, behind them idle ones.

    All int64: `owners` (B,) are the rows' slots, or any slot for idle rows, `starts` (B,) the first
    row of each slot, `firsts` (B,) that of each row's slot, and `ahead` (B,) how many rows a row
    stands behind it: one of `steps` (n,), which counts from 0.
    """

    rows: Rows
    owners: Tensor
    starts: Tensor
    firsts: Tensor
    ahead: Tensor
    steps: Tensor

    @property
    def fed(self) -> Tensor:
        """What each row is fed behind the first of its slot's (B, n), some of it repeated."""
        return self.rows.tokens[self.firsts[:, None] + self.ahead[:, None].minimum(self.steps)]

    def settle(self, chosen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What stands of the tokens that the rows chose, (B,) int64.

        Returns whose each is (B,), those of each slot (B, n), the last of them repeated, and how
        many it is given (B,). A free slot is given none, and what is told of it means nothing.
        """
        count = len(chosen)
        # A row falls with the first of its slot's rows that was fed another token than was chosen.
        wrong = torch.zeros_like(self.ahead)
        wrong[1:] = (self.rows.tokens[1:] != chosen[:-1]) & (self.ahead[1:] > 0)
        errors = wrong.cumsum(0)
        slots = self.rows.slots.masked_fill(errors != errors[self.firsts], count)
        written = torch.zeros(count + 1, dtype=torch.int64, device=chosen.device)
        written = written.scatter_add_(0, slots, torch.ones_like(slots))[:count]
        lasts = (written - 1)[:, None].minimum(self.steps)
        return slots, chosen[self.starts[:, None] + lasts], written


class Drafting:
    """The texts of B slots, and drafts of up to `most` tokens that continue them."""

    def __init__(self, slots: int, capacity: int, most: int, device: torch.device) -> None:
        self._numbers = torch.arange(slots, device=device)
        self._steps = torch.arange(most + 1, device=device)
        self._back = torch.arange(1, -_LONGEST, -1, device=device) + _MARGIN
        self._nothing = torch.full((1,), -1, device=device)
        # A slot more, for rows that are nobody's. Tokens stand behind a margin of none.
        texts = torch.zeros((slots + 1, _MARGIN + capacity + 1), dtype=torch.int64, device=device)
        texts[:, :_MARGIN] = -1
        self._set(texts)

    def _set(self, texts: Tensor) -> None:
        self._texts = texts
        self._width = texts.shape[1]
        self._places = torch.arange(self._width - _MARGIN - 1, device=texts.device)
        lengths = torch.arange(_LONGEST, device=texts.device)[:, None]
        self._scores = lengths * self._width + self._places + _MARGIN + 1

    def grow(self, capacity: int) -> None:
        """Make room for longer texts."""
        self._set(functional.pad(self._texts, (0, capacity - len(self._places))))

    def begin(self, slots: Sequence[int], prompts: Sequence[Sequence[int]]) -> None:
        """Read the prompts that slots begin with."""
        lengths = [len(prompt) for prompt in prompts]
        whole = np.empty((3, sum(lengths)), np.int64)
        whole[0] = np.repeat(slots, lengths)
        np.concatenate([np.arange(_MARGIN, _MARGIN + length) for length in lengths], out=whole[1])
        np.concatenate([np.asarray(prompt, np.int64) for prompt in prompts], out=whole[2])
        where, columns, tokens = device_copy(whole, self._texts.device)
        self._texts[where, columns] = tokens

    def read(self, slots: Tensor, positions: Tensor, tokens: Tensor) -> None:
        """Read tokens (n,) that were chosen at `positions` (n,) of `slots` (n,): they come next."""
        following = self._texts.view(-1)[_MARGIN + 1 :]
        following.scatter_(0, torch.add(positions, slots, alpha=self._width), tokens)

    def plan(self, state: SlotState, last: int) -> Plan:
        """Share out the rows of a step; positions never pass `last`.

        Each taken slot has a row for the token it goes on from. Of the others each that has a draft
        has one in turn, while there are rows.
        """
        count, running = len(self._numbers), state.running
        columns, periods, found = self._propose(state.positions)
        most = self._steps[:-1]
        wanted = (last - state.positions).clamp(0, len(most)) * (running * found)
        wants = wanted > most[:, None]
        served = wants.flatten().cumsum(0).view_as(wants) <= count - running.sum()
        shares = running + (wants & served).sum(0)
        ends = shares.cumsum(0)
        starts = ends - shares
        slots = torch.searchsorted(ends, self._numbers, right=True)
        idle, owners = slots == count, slots.clamp_max(count - 1)
        first, position, column, period = torch.stack(
            [starts, state.positions, columns, periods]
        ).index_select(1, owners)
        ahead = (self._numbers - first).masked_fill(idle, 0)
        # The token before what follows the earlier place, a period on, is the text's last.
        column = column + (ahead - 1) % period
        tokens = self._texts.view(-1)[torch.add(column, owners, alpha=self._width)]
        rows = Rows(slots, tokens, (position + ahead).masked_fill(idle, 0), owners)
        return Plan(rows, owners, starts, self._numbers - ahead, ahead, self._steps)

    def _propose(self, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Where texts whose last tokens stand at `positions` (B,) said before what they end with.

        Of such places the one that has most of the end, up to `_LONGEST` tokens, and of equals the
        latest. Returns the column of `_texts` behind it (B,), after how many tokens that repeats
        itself (B,), and whether there is one (B,) bool; else these are the last token's, and 1.
        """
        texts, places = self._texts[:-1], len(self._places)
        behind = positions[:, None] + self._back
        ends = texts.gather(1, behind[:, 1:])
        alike = self._places < positions[:, None]
        best: Tensor = self._nothing
        for back, scores in enumerate(self._scores):
            start = _MARGIN - back
            alike = alike & (texts[:, start : start + places] == ends[:, back, None])
            best = torch.where(alike, scores, best)
        best = best.amax(1)
        found = best >= 0
        columns = torch.where(found, best % self._width, behind[:, 1])
        return columns, behind[:, 0] - columns, found
