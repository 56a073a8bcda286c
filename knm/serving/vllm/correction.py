"""Correcting the logits of texts that another engine decodes, with what each has come to so far."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from knm.retrieval import LMOutput, Retriever
from knm.retrieval.context import DecodingContext
from knm.retrieval.votes import NO_TOKEN
from knm.serving.vllm.batch import Served

_KEPT: Final = 2
"""Times as many texts are known as run together: those that wait for a while are not forgotten."""


@dataclass
class _Known:
    """A text: its row of the context, whether it may be corrected, and how far it was read.

    `told` tokens of it are in the context; `foreseen` is the number of the token that LM and
    neighbours last foresaw.
    """

    text: Served
    slot: int
    admitted: bool
    told: int = 0
    foreseen: int = -1


class ServedCorrection:
    """A retriever over texts that come, wait, move between rows and go as an engine likes.

    A text is known by its list of tokens. One that was forgotten because others came, and then goes
    on, is read again from its beginning; only what was foreseen of it is lost, which weights that
    look back (`bayes`) count as foreseen by nobody.
    """

    def __init__(self, retriever: Retriever, most_rows: int, device: torch.device) -> None:
        """Make room for `most_rows` texts at a time. The retriever is attached."""
        slots = _KEPT * most_rows
        self._retriever = retriever
        self._device = device
        self._context: DecodingContext | None = retriever.new_context(slots, device)
        self._foreseen = torch.full((2, slots), NO_TOKEN, dtype=torch.int64, device=device)
        self._free = list(range(slots))
        self._known: OrderedDict[int, _Known] = OrderedDict()  # the last used come last

    @torch.inference_mode()
    def __call__(self, hidden: Tensor, logits: Tensor, texts: Sequence[Served]) -> Tensor:
        """The corrected logits (B, V) float32 of `texts`.

        `hidden` (B, H) is what the output head received and `logits` (B, V) what it gave.
        """
        rows = self._find(texts)
        lm = LMOutput.read(logits)
        mask = [row.admitted for row in rows]
        admitted = None if all(mask) else torch.tensor(mask, device=self._device)
        if self._context is None:
            return self._retriever.correct(hidden, lm, None, admitted).logits.float()
        self._catch_up(self._context, rows)
        slots = self._slots(rows)
        correction = self._retriever.correct(hidden, lm, self._context.rows(slots), admitted)
        assert correction.voted is not None
        self._foreseen[:, slots] = torch.stack([lm.token, correction.voted])
        for row in rows:
            row.foreseen = len(row.text.written)
        return correction.logits.float()

    def _find(self, texts: Sequence[Served]) -> list[_Known]:
        for text in texts:
            place = id(text.written)
            if place not in self._known:
                continue
            if self._known[place].told > len(text.written):  # the engine took tokens back
                self._free.append(self._known.pop(place).slot)
            else:
                self._known.move_to_end(place)
        return [self._known.get(id(text.written)) or self._meet(text) for text in texts]

    def _meet(self, text: Served) -> _Known:
        if not self._free:
            self._free.append(self._known.popitem(last=False)[1].slot)
        slot, prompt = self._free.pop(), text.prompt
        if self._context is not None:
            self._retriever.begin(self._context, [slot], [prompt or []])
        admitted = prompt is not None and self._retriever.objection(prompt) is None
        known = self._known[id(text.written)] = _Known(text, slot, admitted)
        return known

    def _catch_up(self, context: DecodingContext, rows: Sequence[_Known]) -> None:
        """Tell the context of what was written since."""
        while behind := [row for row in rows if row.told < len(row.text.written)]:
            slots = self._slots(behind)
            tokens = torch.tensor(
                [row.text.written[row.told] for row in behind], device=self._device
            )
            blind = torch.tensor([row.foreseen != row.told for row in behind], device=self._device)
            lm_token, voted = self._foreseen[:, slots].masked_fill(blind, NO_TOKEN)
            part = context.rows(slots)
            self._retriever.tell(part, lm_token, voted, tokens)
            context.put(slots, part)
            for row in behind:
                row.told += 1

    def _slots(self, rows: Sequence[_Known]) -> Tensor:
        return torch.tensor([row.slot for row in rows], device=self._device)
