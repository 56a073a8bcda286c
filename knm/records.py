"""What is asked of a model, what it writes, and what a datastore did to that: one record each.

Written and read by `knm.codec`: in reports, in the cache, and between an engine and its clients.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

MOST_CHANGES: Final = 64
"""Changes that are kept of one completion; all are counted."""

WEIGHT_BINS: Final = 10


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. Temperature 0 is greedy; `top_p` and `seed` then do not matter."""

    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0


GREEDY: Final = Sampling()

ChatArguments = tuple[tuple[str, str | int | float | bool], ...]
"""What a chat template is given by name beside the conversation, sorted."""


Messages = Sequence[dict[str, str]]
"""A conversation: role and content of each turn."""


def conversation(prompt: str, system: str = "", earlier: Messages = ()) -> Messages:
    """A user's turn behind `earlier` ones and, if it says anything, the system's."""
    before = [{"role": "system", "content": system}] if system else []
    return [*before, *earlier, {"role": "user", "content": prompt}]


@dataclass(frozen=True)
class Scoring:
    """What is to be told of a text's tokens beside the completion.

    Attributes:
        alternatives: how many of the likeliest tokens at each place; None for no log-probabilities.
        echo: whether the prompt is told too, with the log-probabilities of its tokens.
        asked: with `echo`, how many tokens of the prompt are what was asked. Those behind them are
            taken as written, and corrected; None: all but the first are.
    """

    alternatives: int | None
    echo: bool = False
    asked: int | None = None


@dataclass(frozen=True)
class Request:
    """One prompt to be completed. A completion depends on this and the engine's set-up alone.

    Attributes:
        id: of the problem; with `sample` and the seed it determines the noise of sampling.
        prompt: the text of one user turn, or with `chat` off the whole context as it is.
        system: what stands before that turn as the system's; "" for nothing.
        chat_arguments: what the chat template is given beside these.
        chat: whether the model's chat template is put around the prompt.
        sample: index among several samples of one prompt.
        max_new_tokens: the engine's own bound if None; never above it. 0 only with `scoring`.
        stop: strings that end a completion; they are not part of its text.
        sampling: how tokens are chosen.
        withheld: why the datastore is not to be used, whatever the prompt; None if it may be.
        prefix: token ids that are written already: context, and no part of the completion.
        ids: the prompt as token ids, in place of its text; then `prompt` is empty and `chat` off.
        scoring: what is to be told of the tokens; a served engine alone knows how.
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
    ids: tuple[int, ...] = ()
    system: str = ""
    chat_arguments: ChatArguments = ()
    scoring: Scoring | None = None


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One neighbour behind a change: its token, squared L2 distance and provenance.

    `lm_token` is what the LM had predicted there when the datastore was mined; None where that is
    not told. Of a trial, `outcome` is 1 where its token gained the problem and -1 where it lost it,
    `crash` -1 where it mended a crash and 1 where it made one, else 0; None where the datastore
    holds no trials.

    Raises:
        ValueError: the distance is not a finite number.
    """

    token: str
    distance: float
    record: str
    offset: int
    lm_token: str | None = None
    outcome: int | None = None
    crash: int | None = None

    def __post_init__(self) -> None:
        if not math.isfinite(self.distance):
            raise ValueError(f"the distance {self.distance} is not a finite number")

    @property
    def came_of_it(self) -> str | None:
        """What came of a trial, in words; None of a corpus's token."""
        if self.outcome is None:
            return None
        crash = {-1: ", mended a crash", 1: ", made a crash"}.get(self.crash or 0, "")
        return {1: "gained", -1: "lost"}.get(self.outcome, "no change") + crash


@dataclass(frozen=True)
class Tally:
    """Problems behind a change in which its exchange was tried, and what it did there."""

    problems: int
    gained: int
    lost: int
    mended: int
    broken: int

    def __str__(self) -> str:
        crashes = [
            f"{count} {what}"
            for count, what in ((self.mended, "crashes mended"), (self.broken, "made"))
            if count
        ]
        told = f"gained {self.gained} of {self.problems} problems here, lost {self.lost}"
        return "; ".join([told, ", ".join(crashes)]) if crashes else told


@dataclass(frozen=True, slots=True)
class TokenChange:
    """A step at which the datastore changed the argmax, with the nearest neighbours.

    `start` is the place in the completion's text where the token of that step begins; None where
    that is inside a character, or not told. `weight` is what the neighbours counted for at that
    step; None where that is not told.
    """

    position: int
    start: int | None
    lm_token: str
    token: str
    neighbours: tuple[Neighbour, ...]
    weight: float | None = None

    @property
    def supporters(self) -> tuple[Neighbour, ...]:
        """The neighbours that spoke for the token that was taken."""
        return tuple(entry for entry in self.neighbours if entry.token == self.token)

    @property
    def tally(self) -> Tally | None:
        """What came of the trials behind it, by problems; None of a corpus's tokens."""
        trials = [entry for entry in self.supporters if entry.outcome is not None]
        if not trials:
            return None

        def problems(which: Callable[[Neighbour], bool] = lambda _: True) -> int:
            return len({entry.record for entry in trials if which(entry)})

        return Tally(
            problems=problems(),
            gained=problems(lambda entry: entry.outcome == 1),
            lost=problems(lambda entry: entry.outcome == -1),
            mended=problems(lambda entry: entry.crash == -1),
            broken=problems(lambda entry: entry.crash == 1),
        )


@dataclass(frozen=True)
class Interventions:
    """What retrieval did to one completion, counted in decoding steps.

    `weights` are the numbers of searched steps whose neighbours had a weight in each of
    `WEIGHT_BINS` equal parts of 0 to 1; empty where that is not told. `changes` are the first
    `MOST_CHANGES` of the `argmax_changes`, in their order. `withheld` is why the datastore was not
    used at all: the prompt is not its to answer.
    """

    steps: int
    searched: int
    argmax_changes: int
    weights: tuple[int, ...]
    changes: tuple[TokenChange, ...]
    withheld: str | None = None

    def each_change(self) -> Iterator[TokenChange]:
        """The changes in their order, for those who may not need them all."""
        return iter(self.changes)


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `seconds` is this prompt's share of its batch's time.

    `finish_reason` is "stop" or "length", or None where nobody knows. `tokens` are the ids written,
    with the token that ended it; empty where the engine that wrote them is elsewhere.
    """

    id: str
    text: str
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    interventions: Interventions | None
    tokens: tuple[int, ...] = ()

    @property
    def truncated(self) -> bool:
        """Whether decoding ended for want of tokens."""
        return self.finish_reason == "length"
