"""What goes into an engine and what comes out."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from knm.errors import UserError


@dataclass(frozen=True)
class GenerationOptions:
    """What holds for all requests: the longest completion, and how many prompts run together."""

    max_new_tokens: int = 512
    batch_size: int = 32


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. Temperature 0 is greedy; `top_p` and `seed` then do not matter."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


GREEDY: Final = Sampling()


class ContextExceeded(UserError):
    """A prompt fills the model's context: it has no answer to it, and that is the model's."""

    def __init__(self, request_id: str, prompt_tokens: int, context: int) -> None:
        super().__init__(
            f"request {request_id!r}: its prompt has {prompt_tokens} tokens, the model's context "
            f"{context}: shorten the prompt, or choose a model with a longer context"
        )
        self.prompt_tokens = prompt_tokens
        self.context = context


@dataclass(frozen=True)
class Request:
    """One prompt to be completed. A completion depends on this and the engine's set-up alone.

    Attributes:
        id: of the problem; with `sample` and the seed it determines the noise of sampling.
        prompt: the text of one user turn, or with `chat` off the whole context as it is.
        chat: whether the model's chat template is put around the prompt.
        sample: index among several samples of one prompt.
        max_new_tokens: the engine's own bound if None; never above it.
        stop: strings that end a completion; they are not part of its text.
        sampling: how tokens are chosen.
        withheld: why the datastore is not to be used, whatever the prompt; None if it may be.
        prefix: token ids that are written already: context, and no part of the completion.
    """

    id: str
    prompt: str
    chat: bool = True
    sample: int = 0
    max_new_tokens: int | None = None
    stop: tuple[str, ...] = ()
    sampling: Sampling = GREEDY
    withheld: str | None = None
    prefix: tuple[int, ...] = ()


@dataclass(frozen=True)
class NeighbourUse:
    """One neighbour behind a change: its token, squared L2 distance and provenance.

    `lm_token` is what the LM had predicted there when the datastore was mined. Of a trial,
    `outcome` is 1 where its token gained the problem and -1 where it lost it, `crash` -1 where it
    mended a crash and 1 where it made one, else 0; None where the datastore holds no trials.
    """

    token: str
    distance: float
    record: str
    offset: int
    lm_token: str | None = None
    outcome: int | None = None
    crash: int | None = None


@dataclass(frozen=True)
class TokenChange:
    """A step at which the datastore changed the argmax, with the nearest neighbours.

    `start` is the place in the completion's text where the token of that step begins; None where
    that is inside a character. `weight` is what the neighbours counted for at that step.
    """

    position: int
    start: int | None
    lm_token: str
    token: str
    neighbours: tuple[NeighbourUse, ...]
    weight: float | None = None


MOST_CHANGES: Final = 64
"""Changes that are kept of one completion; all are counted."""

WEIGHT_BINS: Final = 10


@dataclass(frozen=True)
class Interventions:
    """What retrieval did to one completion, counted in decoding steps.

    `weights` are the numbers of searched steps whose neighbours had a weight in each of
    `WEIGHT_BINS` equal parts of 0 to 1. `changes` are the first `MOST_CHANGES` of the
    `argmax_changes`, in their order. `withheld` is why the datastore was not used at all: the
    prompt is not its to answer.
    """

    steps: int
    searched: int
    argmax_changes: int
    weights: tuple[int, ...]
    changes: tuple[TokenChange, ...]
    withheld: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As it stands in a report, plain JSON."""
        changes = [
            {**asdict(change), "neighbours": [asdict(use) for use in change.neighbours]}
            for change in self.changes
        ]
        return {**asdict(self), "weights": list(self.weights), "changes": changes}


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `seconds` is this prompt's share of its batch's time.

    `tokens` are the ids written, with the token that ended it; empty where the engine that wrote
    them is elsewhere.
    """

    id: str
    text: str
    finish_reason: str  # "stop" or "length"
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    interventions: Interventions | None
    tokens: tuple[int, ...] = ()

    @property
    def truncated(self) -> bool:
        """Whether decoding ended for want of tokens."""
        return self.finish_reason == "length"


@dataclass(frozen=True)
class Event:
    """News of one request: text that is final, and at its end the completion or what went wrong."""

    ticket: int
    text: str = ""
    completion: Completion | None = None
    error: Exception | None = None


class StreamingEngine(Protocol):
    """An engine that takes requests while it decodes others. For one thread.

    `submit` queues a request and returns its ticket; `step` decodes a little for the requests in
    the slots, refills slots from the queue and returns what is new; each ticket ends with exactly
    one event that holds a completion or an error. `cancel` forgets a ticket (no more events).
    """

    def submit(self, request: Request) -> int:
        """Queue a request. Raises `UserError` where it can never be served.

        Of these `ContextExceeded` speaks of the model, all others of the request.
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
