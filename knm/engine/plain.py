"""The engine of last resort: `generate`, one prompt at a time, for any causal LM."""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel

from knm.engine.records import Event, GenerationOptions, StreamingEngine
from knm.engine.requests import attempt, drive, encode_request, find_objection, token_limit
from knm.engine.sampling import noise_key, sample
from knm.engine.state import shown_neighbours
from knm.engine.stopping import StopRule, end_tokens
from knm.engine.tracing import SequenceTrace
from knm.errors import UserError
from knm.models import LoadedModel, context_length, launching_on
from knm.records import Completion, Request
from knm.retrieval import Retriever, corrected


class PlainEngine(StreamingEngine):
    """A `LocalEngine` whose `step` completes one request."""

    def __init__(
        self, loaded: LoadedModel, options: GenerationOptions, retriever: Retriever | None
    ) -> None:
        self._loaded = loaded
        self._options = options
        self._retriever = retriever
        self._ends = end_tokens(loaded)
        self._queue: deque[tuple[int, Request, list[int], int]] = deque()
        self._tickets = 0

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in their order. Raises what went wrong with any of them."""
        return drive(self, requests)

    def submit_all(
        self,
        requests: Sequence[Request],
        *,
        streamed: bool = False,  # noqa: ARG002
    ) -> list[int | UserError]:
        """Queue requests: for each a ticket, or why it can never be served."""
        return [attempt(partial(self._queue_up, request)) for request in requests]

    def _queue_up(self, request: Request) -> int:
        prompt = encode_request(self._loaded.tokenizer, request)
        context = context_length(self._loaded.model)
        limit = token_limit(request, len(prompt), self._options, context)
        self._tickets += 1
        self._queue.append((self._tickets, request, prompt, limit))
        return self._tickets

    def cancel(self, ticket: int) -> None:
        """Forget a request; unknown tickets are ignored."""
        self._queue = deque(waiting for waiting in self._queue if waiting[0] != ticket)

    @property
    def busy(self) -> bool:
        """Whether any request is queued."""
        return bool(self._queue)

    def step(self) -> list[Event]:
        """Complete the next request."""
        if not self._queue:
            return []
        ticket, request, prompt, limit = self._queue.popleft()
        try:
            completion = self._complete(request, prompt, limit)
        except Exception as error:
            return [Event(ticket, error=error)]
        return [Event(ticket, completion.text, completion)]

    @torch.inference_mode()
    def _complete(self, request: Request, prompt: list[int], limit: int) -> Completion:
        model, tokenizer = self._loaded.model, self._loaded.tokenizer
        rule = StopRule(tokenizer, self._ends, limit, request.stop)
        trace = SequenceTrace(
            0 if self._retriever is None else shown_neighbours(self._retriever.preset)
        )
        ids = torch.tensor([prompt], device=self._loaded.device)
        started = time.perf_counter()
        withheld = find_objection(self._retriever, request, prompt)
        with ExitStack() as stack:
            stack.enter_context(launching_on(self._loaded.device))
            stack.enter_context(_undirected(model))
            if self._retriever is not None and withheld is None:
                stack.enter_context(
                    corrected(model, self._retriever, trace.observe, tokenizer=tokenizer)
                )
            output = model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                generation_config=GenerationConfig(
                    max_new_tokens=limit,
                    do_sample=False,
                    eos_token_id=sorted(self._ends) or None,
                    pad_token_id=0,  # one prompt at a time: nothing is padded
                ),
                logits_processor=_sampler(request),
                stopping_criteria=[_stops(rule, len(prompt))] if request.stop else None,
            )
        seconds = time.perf_counter() - started
        written = output[0, len(prompt) :].tolist()
        ending = rule.ending(written)
        assert ending is not None
        interventions = None
        if self._retriever is not None:
            interventions = trace.interventions(
                written[: ending.tokens],
                ending.text,
                self._retriever.datastore,
                tokenizer,
                withheld,
            )
        return Completion(
            id=request.id,
            text=ending.text,
            finish_reason=ending.reason,
            prompt_tokens=len(prompt),
            completion_tokens=ending.tokens,
            seconds=seconds,
            interventions=interventions,
            tokens=tuple(written[: ending.tokens]),
        )


@contextmanager
def _undirected(model: PreTrainedModel) -> Iterator[None]:
    """Keep the model's own generation configuration from completing ours.

    `generate` takes penalties, beams and the like from it wherever ours says nothing.
    """
    own = model.generation_config
    model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        model.generation_config = own


def _sampler(request: Request) -> LogitsProcessorList:
    """Processors under which the argmax is the token that the request's noise draws."""
    how = request.sampling
    if how.temperature == 0:
        return LogitsProcessorList()

    def draw(ids: Tensor, scores: Tensor) -> Tensor:
        def row(value: float, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.tensor([value], dtype=dtype, device=scores.device)

        drawn = sample(
            scores.float(),
            row(how.temperature),
            row(how.top_p) if how.top_p < 1 else None,
            row(noise_key(request), torch.int64),
            row(ids.shape[1] - 1, torch.int64),
        )
        return torch.full_like(scores, -torch.inf).scatter(1, drawn[:, None], 0.0)

    return LogitsProcessorList([draw])


def _stops(rule: StopRule, prompt_tokens: int) -> Any:
    def done(ids: Tensor, scores: Tensor) -> Tensor:  # noqa: ARG001
        ended = rule.ending(ids[0, prompt_tokens:].tolist()) is not None
        return torch.tensor([ended], device=ids.device)

    return done
