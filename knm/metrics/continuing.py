"""Texts that a LM goes on with, corrected by a retriever or not: what a beam search grows."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from knm.models import FINAL_NORM, EncodedExample, LoadedModel, capturing, parse_key_kind
from knm.models.head import OutputHead
from knm.retrieval import Correction, LMOutput, Retriever
from knm.retrieval.context import DecodingContext


class LMContinuation:
    """A `Continuation` by a model, with the keys and values of what it has read kept.

    Prompts are padded on the left, so that the texts of a batch end in one column.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        prompts: Sequence[EncodedExample],
        retriever: Retriever | None = None,
    ) -> None:
        """Read `prompts`, texts to go on with; what they hold from `target_start` on was written.

        Raises:
            UserError: the retriever does not fit the model.
        """
        self._loaded = loaded
        self._head = OutputHead(loaded.model)
        self._retriever = retriever
        kind = parse_key_kind(FINAL_NORM)
        if retriever is not None:
            retriever.attach(loaded.model, loaded.tokenizer)
            kind = retriever.key_kind
        self._key_kind = kind
        self._cache = DynamicCache(config=loaded.model.config)
        width = max(len(prompt.ids) for prompt in prompts)
        ids = np.zeros((len(prompts), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, width - len(prompt.ids) :] = prompt.ids
            mask[row, width - len(prompt.ids) :] = 1
        self._mask = torch.from_numpy(mask).to(loaded.device)
        hidden, keys = self._read(torch.from_numpy(ids).to(loaded.device))
        self._context: DecodingContext | None = None
        self._admitted: Tensor | None = None
        if retriever is not None:
            begun = [prompt.prompt for prompt in prompts]
            self._admitted = retriever.admitted(begun, loaded.device)
            self._context = retriever.context_behind(begun, loaded.device)
        if self._context is not None:
            self._look_back(prompts, hidden, keys, self._context)
        self._hidden, self._keys = hidden[:, -1], keys[:, -1]
        self._correction: Correction | None = None

    @torch.inference_mode()
    def log_probs(self) -> Tensor:
        """Of the next token of every text: (R, V) float32."""
        said = self._said(self._hidden)
        if self._retriever is None:
            return said.logits.float().log_softmax(-1)
        self._correction = self._retriever.correct(self._keys, said, self._context, self._admitted)
        return self._correction.logits.float().log_softmax(-1)

    @torch.inference_mode()
    def extend(self, texts: Tensor, tokens: Tensor) -> None:
        """Go on with `texts` (R',) int64, numbers of the present ones, by `tokens` (R',) each."""
        if self._context is not None:
            assert self._retriever is not None
            assert self._correction is not None
            self._context = DecodingContext(*(part[texts] for part in self._context.parts()))
            self._retriever.advance(self._context, _rows(self._correction, texts), tokens)
        if self._admitted is not None:
            self._admitted = self._admitted[texts]
        self._cache.batch_select_indices(texts)
        mask = self._mask[texts]
        self._mask = torch.cat([mask, torch.ones_like(mask[:, :1])], 1)
        hidden, keys = self._read(tokens[:, None])
        self._hidden, self._keys = hidden[:, -1], keys[:, -1]

    @torch.inference_mode()
    def _read(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """States (R, T, H) and keys (R, T, W) of the last T tokens."""
        places = (self._mask.cumsum(1) - 1).clamp_min(0)[:, -ids.shape[1] :]
        with ExitStack() as stack:
            capture = stack.enter_context(capturing(self._loaded.model, self._key_kind))
            final = self._loaded.model.get_decoder()(
                input_ids=ids,
                attention_mask=self._mask,
                position_ids=places,
                past_key_values=self._cache,
                use_cache=True,
            ).last_hidden_state
            rows = torch.arange(ids.numel(), device=ids.device)
            return final, capture.keys(final, rows).view(*ids.shape, -1)

    def _said(self, hidden: Tensor) -> LMOutput:
        return LMOutput.read(self._head(hidden))

    @torch.inference_mode()
    def _look_back(
        self,
        prompts: Sequence[EncodedExample],
        hidden: Tensor,
        keys: Tensor,
        context: DecodingContext,
    ) -> None:
        """Tell the context what had been written of each text before this began."""
        assert self._retriever is not None
        written = [len(prompt.ids) - prompt.target_start for prompt in prompts]
        for left in range(max(written), 0, -1):
            correction = self._retriever.correct(
                keys[:, -1 - left], self._said(hidden[:, -1 - left]), context, self._admitted
            )
            tokens = [prompt.ids[-left] if left <= len(prompt.ids) else 0 for prompt in prompts]
            self._retriever.advance(
                context, correction, torch.tensor(tokens, device=self._loaded.device)
            )
            for row, count in enumerate(written):
                if count < left:  # has written nothing yet
                    self._retriever.begin(context, row, prompts[row].prompt)


def _rows(correction: Correction, rows: Tensor) -> Correction:
    """What a context is told of some rows of a correction."""
    lm, voted = correction.lm, correction.voted
    assert voted is not None
    said = LMOutput(lm.logits[:0], lm.token[rows], lm.top[rows], lm.log_confidence[rows])
    return replace(correction, lm=said, voted=voted[rows])
