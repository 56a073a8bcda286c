"""Positions of solved tasks with the states of several key kinds, and which of them to ask at."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from knm.corpora import CorpusRecord
from knm.datastore.origins import number_groups
from knm.errors import UserError
from knm.metrics.measuring import Array, measure
from knm.metrics.states import BATCH_TOKENS, Block, read_blocks, target_counts
from knm.models import EncodedExample, KeyKind, LoadedModel

MOST_ENTRIES: Final = 200_000
MOST_MISTAKES: Final = 2_000
_ROWS_AT_ONCE: Final = 8_192


@dataclass(frozen=True)
class DiscriminationOptions:
    """How keys are compared.

    Records are drawn whole until there are `most_entries`, whose keys are what is kept in memory,
    and of the LM's mistakes `most_mistakes`; `seed` draws both, and what is bootstrapped.
    """

    batch_tokens: int = BATCH_TOKENS
    seed: int = 0
    most_entries: int = MOST_ENTRIES
    most_mistakes: int = MOST_MISTAKES


@dataclass(frozen=True)
class KeyedPositions:
    """N positions of records: `states` (N, W) on the host, in the dtype of the model.

    `right` and `predicted` (N,) are the tokens that follow and those that the LM finds likeliest,
    `groups` (N,) the numbers of what is held out together, all int64.
    """

    states: Tensor
    right: Array
    predicted: Array
    groups: Array

    @property
    def wrong(self) -> Array:
        """Where the LM errs, (N,) bool."""
        mistaken: Array = self.predicted != self.right
        return mistaken


def draw_records(
    examples: Sequence[EncodedExample],
    records: Sequence[CorpusRecord],
    options: DiscriminationOptions,
) -> list[int]:
    """The places of records drawn whole, in their order, with no more positions than wanted.

    Raises:
        UserError: they are of fewer than two problems.
    """
    order = np.random.default_rng(options.seed).permutation(len(records))
    fits = np.cumsum(target_counts(examples)[order]) <= options.most_entries
    chosen = sorted(order[fits].tolist())
    problems = len(np.unique(number_groups(records[one] for one in chosen)))
    if problems < 2:
        raise UserError(
            f"{len(chosen)} of {len(records)} records were drawn, of fewer than two problems: keys "
            "are compared by the neighbours that positions have in records of other problems, so "
            f"give records of two at least, each of at most {options.most_entries:,} tokens"
        )
    return chosen


def key_positions(
    loaded: LoadedModel,
    records: Sequence[CorpusRecord],
    examples: Sequence[EncodedExample],
    kind: KeyKind,
    batch_tokens: int = BATCH_TOKENS,
) -> KeyedPositions:
    """The states and what the LM says at all positions of records, in one forward pass.

    Raises:
        UserError: the model has no such states, they are not finite, or an example is too long.
    """
    counts = target_counts(examples)
    width = kind.width(loaded.identity.hidden_size)
    states = torch.empty((int(counts.sum()), width), dtype=loaded.model.dtype)

    def keeping(blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            states[torch.from_numpy(block.positions)] = block.keys.to("cpu", states.dtype)
            # Only what has been kept is needed from here on.
            yield replace(block, keys=block.keys[:, :0])

    blocks = read_blocks(loaded, examples, kind, batch_tokens=batch_tokens)
    said, _ = measure(loaded, keeping(blocks), (), len(states))
    # Row by row: a mask of all numbers would be half as large as they are.
    if not all(bool(part.isfinite().all()) for part in torch.split(states, _ROWS_AT_ONCE)):
        raise UserError(
            "the model gives states that are not finite: check its weights, or compute in another "
            "dtype (bfloat16, float32)"
        )
    right = [token for one in examples for token in one.ids[one.target_start :]]
    groups = number_groups(records).repeat(counts)
    return KeyedPositions(states, np.array(right, dtype=np.int64), said.token, groups)


def draw_queries(keyed: KeyedPositions, options: DiscriminationOptions) -> Array:
    """The positions to ask at, in order: mistakes, and as many at which the LM is right.

    Raises:
        UserError: there are none of one kind.
    """
    wrong = keyed.wrong
    if wrong.all() or not wrong.any():
        often = "wrong at all" if wrong.any() else "right at all"
        raise UserError(
            f"the LM is {often} {len(wrong):,} positions: keys are compared by how they tell its "
            "mistakes, so give it a corpus on which it makes some"
        )
    draw = np.random.default_rng(options.seed)
    size = min(options.most_mistakes, int(wrong.sum()))
    mistakes = draw.permutation(np.flatnonzero(wrong))[:size]
    correct = draw.permutation(np.flatnonzero(~wrong))[:size]
    return np.sort(np.concatenate([mistakes, correct]))
