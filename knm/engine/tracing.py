"""What retrieval did to one completion, gathered from the history of its slot."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.engine.records import Interventions, NeighbourUse, TokenChange
from knm.engine.state import CHANGED, SEARCHED, FirstChange
from knm.retrieval import StepTrace

SHOWN_NEIGHBOURS = 4


@dataclass(frozen=True)
class _Change:
    """A changed step: head (3,), ids, values and distances (k,) as in `FirstChange`."""

    head: list[int]
    ids: list[int]
    values: list[int]
    distances: list[float]


@dataclass
class SequenceTrace:
    """Grows with the steps of one sequence."""

    _changed: list[int] = field(default_factory=list)
    _searched: list[int] = field(default_factory=list)
    _first: _Change | None = None

    def extend(self, history: np.ndarray[Any, Any], first: FirstChange | None, slot: int) -> None:
        """Add steps: their history (n, 3), and the first changes of all slots after them."""
        self._changed += history[:, CHANGED].tolist()
        self._searched += history[:, SEARCHED].tolist()
        if self._first is None and first is not None and first.head[slot, 0] > 0:
            self._first = _Change(
                head=first.head[slot].tolist(),
                ids=first.ids[slot].tolist(),
                values=first.values[slot].tolist(),
                distances=first.distances[slot].tolist(),
            )

    def observe(self, place: int, step: StepTrace) -> None:
        """Add one step of a batch of one, whose token is number `place` of prompt and answer."""
        changed = bool(step.token[0] != step.lm_token[0])
        self._changed.append(changed)
        self._searched.append(int(step.searched[0]))
        if changed and self._first is None:
            found = step.neighbours
            self._first = _Change(
                head=[place, int(step.lm_token[0]), int(step.token[0])],
                ids=found.ids[0].tolist(),
                values=found.values[0].tolist(),
                distances=found.distances[0].tolist(),
            )

    def interventions(
        self,
        steps: int,
        prompt_tokens: int,
        datastore: Datastore,
        tokenizer: PreTrainedTokenizerBase,
    ) -> Interventions:
        """What happened in the first `steps` steps; later ones are not of the completion."""
        first = None
        if any(self._changed[:steps]):
            assert self._first is not None
            first = _describe(self._first, prompt_tokens, datastore, tokenizer)
        return Interventions(
            steps=steps,
            searched=sum(self._searched[:steps]),
            argmax_changes=sum(self._changed[:steps]),
            first_change=first,
        )


def _describe(
    change: _Change,
    prompt_tokens: int,
    datastore: Datastore,
    tokenizer: PreTrainedTokenizerBase,
) -> TokenChange:
    uses = []
    shown = zip(change.ids, change.values, change.distances, strict=True)
    for entry, value, distance in list(shown)[:SHOWN_NEIGHBOURS]:
        if entry < 0:
            break
        origin = datastore.provenance[entry]
        uses.append(
            NeighbourUse(
                token=tokenizer.decode([value]),
                distance=distance,
                record=datastore.record_ids[int(origin["record"])],
                offset=int(origin["offset"]),
            )
        )
    place, lm_token, token = change.head
    return TokenChange(
        position=place - prompt_tokens,
        lm_token=tokenizer.decode([lm_token]),
        token=tokenizer.decode([token]),
        neighbours=tuple(uses),
    )
