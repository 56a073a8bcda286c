"""A request on its way through an engine: checked, turned into tokens, waited for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from knm.engine.records import ContextExceeded, Event, GenerationOptions, StreamingEngine
from knm.errors import UserError
from knm.models import encode_prompt
from knm.records import Completion, Request

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from knm.retrieval import Retriever


def encode_request(tokenizer: PreTrainedTokenizerBase, request: Request) -> list[int]:
    """Token ids of the prompt, in the chat template if it is a chat, and of its prefix.

    Raises:
        UserError: there is none, one is not in the vocabulary, or sampling is out of range.
    """
    sampling = request.sampling
    if not sampling.temperature >= 0:
        raise UserError(f"temperature {sampling.temperature}: must be 0 (greedy) or above")
    if not 0 < sampling.top_p <= 1:
        raise UserError(f"top_p {sampling.top_p}: must be above 0 and at most 1")
    if request.ids:
        ids = list(request.ids)
        strange = next((each for each in ids if not 0 <= each < len(tokenizer)), None)
        if strange is not None:
            raise UserError(
                f"token {strange} of the prompt: the model's vocabulary has the tokens 0 to "
                f"{len(tokenizer) - 1}; make the ids with this model's own tokenizer"
            )
    elif request.chat:
        ids = encode_prompt(tokenizer, request.prompt, request.system, request.chat_arguments)
    else:
        ids = list(tokenizer(request.prompt)["input_ids"])
    if not ids:
        raise UserError(f"request {request.id!r}: the prompt is empty")
    return ids + list(request.prefix)


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
    tickets: list[int] = []
    done: dict[int, Completion] = {}
    try:
        tickets += (engine.submit(request) for request in requests)
        while len(done) < len(tickets):
            for event in engine.step():
                if event.ticket not in tickets:
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
    for number, request in enumerate(requests):
        try:
            waiting[engine.submit(request)] = number
        except ContextExceeded as error:
            deliver(number, error)
    while waiting:
        for event in engine.step():
            ended = event.completion or event.error
            if ended is not None:
                deliver(waiting.pop(event.ticket), ended)
