"""Batched decoding through `generate`, with or without the kNN correction."""

import time
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from transformers import LogitsProcessorList, PreTrainedTokenizerBase

from knm.engine.noise import SamplingNoise
from knm.engine.records import Completion, GenerationOptions, Interventions, Request
from knm.engine.tracing import BatchTracer
from knm.models import LoadedModel, encode_prompt
from knm.retrieval import Retriever, corrected


class BatchedEngine:
    """Decodes requests in the batches it is given, cut to `options.batch_size`.

    A batch is padded on the left. In float32 a completion does not depend on its batch but for
    rounding; callers that need equal completions form equal batches.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        options: GenerationOptions,
        retriever: Retriever | None = None,
    ) -> None:
        self._loaded = loaded
        self._options = options
        self._retriever = retriever
        self._ends = _end_tokens(loaded)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in their order."""
        size = self._options.batch_size
        return [
            completion
            for start in range(0, len(requests), size)
            for completion in self._complete_batch(requests[start : start + size])
        ]

    @torch.inference_mode()
    def _complete_batch(self, requests: Sequence[Request]) -> list[Completion]:
        tokenizer, model = self._loaded.tokenizer, self._loaded.model
        prompts = [_encode(tokenizer, request) for request in requests]
        bounds = [self._bound(request) for request in requests]
        ids, mask = self._pad_left(prompts)
        tracer = BatchTracer(len(requests)) if self._retriever else None
        started = time.perf_counter()
        with ExitStack() as stack:
            if self._retriever:
                stack.enter_context(corrected(model, self._retriever, tracer))
            output = model.generate(
                input_ids=ids,
                attention_mask=mask,
                max_new_tokens=max(bounds),
                do_sample=False,
                logits_processor=LogitsProcessorList([SamplingNoise(requests, ids.shape[1])]),
                eos_token_id=self._ends,
                pad_token_id=self._pad_id,
            )
        share = (time.perf_counter() - started) / len(requests)
        written = output[:, ids.shape[1] :].tolist()
        return [
            self._completion(
                request, row, len(prompts[row]), written[row][: bounds[row]], share, tracer
            )
            for row, request in enumerate(requests)
        ]

    def _bound(self, request: Request) -> int:
        longest = self._options.max_new_tokens
        return longest if request.max_new_tokens is None else min(request.max_new_tokens, longest)

    @property
    def _pad_id(self) -> int:
        pad = self._loaded.tokenizer.pad_token_id
        return self._ends[0] if pad is None else int(pad)

    def _pad_left(self, prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids and attention mask (B, T), both int64, on the model's device."""
        length = max(map(len, prompts))
        ids = torch.full((len(prompts), length), self._pad_id)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            ids[row, length - len(prompt) :] = torch.tensor(prompt)
            mask[row, length - len(prompt) :] = 1
        device = self._loaded.device
        return ids.to(device), mask.to(device)

    def _completion(
        self,
        request: Request,
        row: int,
        prompt_tokens: int,
        written: list[int],
        seconds: float,
        tracer: BatchTracer | None,
    ) -> Completion:
        end = next((i for i, token in enumerate(written) if token in self._ends), None)
        text = self._decode(written[:end])
        steps = len(written) if end is None else end + 1
        place = _first_stop(text, request.stop)
        if place is not None:
            end = steps = self._tokens_to_reach(written, request.stop)
            text = text[:place]
        return Completion(
            id=request.id,
            text=text,
            finish_reason="length" if end is None else "stop",
            prompt_tokens=prompt_tokens,
            completion_tokens=steps,
            seconds=seconds,
            interventions=self._interventions(row, steps, tracer),
        )

    def _decode(self, tokens: list[int]) -> str:
        text: str = self._loaded.tokenizer.decode(tokens, skip_special_tokens=True)
        return text

    def _tokens_to_reach(self, written: list[int], stop: tuple[str, ...]) -> int:
        """How many tokens it took to write the first stop string."""
        for steps in range(1, len(written)):
            if _first_stop(self._decode(written[:steps]), stop) is not None:
                return steps
        return len(written)

    def _interventions(
        self, row: int, steps: int, tracer: BatchTracer | None
    ) -> Interventions | None:
        if tracer is None or self._retriever is None:
            return None
        return tracer.interventions(row, steps, self._retriever.datastore, self._loaded.tokenizer)


def _encode(tokenizer: PreTrainedTokenizerBase, request: Request) -> list[int]:
    if request.chat:
        return encode_prompt(tokenizer, request.prompt)
    ids: list[int] = tokenizer(request.prompt, add_special_tokens=False)["input_ids"]
    return ids


def _first_stop(text: str, stop: tuple[str, ...]) -> int | None:
    """Where the first of the stop strings begins."""
    return min((text.index(end) for end in stop if end in text), default=None)


def _end_tokens(loaded: LoadedModel) -> list[int]:
    """The tokens that end a completion: the model's, or else the tokenizer's."""
    generation = loaded.model.generation_config
    ends = None if generation is None else generation.eos_token_id
    if ends is None:
        ends = loaded.tokenizer.eos_token_id
    return list(ends) if isinstance(ends, list) else [ends]
