"""What goes into an engine and what comes out."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol


@dataclass(frozen=True)
class GenerationOptions:
    """Greedy decoding: the longest completion, and how many prompts run together."""

    max_new_tokens: int = 512
    batch_size: int = 16


@dataclass(frozen=True)
class Request:
    """One prompt, before the model's chat template is put around it."""

    id: str
    prompt: str


@dataclass(frozen=True)
class NeighbourUse:
    """One neighbour behind a change: its token, squared L2 distance and provenance."""

    token: str
    distance: float
    record: str
    offset: int


@dataclass(frozen=True)
class TokenChange:
    """A step at which the datastore changed the argmax, with the nearest neighbours."""

    position: int
    lm_token: str
    token: str
    neighbours: tuple[NeighbourUse, ...]


MOST_CHANGES: Final = 64
"""Changes that are kept of one completion; all are counted."""


@dataclass(frozen=True)
class Interventions:
    """What retrieval did to one completion, counted in decoding steps.

    `changes` are the first `MOST_CHANGES` of the `argmax_changes`, in their order.
    """

    steps: int
    searched: int
    argmax_changes: int
    changes: tuple[TokenChange, ...]

    def to_json(self) -> dict[str, Any]:
        """As it stands in a report, plain JSON."""
        changes = [
            {**asdict(change), "neighbours": [asdict(use) for use in change.neighbours]}
            for change in self.changes
        ]
        return {**asdict(self), "changes": changes}


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `seconds` is this prompt's share of its batch's time."""

    id: str
    text: str
    finish_reason: str  # "stop" or "length"
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    interventions: Interventions | None

    @property
    def truncated(self) -> bool:
        """Whether decoding ended for want of tokens."""
        return self.finish_reason == "length"


class Engine(Protocol):
    """Turns prompts into completions."""

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """One completion per request, in their order."""
        ...
