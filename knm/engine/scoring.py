"""Log-probabilities of given tokens: an engine that reads a text as it would have written it.

Each text goes through the model by itself, after decoding, so that no completion changes. What a
datastore corrects, it corrects here too, with the text's own tokens as what was written.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor

from knm.engine.records import ContextExceeded, Event, Scores, StreamingEngine, TokenScore
from knm.engine.requests import attempt, encode_request, find_objection
from knm.errors import UserError
from knm.models import LoadedModel, capturing, context_length, launching_on
from knm.models.head import OutputHead
from knm.records import Completion, Interventions, Request, Scoring
from knm.retrieval import LMOutput, Retriever

_LOGITS_AT_ONCE: Final = 1 << 25  # bounds the memory of (n, vocabulary) tensors
_LEAST_LOG_PROB: Final = -9999.0  # JSON has no infinity; the same stands for it in OpenAI's answers


@dataclass(frozen=True)
class _Text:
    """A request that is to be scored: its prompt's token ids, and how it ended."""

    request: Request
    prompt: list[int]
    ended: Event


class ScoringEngine(StreamingEngine):
    """A `StreamingEngine` around another, which serves requests with a `scoring` as well."""

    def __init__(
        self, engine: StreamingEngine, loaded: LoadedModel, retriever: Retriever | None
    ) -> None:
        """`retriever` is that of `engine`, attached to the model."""
        self._engine = engine
        self._loaded = loaded
        self._retriever = retriever
        self._asked: dict[int, Request] = {}
        self._waiting: deque[_Text] = deque()
        self._last_ticket = 0

    def submit_all(
        self, requests: Sequence[Request], *, streamed: bool = False
    ) -> list[int | UserError]:
        """Queue requests. What decodes nothing has a ticket below 0."""
        decoded = [request for request in requests if not _only_scored(request)]
        queued = iter(self._engine.submit_all(decoded, streamed=streamed))
        outcomes = []
        for request in requests:
            if _only_scored(request):
                outcomes.append(attempt(partial(self._queue_up, request)))
                continue
            ticket = next(queued)
            if request.scoring is not None and isinstance(ticket, int):
                self._asked[ticket] = request
            outcomes.append(ticket)
        return outcomes

    def _queue_up(self, request: Request) -> int:
        prompt = encode_request(self._loaded.tokenizer, request)
        context = context_length(self._loaded.model)
        if context is not None and len(prompt) > context:
            raise ContextExceeded(request.id, len(prompt), context)
        self._last_ticket -= 1
        done = Completion(request.id, "", "length", len(prompt), 0, 0.0, None)
        self._waiting.append(_Text(request, prompt, Event(self._last_ticket, completion=done)))
        return self._last_ticket

    def cancel(self, ticket: int) -> None:
        """Forget a request; unknown tickets are ignored."""
        self._asked.pop(ticket, None)
        self._waiting = deque(text for text in self._waiting if text.ended.ticket != ticket)
        self._engine.cancel(ticket)

    @property
    def busy(self) -> bool:
        """Whether any request is queued, in work, or to be scored."""
        return bool(self._waiting) or self._engine.busy

    def step(self) -> list[Event]:
        """Decode some tokens, and score one text."""
        events = []
        for event in self._engine.step():
            ended = event.completion is not None or event.error is not None
            request = self._asked.pop(event.ticket, None) if ended else None
            if request is None or event.completion is None:
                events.append(event)
                continue
            prompt = encode_request(self._loaded.tokenizer, request)
            self._waiting.append(_Text(request, prompt, event))
        if self._waiting:
            text = self._waiting.popleft()
            try:
                with launching_on(self._loaded.device):
                    scores = self._score(text)
                events.append(replace(text.ended, scores=scores))
            except Exception as error:
                events.append(Event(text.ended.ticket, error=error))
        return events

    @torch.inference_mode()
    def _score(self, text: _Text) -> Scores:
        request, prompt, scoring = text.request, text.prompt, text.request.scoring
        assert scoring is not None
        assert text.ended.completion is not None
        told = request.prompt or str(self._loaded.tokenizer.decode(prompt))
        if scoring.alternatives is None:
            return Scores(told, (), (), None)
        written = text.ended.completion.tokens
        reading = _Reading(self._loaded, self._retriever, [*prompt, *written], scoring)
        interventions = None
        before: list[TokenScore] = []
        if scoring.echo:
            # A text of which nobody says where it was asked is all that the guard can look at.
            asked = min(scoring.asked or 1, len(prompt))
            guarded = prompt if scoring.asked is None else prompt[:asked]
            objection = self._objection(request, guarded)
            before = [reading.first_token(), *reading.scores(1, asked, corrected=False)]
            before += reading.scores(asked, len(prompt), corrected=objection is None)
            if self._retriever is not None:
                interventions = replace(reading.interventions(), withheld=objection)
        objection = find_objection(self._retriever, request, prompt)
        end = len(prompt) + len(written)
        after = reading.scores(len(prompt), end, corrected=objection is None)
        return Scores(told, tuple(before), tuple(after), interventions)

    def _objection(self, request: Request, prompt: Sequence[int]) -> str | None:
        return find_objection(self._retriever, replace(request, prefix=()), prompt)


