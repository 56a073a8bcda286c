"""What the LM and each preset say at every target position, teacher-forced.

The model's logits are computed once for all presets, a chunk of rows at a time, and never kept: a
vocabulary may have 150,000 tokens. Presets that depend on what has been written walk the positions
in order instead, all examples of a block as rows beside each other.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.metrics.states import Block
from knm.models import LoadedModel
from knm.models.head import OutputHead
from knm.retrieval import Correction, LMOutput, Retriever
from knm.retrieval.votes import NO_TOKEN, Votes

_LOGITS_AT_ONCE: Final = 1 << 25  # bounds the memory of (n, vocabulary) tensors

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Predictions:
    """The likeliest `token` (N,) int64, and of the right one `log_prob` (N,) float64 and `rank`.

    The `rank` (N,) int64 is 1 where the right token is the likeliest; 0 where nobody knows it.
    """

    token: Array
    log_prob: Array
    rank: Array

    @classmethod
    def allocate(cls, count: int) -> "Predictions":
        """Room for N positions."""
        return cls(
            np.full(count, NO_TOKEN, dtype=np.int64),
            np.full(count, -np.inf),
            np.zeros(count, dtype=np.int64),
        )

    def where(self, mask: Array) -> "Predictions":
        """Those at the positions that `mask` (N,) bool names."""
        return Predictions(self.token[mask], self.log_prob[mask], self.rank[mask])

    def put(
        self, places: Array, token: Tensor, log_prob: Tensor, rank: Tensor | None = None
    ) -> None:
        """Fill in some positions."""
        self.token[places] = token.cpu().numpy()
        self.log_prob[places] = log_prob.double().cpu().numpy()
        if rank is not None:
            self.rank[places] = rank.cpu().numpy()


@dataclass(frozen=True)
class Measured:
    """What a preset made of N positions.

    `corrected` is what it predicts, `neighbours` what its neighbours alone would: no token and a
    log-probability of -inf where nothing was found. `weight` (N,) float32, `searched` (N,) bool,
    and `offered` (N,) bool: whether the right token is among the neighbours.
    """

    corrected: Predictions
    neighbours: Predictions
    weight: Array
    searched: Array
    offered: Array

    @classmethod
    def allocate(cls, count: int) -> "Measured":
        """Room for N positions."""
        return cls(
            Predictions.allocate(count),
            Predictions.allocate(count),
            np.zeros(count, dtype=np.float32),
            np.zeros(count, dtype=np.bool_),
            np.zeros(count, dtype=np.bool_),
        )

    def where(self, mask: Array) -> "Measured":
        """What was made of the positions that `mask` (N,) bool names."""
        return Measured(
            self.corrected.where(mask),
            self.neighbours.where(mask),
            self.weight[mask],
            self.searched[mask],
            self.offered[mask],
        )

    def put(
        self,
        places: Array,
        correction: Correction,
        right: Tensor,
        temperature: float,
        rows: Tensor | slice = slice(None),
    ) -> None:
        """Fill in positions with `rows` of a correction; `right` (B,) is for all of its rows."""
        near = Votes.count(correction.neighbours, temperature)
        offers = near.found & (near.tokens == right[:, None]) & near.usable[:, None]
        log_vote = near.log_sums.masked_fill(~offers, -torch.inf).amax(1)
        logits = correction.logits
        log_prob, rank = log_probs_of(logits, right), ranks_of(logits, right)
        self.corrected.put(places, correction.token[rows], log_prob[rows], rank[rows])
        self.neighbours.put(places, near.token[rows], log_vote[rows])
        self.weight[places] = correction.weight[rows].cpu().numpy()
        self.searched[places] = correction.searched[rows].cpu().numpy()
        self.offered[places] = offers.any(1)[rows].cpu().numpy()


def log_probs_of(logits: Tensor, right: Tensor) -> Tensor:
    """The log-probability (n,) float32 of token `right` (n,) under logits (n, V)."""
    return logits.float().log_softmax(-1).gather(1, right[:, None])[:, 0]


def ranks_of(logits: Tensor, right: Tensor) -> Tensor:
    """The rank (n,) int64 of token `right` (n,) under logits (n, V); of equal ones the lower first.

    So it is 1 where argmax has that token.
    """
    own = logits.gather(1, right[:, None])
    lower = torch.arange(logits.shape[1], device=logits.device) < right[:, None]
    return 1 + ((logits > own) | ((logits == own) & lower)).sum(1)


@torch.inference_mode()
def measure(
    loaded: LoadedModel, blocks: Iterable[Block], retrievers: Sequence[Retriever], positions: int
) -> tuple[Predictions, list[Measured]]:
    """The LM's predictions at all `positions` of `blocks`, and what each retriever makes of them.

    The retrievers' keys must be of the kind that the blocks were read with.

    Raises:
        UserError: a retriever does not fit the model.
    """
    for retriever in retrievers:
        retriever.attach(loaded.model, loaded.tokenizer)
    head, lm = OutputHead(loaded.model), Predictions.allocate(positions)
    measured = [Measured.allocate(positions) for _ in retrievers]
    pairs = list(zip(retrievers, measured, strict=True))
    for block in blocks:
        admitted = [retriever.admitted(block.prompts, loaded.device) for retriever in retrievers]
        for rows in _chunks(len(block.right), loaded.identity.vocab_size):
            said = LMOutput.read(head(block.hidden[rows]))
            places, right = block.positions[rows], block.right[rows]
            log_prob, rank = log_probs_of(said.logits, right), ranks_of(said.logits, right)
            lm.put(places, said.token, log_prob, rank)
            for (retriever, into), mask in zip(pairs, admitted, strict=True):
                if not retriever.contextual:
                    own = None if mask is None else mask[block.owners[rows]]
                    correction = retriever.correct(block.keys[rows], said, admitted=own)
                    into.put(places, correction, right, retriever.temperature)
        for (retriever, into), mask in zip(pairs, admitted, strict=True):
            if retriever.contextual:
                _walk(loaded, head, block, retriever, mask, into)
    return lm, measured


def _walk(
    loaded: LoadedModel,
    head: OutputHead,
    block: Block,
    retriever: Retriever,
    admitted: Tensor | None,
    into: Measured,
) -> None:
    """Measure a preset that looks back, with the right tokens as what was written."""
    lengths = block.lengths
    context = retriever.context_behind(block.prompts, loaded.device)
    assert context is not None
    for step in range(int(lengths.max(initial=0))):
        # An example that has ended stays at its last position, and no longer counts.
        rows = block.starts[:-1] + np.minimum(step, lengths - 1)
        at = torch.from_numpy(rows).to(loaded.device)
        said = LMOutput.read(head(block.hidden[at]))
        correction = retriever.correct(block.keys[at], said, context, admitted)
        right = block.right[at]
        going = np.flatnonzero(step < lengths)
        places, alive = block.positions[rows[going]], torch.from_numpy(going).to(loaded.device)
        into.put(places, correction, right, retriever.temperature, alive)
        retriever.advance(context, correction, right)


def _chunks(rows: int, vocabulary: int) -> Iterator[slice]:
    size = max(16, _LOGITS_AT_ONCE // vocabulary)
    return (slice(start, start + size) for start in range(0, rows, size))
