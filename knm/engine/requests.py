"""A request on its way through an engine: checked, turned into tokens, waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from knm.engine.records import ContextExceeded, Event, GenerationOptions, StreamingEngine
from knm.errors import UserError
from knm.models.encoding import encode_texts, render_turn
from knm.records import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from knm.retrieval import Retriever

T = TypeVar("T")


def encode_request(tokenizer: PreTrainedTokenizerBase, request: Request) -> list[int]:
    """Token ids of the prompt, in the chat template if it is a chat, and of its prefix.

    Raises:
        UserError: there is none, one is not in the vocabulary, or sampling is out of range.
    """
    (found,) = encode_requests(tokenizer, [request])
    if isinstance(found, UserError):
        raise found
    return found


def encode_requests(
    tokenizer: PreTrainedTokenizerBase, requests: Sequence[Request]
) -> list[list[int] | UserError]:
    """For each request what `encode_request` gives, or raises.

    Texts are turned into tokens together, those that several requests have (samples of a problem)
    once.
    """
    written = [attempt(partial(_written, tokenizer, request)) for request in requests]
    encoded: dict[_Text, list[int]] = {}
    for special in (False, True):
        texts = [
            text
            for text in dict.fromkeys(each for each in written if isinstance(each, _Text))
            if text.special is special
        ]
        if texts:
            ids = encode_texts(tokenizer, [text.content for text in texts], special=special)
            encoded.update(zip(texts, ids, strict=True))

    def finish(request: Request, text: _Text | UserError | None) -> list[int] | UserError:
        if isinstance(text, UserError):
            return text
        ids = list(request.ids) if text is None else encoded[text]
        if not ids:
            return UserError(f"request {request.id!r}: the prompt is empty")
        return [*ids, *request.prefix]

    return list(map(finish, requests, written))


@dataclass(frozen=True)
class _Text:
    """A prompt to be turned into tokens, with what the tokenizer puts around texts if `special`."""

    content: str
    special: bool


def _written(tokenizer: PreTrainedTokenizerBase, request: Request) -> _Text | None:
    """A request's prompt as text; None where it has token ids.

    Raises:
        UserError: see `encode_request`.
    """
    sampling = request.sampling
    if not sampling.temperature >= 0:
        raise UserError(f"temperature {sampling.temperature}: must be 0 (greedy) or above")
    if not 0 < sampling.top_p <= 1:
        raise UserError(f"top_p {sampling.top_p}: must be above 0 and at most 1")
    if request.ids:
        size = len(tokenizer)
        strange = next((each for each in request.ids if not 0 <= each < size), None)
        if strange is not None:
            raise UserError(
                f"token {strange} of the prompt: the model's vocabulary has the tokens 0 to "
                f"{size - 1}; make the ids with this model's own tokenizer"
            )
        return None
    if not request.chat:
        return _Text(request.prompt, special=True)
    content = render_turn(tokenizer, request.prompt, request.system, request.chat_arguments)
    return _Text(content, special=False)


def attempt(action: Callable[[], T]) -> T | UserError:
    """What an action gives, or the `UserError` that it raises."""
    try:
        return action()
    except UserError as error:
        return error


def find_objection(
    retriever: Retriever | None, request: Request, prompt: Sequence[int]
) -> str | None:
    """Why a request's prompt is decoded without the datastore; None if nothing is against it.

    A matter of the request alone: never of what else is decoded.
    """
    if retriever is None or request.withheld is not None:
        return request.withheld
    return retriever.objection(prompt[: len(prompt) - len(request.prefix)])


def token_limit(
    request: Request, prompt_tokens: int, options: GenerationOptions, context: int | None
) -> int:
    """How many tokens the request may write in a model's `context` (None: without bounds).

    Raises:
        ContextExceeded: none, because its prompt fills the context.
        UserError: it asks for none.
    """
    asked = options.max_new_tokens
    if request.max_new_tokens is not None:
        asked = min(asked, request.max_new_tokens)
    if asked < 1:
        raise UserError(f"max_new_tokens {request.max_new_tokens}: must be at least 1")
    if context is None:
        return asked
    if prompt_tokens >= context:
        raise ContextExceeded(request.id, prompt_tokens, context)
    return min(asked, context - prompt_tokens)


def drive(
    engine: StreamingEngine, requests: Sequence[Request], others: list[Event] | None = None
) -> list[Completion]:
    """Submit `requests` and step until all are done; their completions in order.

    Events of other tickets are added to `others`.

    Raises:
        Exception: what went wrong with any of them; the rest is cancelled.
    """
    queued = engine.submit_all(requests)
    tickets = [ticket for ticket in queued if isinstance(ticket, int)]
    known, done = set(tickets), dict[int, Completion]()
    try:
        for refused in queued:
            if isinstance(refused, UserError):
                raise refused
        while len(done) < len(tickets):
            for event in engine.step():
                if event.ticket not in known:
                    if others is not None:
                        others.append(event)
                elif event.error is not None:
                    raise event.error
                elif event.completion is not None:
                    done[event.ticket] = event.completion
    finally:
        for ticket in tickets:
            if ticket not in done:
                engine.cancel(ticket)
    return [done[ticket] for ticket in tickets]


def drive_each(
    engine: StreamingEngine,
    requests: Sequence[Request],
    deliver: Callable[[int, Completion | Exception], None],
) -> None:
    """Submit `requests` and step until all are done.

    `deliver` is called with a request's place and its completion, or what went wrong with it, as it
    comes. Nothing else may be with the engine meanwhile.

    Raises:
        UserError: the engine refuses a request for another reason than its length.
    """
    waiting: dict[int, int] = {}
    for number, queued in enumerate(engine.submit_all(requests)):
        if isinstance(queued, int):
            waiting[queued] = number
        elif isinstance(queued, ContextExceeded):
            deliver(number, queued)
        else:
            raise queued
    while waiting:
        for event in engine.step():
            ended = event.completion or event.error
            if ended is not None:
                deliver(waiting.pop(event.ticket), ended)
