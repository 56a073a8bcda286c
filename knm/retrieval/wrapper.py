"""The seam to the LM: a module in place of its output head sees every query.

Transformers calls the head with just the rows that are to be sampled, in prefill and in decoding,
and the head's input is the key. What the model makes of the head's logits (a scale, a cap) comes
behind it, so the logits are corrected where the model gives them. That is all it takes, for any
architecture. Where keys are made of other states, the trunk hands these on to the head behind what
the head receives: whichever rows are chosen on the way, states and rows stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from knm.errors import UserError
from knm.models import Tap, capturing, join_states
from knm.models.capture import Capture
from knm.models.head import find_head
from knm.models.keys import Point
from knm.retrieval.context import DecodingContext
from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.retriever import Correction, Retriever

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class StepTrace:
    """One call of the model: argmax of the LM and after correction, (B,) each, and why."""

    lm_token: Tensor
    token: Tensor
    searched: Tensor
    neighbours: Neighbours
    weight: Tensor


Observer = Callable[[StepTrace], None]


class CorrectedHead(nn.Module):
    """An output head that keeps its queries, by which a retriever corrects the model's logits.

    Input (..., H) and behind it what `_carry_states` added, output (..., V) as without it.
    """

    def __init__(
        self,
        head: nn.Module,
        retriever: Retriever,
        taps: Sequence[Tap],
        observer: Observer | None,
    ) -> None:
        super().__init__()
        self.head = head
        self._retriever = retriever
        self._taps = taps
        self._observer = observer
        self._context: DecodingContext | None = None
        self._admitted: Tensor | None = None
        self._last: Correction | None = None
        self._keys: Tensor | None = None

    def read(self, ids: Tensor, *, fresh: bool) -> None:
        """Be told of the token ids (B, T) that the model reads next; `fresh` where texts begin.

        Only presets that look back or have their own kind of prompts need to be told.
        """
        if fresh:
            prompts = ids.tolist()
            self._admitted = self._retriever.admitted(prompts, ids.device)
            self._context = self._retriever.context_behind(prompts, ids.device)
        elif self._context is not None and self._last is not None:
            self._retriever.advance(self._context, self._last, ids[:, -1])

    def forward(self, received: Tensor) -> Tensor:
        """Compute the logits of the original head."""
        carried = _carried(self._taps)
        hidden, *states = received.chunk(1 + len(carried), -1) if carried else (received,)
        hidden = hidden.contiguous() if carried else hidden
        self._keys = join_states(self._taps, hidden, dict(zip(carried, states, strict=True)))
        logits: Tensor = self.head(hidden)
        return logits

    def correct(self, logits: Tensor) -> Tensor:
        """The logits (..., V) that the model gives where it last called the head, corrected."""
        keys, self._keys = self._keys, None
        assert keys is not None, "the model gave logits and did not call its head"
        rows = logits.reshape(-1, logits.shape[-1])
        lm = LMOutput.read(rows)
        context, admitted = self._context, self._admitted
        # Several positions of a text: what stands before each, and where a prompt ends, is unknown.
        if context is not None and len(context.steps) != len(rows):
            context = None
        if admitted is not None and len(admitted) != len(rows):
            admitted = None
        keys = keys.reshape(-1, keys.shape[-1])
        correction = self._retriever.correct(keys, lm, context, admitted)
        self._last = None if context is None else correction
        corrected_rows = correction.logits
        if self._observer is not None:
            trace = StepTrace(
                lm_token=lm.token,
                token=corrected_rows.argmax(-1),
                searched=correction.searched,
                neighbours=correction.neighbours,
                weight=correction.weight,
            )
            self._observer(trace)
        return corrected_rows.reshape(logits.shape)


@contextmanager
def corrected(
    model: PreTrainedModel,
    retriever: Retriever,
    observer: Observer | None = None,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
) -> Iterator[PreTrainedModel]:
    """Correct everything that `model` predicts within the `with` block; after it nothing remains.

    `observer` is called once for each call of the model. Presets that depend on what has been
    written so far work in `generate` with a cache and without beams, and need the `tokenizer`. So
    do datastores that know their own kind of prompts: in `generate` with a cache, prompts of
    another kind are left to the LM; elsewhere nobody can tell where a prompt ends.

    Raises:
        UserError: the datastore is another model's, the model has no output head, or the preset
            needs a tokenizer and there is none; within the block, the model is called with labels,
            or otherwise than a preset that looks back needs it.
        RuntimeError: the model is being corrected already.
    """
    head = find_head(model)
    if isinstance(head, CorrectedHead):
        raise RuntimeError("this model is being corrected already: corrected() does not nest")
    retriever.attach(model, tokenizer)
    places = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if child is head
    ]
    with ExitStack() as stack:
        capture = stack.enter_context(capturing(model, retriever.key_kind))
        if _carried(capture.taps):
            hook = model.get_decoder().register_forward_hook(_carry_states(capture))
            stack.callback(hook.remove)
        replacement = CorrectedHead(head, retriever, capture.taps, observer).train(head.training)
        if retriever.contextual or retriever.guarded:
            tell = _tell(replacement, retriever.contextual)
            reading = model.register_forward_pre_hook(tell, with_kwargs=True)
            stack.callback(reading.remove)
        for parent, name in places:
            setattr(parent, name, replacement)
            stack.callback(setattr, parent, name, head)
        giving = model.register_forward_hook(_correct(replacement), with_kwargs=True)
        stack.callback(giving.remove)
        yield model


def _correct(head: CorrectedHead) -> Callable[[nn.Module, Any, Any, Any], Any]:
    """A hook by which the model gives corrected logits."""

    def correct(_module: nn.Module, _inputs: Any, options: Any, output: Any) -> Any:
        if options.get("labels") is not None:
            raise UserError(
                "a corrected model gives no loss: its own is that of logits without correction; "
                "leave the labels out and take it from the logits"
            )
        if isinstance(output, tuple):
            return (head.correct(output[0]), *output[1:])
        output.logits = head.correct(output.logits)
        return output

    return correct


def _tell(head: CorrectedHead, needed: bool) -> Callable[[nn.Module, Any, Any], None]:
    """A hook by which the model tells its head what it is about to read, if it can."""

    def tell(module: nn.Module, inputs: Any, options: Any) -> None:
        del module
        ids = options.get("input_ids", inputs[0] if inputs else None)
        cache = options.get("past_key_values")
        if ids is None or options.get("use_cache") is False:
            if not needed:
                return
            raise UserError(
                "a preset that looks back needs token ids and a cache: call `generate` with "
                "input_ids and use_cache=True, or choose another preset (dense)"
            )
        head.read(ids, fresh=cache is None or cache.get_seq_length() == 0)

    return tell


def _carried(taps: Sequence[Tap]) -> list[Tap]:
    """The taps that the head does not receive by itself."""
    return [tap for tap in taps if tap.point is not Point.HEAD]


def _carry_states(capture: Capture) -> Callable[[nn.Module, Any, Any], Any]:
    """A hook by which the trunk gives (B, T, H * parts): its output, then the captured states."""

    def widen(module: nn.Module, inputs: Any, output: Any) -> Any:
        del module, inputs
        states = [capture.states[tap] for tap in _carried(capture.taps)]
        wide = torch.cat([output[0], *states], -1)
        if isinstance(output, tuple):
            return (wide, *output[1:])
        output.last_hidden_state = wide
        return output

    return widen