def _only_scored(request: Request) -> bool:
    """Whether a request asks for no token, and only what is to be told of its prompt."""
    return request.scoring is not None and request.max_new_tokens == 0


class _Reading:
    """One text that has gone through the model's trunk."""

    def __init__(
        self,
        loaded: LoadedModel,
        retriever: Retriever | None,
        ids: list[int],
        scoring: Scoring,
    ) -> None:
        assert scoring.alternatives is not None
        self._loaded = loaded
        self._retriever = retriever
        self._ids = ids
        self._alternatives = min(scoring.alternatives, loaded.identity.vocab_size)
        self._head = OutputHead(loaded.model)
        self._searched = self._changed = self._steps = 0
        inputs = torch.tensor([ids], device=loaded.device)
        rows = torch.arange(len(ids), device=loaded.device)
        with ExitStack() as stack:
            capture = None
            if retriever is not None:
                capture = stack.enter_context(capturing(loaded.model, retriever.key_kind))
            trunk: Any = loaded.model.get_decoder()
            final = trunk(input_ids=inputs, use_cache=False).last_hidden_state
            self._hidden: Tensor = final[0]
            self._keys = None if capture is None else capture.keys(final, rows)

    def first_token(self) -> TokenScore:
        """The text's first token, which nothing predicts."""
        return TokenScore(self._pieces(0, [self._ids[0]])[0], None, ())

    def scores(self, start: int, end: int, *, corrected: bool) -> list[TokenScore]:
        """The scores of tokens `start` to `end`: as if writing had begun at `start`."""
        ids, device = self._ids, self._loaded.device
        retriever = self._retriever if corrected else None
        context = None
        if retriever is not None:
            context = retriever.context_behind([ids[:start]], device)
        step = max(1, _LOGITS_AT_ONCE // self._loaded.identity.vocab_size)
        if context is not None:
            step = 1  # each token changes what the next correction looks back at
        found = []
        for first in range(start, end, step):
            places = range(first, min(first + step, end))
            rows = slice(places.start - 1, places.stop - 1)
            tokens = torch.tensor([ids[place] for place in places], device=device)
            lm = LMOutput.read(self._head(self._hidden[rows]))
            logits = lm.logits
            if retriever is not None:
                assert self._keys is not None
                correction = retriever.correct(self._keys[rows], lm, context)
                if context is not None:
                    retriever.advance(context, correction, tokens)
                logits = correction.logits
                self._steps += len(places)
                self._searched += int(correction.searched.sum())
                self._changed += int((correction.token != lm.token).sum())
            found += self._told(places, tokens, logits.float().log_softmax(-1))
        return found

    def interventions(self) -> Interventions:
        """What retrieval did so far."""
        return Interventions(self._steps, self._searched, self._changed, (), ())

    def _told(self, places: range, tokens: Tensor, log_probs: Tensor) -> list[TokenScore]:
        """Scores of `tokens` (n,) under log-probabilities (n, V)."""
        own = log_probs.gather(1, tokens[:, None])[:, 0].tolist()
        top = log_probs.topk(self._alternatives, dim=-1)
        rows = zip(places, own, top.indices.tolist(), top.values.tolist(), strict=True)
        told = []
        for place, log_prob, others, values in rows:
            log_prob = max(log_prob, _LEAST_LOG_PROB)
            text, *texts = self._pieces(place, [self._ids[place], *others])
            pairs = [
                (piece, max(value, _LEAST_LOG_PROB))
                for piece, value in zip(texts, values, strict=True)
            ]
            if self._ids[place] not in others:
                pairs.append((text, log_prob))
            told.append(TokenScore(text, log_prob, tuple(pairs)))
        return told

    def _pieces(self, place: int, tokens: list[int]) -> list[str]:
        """What each of `tokens` would add to the text at a place: spaces depend on what is before.

        Special tokens are written out.
        """
        before = self._ids[place - 1 : place] if place else []
        decode = self._loaded.tokenizer.decode
        known = len(str(decode(before))) if before else 0
        return [str(decode([*before, token]))[known:] for token in tokens]
