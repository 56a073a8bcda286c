"""An engine as those who drive it see it; what it is asked and answers is in `knm.records`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from knm.errors import UserError
from knm.records import ChatArguments, Completion, Interventions, Messages, Request


@dataclass(frozen=True)
class GenerationOptions:
    """What holds for all requests: the longest completion, and how many prompts run together.

    Where few prompts run, free places of the batch may look into up to `draft_tokens` that one
    could go on with: that changes no completion. None: as many as pay on the device.
    """

    max_new_tokens: int = 512
    batch_size: int = 32
    draft_tokens: int | None = None


class ContextExceeded(UserError):
    """A prompt fills the model's context: it has no answer to it, and that is the model's."""

    def __init__(self, request_id: str, prompt_tokens: int, context: int) -> None:
        super().__init__(
            f"request {request_id!r}: its prompt has {prompt_tokens} tokens, the model's context "
            f"{context}: shorten the prompt, or choose a model with a longer context"
        )
        self.request_id = request_id
        self.prompt_tokens = prompt_tokens
        self.context = context


@dataclass(frozen=True)
class TokenScore:
    """A token as it is written and its log-probability; None of a text's first.

    `top` are the likeliest tokens there and theirs, best first; the token itself is one of them.
    """

    text: str
    log_prob: float | None
    top: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Scores:
    """What a request's `scoring` asked for: of the prompt, with its text, and of the completion.

    `interventions` are what retrieval did to the prompt's scores; None without a datastore.
    """

    prompt_text: str
    prompt: tuple[TokenScore, ...]
    completion: tuple[TokenScore, ...]
    interventions: Interventions | None


@dataclass(frozen=True)
class Event:
    """News of one request: text that is final, and at its end the completion or what went wrong.

    `scores` come with the completion where the request has a `scoring`.
    """

    ticket: int
    text: str = ""
    completion: Completion | None = None
    error: Exception | None = None
    scores: Scores | None = None


class StreamingEngine(Protocol):
    """An engine that takes requests while it decodes others. For one thread.

    `submit_all` queues requests and gives each a ticket; `step` decodes a little for the requests
    in the slots, refills slots from the queue and returns what is new; each ticket ends with
    exactly one event that holds a completion or an error. `cancel` forgets a ticket (no more
    events).
    """

    def submit(self, request: Request, *, streamed: bool = False) -> int:
        """Queue one request; returns its ticket. Raises what `submit_all` gives in its place."""
        (queued,) = self.submit_all([request], streamed=streamed)
        if isinstance(queued, UserError):
            raise queued
        return queued

    def submit_all(
        self, requests: Sequence[Request], *, streamed: bool = False
    ) -> list[int | UserError]:
        """Queue requests; final text comes as it is written if `streamed`, else at the end.

        For each a ticket, or a `UserError` where it can never be served. Of these `ContextExceeded`
        speaks of the model, all others of the request.
        """
        ...

    def cancel(self, ticket: int) -> None:
        """Forget a request; unknown tickets are ignored."""
        ...

    def step(self) -> list[Event]:
        """Decode some tokens; returns at once, with nothing, where nothing is queued."""
        ...

    @property
    def busy(self) -> bool:
        """Whether any request is queued or in a slot."""
        ...


@dataclass(frozen=True)
class OpenedEngine:
    """An engine that is ready, and its model's way to write a conversation."""

    engine: StreamingEngine
    render_chat: Callable[[Messages, ChatArguments], str]
