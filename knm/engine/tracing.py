"""Collecting what retrieval did at each step of a batch."""

import torch
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.engine.records import Interventions, NeighbourUse, TokenChange
from knm.retrieval import StepTrace

SHOWN_NEIGHBOURS = 4


class BatchTracer:
    """Observes the decoding steps of one batch of `rows` prompts."""

    def __init__(self, rows: int) -> None:
        self._searched: list[torch.Tensor] = []
        self._changed: list[torch.Tensor] = []
        self._first: list[tuple[int, StepTrace] | None] = [None] * rows

    def __call__(self, trace: StepTrace) -> None:
        """Record one step."""
        position = len(self._changed)
        changed = (trace.token != trace.lm_token).cpu()
        self._changed.append(changed)
        self._searched.append(trace.searched.cpu())
        for row in changed.nonzero().flatten().tolist():
            if self._first[row] is None:
                self._first[row] = (position, trace)

    def interventions(
        self, row: int, steps: int, datastore: Datastore, tokenizer: PreTrainedTokenizerBase
    ) -> Interventions:
        """What happened to one row in its first `steps` steps; later ones are padding."""
        first = self._first[row]
        return Interventions(
            steps=steps,
            searched=sum(int(step[row]) for step in self._searched[:steps]),
            argmax_changes=sum(int(step[row]) for step in self._changed[:steps]),
            first_change=None
            if first is None or first[0] >= steps
            else _describe(row, *first, datastore, tokenizer),
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
