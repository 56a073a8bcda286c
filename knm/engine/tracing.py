"""What retrieval did to one completion, gathered step by step."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.engine.state import CORRECTED, LM_TOKEN, SEARCHED, WEIGHT, Found
from knm.records import MOST_CHANGES, WEIGHT_BINS, Interventions, Neighbour, TokenChange
from knm.retrieval import StepTrace


@dataclass(frozen=True)
class _Change:
    """A changed step: number `position` of the answer; ids, values and distances (S,)."""

    position: int
    lm_token: int
    token: int
    ids: Sequence[int]
    values: Sequence[int]
    distances: Sequence[float]


@dataclass
class SequenceTrace:
    """Grows with the steps of one sequence; `shown` neighbours are kept of a step."""

    shown: int = 0
    _changed: list[int] = field(default_factory=list)
    _searched: list[int] = field(default_factory=list)
    _weights: list[int] = field(default_factory=list)
    _kept: list[_Change] = field(default_factory=list)

    def extend(
        self,
        history: np.ndarray[Any, Any],
        found: Found,
        steps: np.ndarray[Any, Any],
        rows: np.ndarray[Any, Any],
    ) -> None:
        """Add n tokens: their history (n, 6), and at which steps and rows of `found` they stand."""
        before = len(self._changed)
        changed = history[:, LM_TOKEN] != history[:, CORRECTED]
        self._changed += changed.tolist()
        self._searched += history[:, SEARCHED].tolist()
        self._weights += history[:, WEIGHT].tolist()
        for place in changed.nonzero()[0][: MOST_CHANGES - len(self._kept)].tolist():
            at = steps[place], rows[place]
            self._kept.append(
                _Change(
                    position=before + place,
                    lm_token=int(history[place, LM_TOKEN]),
                    token=int(history[place, CORRECTED]),
                    ids=found.ids[at].tolist(),
                    values=found.values[at].tolist(),
                    distances=found.distances[at].tolist(),
                )
            )

    def observe(self, step: StepTrace) -> None:
        """Add one step of a batch of one."""
        changed = bool(step.token[0] != step.lm_token[0])
        if changed and len(self._kept) < MOST_CHANGES:
            found = step.neighbours
            self._kept.append(
                _Change(
                    position=len(self._changed),
                    lm_token=int(step.lm_token[0]),
                    token=int(step.token[0]),
                    ids=found.ids[0, : self.shown].tolist(),
                    values=found.values[0, : self.shown].tolist(),
                    distances=found.distances[0, : self.shown].tolist(),
                )
            )
        self._changed.append(changed)
        self._searched.append(int(step.searched[0]))
        self._weights.append(round(float(step.weight[0]) * 1000))

    def interventions(
        self,
        tokens: Sequence[int],
        text: str,
        datastore: Datastore,
        tokenizer: PreTrainedTokenizerBase,
        withheld: str | None = None,
    ) -> Interventions:
        """What happened in the steps of `tokens`, which say `text`; later ones are not of it.

        `withheld` is why the datastore was not used.
        """
        steps = len(tokens)
        weights = Counter(
            min(weight * WEIGHT_BINS // 1000, WEIGHT_BINS - 1)
            for weight, searched in zip(self._weights[:steps], self._searched, strict=False)
            if searched
        )
        return Interventions(
            steps=steps,
            searched=sum(self._searched[:steps]),
            argmax_changes=sum(self._changed[:steps]),
            weights=tuple(weights[place] for place in range(WEIGHT_BINS)),
            changes=tuple(
                replace(
                    _describe(change, tokens, text, datastore, tokenizer),
                    weight=self._weights[change.position] / 1000,
                )
                for change in self._kept
                if change.position < steps
            ),
            withheld=withheld,
        )


def _describe(
    change: _Change,
    tokens: Sequence[int],
    text: str,
    datastore: Datastore,
    tokenizer: PreTrainedTokenizerBase,
) -> TokenChange:
    uses = []
    trials = datastore.manifest.trials is not None
    for entry, value, distance in zip(change.ids, change.values, change.distances, strict=True):
        if entry < 0:
            break
        origin = datastore.provenance[entry]
        predicted = int(origin["predicted"])
        uses.append(
            Neighbour(
                token=tokenizer.decode([value]),
                distance=distance,
                record=datastore.records[int(origin["record"])].id,
                offset=int(origin["offset"]),
                # An imported datastore does not know it.
                lm_token=None if predicted < 0 else tokenizer.decode([predicted]),
                outcome=int(origin["outcome"]) if trials else None,
                crash=int(origin["crash"]) if trials else None,
            )
        )
    return TokenChange(
        position=change.position,
        start=_start(tokens, text, change.position, tokenizer),
        lm_token=tokenizer.decode([change.lm_token]),
        token=tokenizer.decode([change.token]),
        neighbours=tuple(uses),
    )


def _start(
    tokens: Sequence[int], text: str, position: int, tokenizer: PreTrainedTokenizerBase
) -> int | None:
    """Where token number `position` begins in the text of the tokens."""
    before: str = tokenizer.decode(tokens[:position], skip_special_tokens=True)
    return len(before) if text.startswith(before) else None
