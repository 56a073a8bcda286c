"""Collecting what retrieval did at each step of a batch."""

import torch
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.engine.records import MOST_CHANGES, Interventions, NeighbourUse, TokenChange
from knm.retrieval import StepTrace

SHOWN_NEIGHBOURS = 4


class BatchTracer:
    """Observes the decoding steps of one batch of `rows` prompts."""

    def __init__(self, rows: int) -> None:
        self._searched: list[torch.Tensor] = []
        self._changed: list[torch.Tensor] = []
        self._kept: list[list[tuple[int, StepTrace]]] = [[] for _ in range(rows)]

    def __call__(self, trace: StepTrace) -> None:
        """Record one step."""
        position = len(self._changed)
        changed = (trace.token != trace.lm_token).cpu()
        self._changed.append(changed)
        self._searched.append(trace.searched.cpu())
        for row in changed.nonzero().flatten().tolist():
            if len(self._kept[row]) < MOST_CHANGES:
                self._kept[row].append((position, trace))

    def interventions(
        self, row: int, steps: int, datastore: Datastore, tokenizer: PreTrainedTokenizerBase
    ) -> Interventions:
        """What happened to one row in its first `steps` steps; later ones are padding."""
        return Interventions(
            steps=steps,
            searched=sum(int(step[row]) for step in self._searched[:steps]),
            argmax_changes=sum(int(step[row]) for step in self._changed[:steps]),
            changes=tuple(
                _describe(row, position, trace, datastore, tokenizer)
                for position, trace in self._kept[row]
                if position < steps
            ),
        )


def _describe(
    row: int,
    position: int,
    trace: StepTrace,
    datastore: Datastore,
    tokenizer: PreTrainedTokenizerBase,
) -> TokenChange:
    uses = []
    for column in range(min(SHOWN_NEIGHBOURS, trace.neighbours.ids.shape[1])):
        entry = int(trace.neighbours.ids[row, column])
        if entry < 0:
            break
        origin = datastore.provenance[entry]
        uses.append(
            NeighbourUse(
                token=tokenizer.decode([int(trace.neighbours.values[row, column])]),
                distance=float(trace.neighbours.distances[row, column]),
                record=datastore.record_ids[int(origin["record"])],
                offset=int(origin["offset"]),
            )
        )
    return TokenChange(
        position=position,
        lm_token=tokenizer.decode([int(trace.lm_token[row])]),
        token=tokenizer.decode([int(trace.token[row])]),
        neighbours=tuple(uses),
    )
