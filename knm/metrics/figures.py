"""From predictions at every position to the figures that are shown."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from knm.metrics.measuring import Array, Measured, Predictions


@dataclass(frozen=True)
class Group:
    """Figures of some positions: all, or those of one token type or source.

    `gained` counts the positions at which the LM is wrong and the prediction right, `lost` the
    reverse. `perplexity` is None where it is infinite.
    """

    positions: int
    right: int
    gained: int
    lost: int
    accuracy: float
    perplexity: float | None


@dataclass(frozen=True)
class Oracle:
    """What a gate would reach that chooses at each position as the right token would have it.

    It chooses between the LM and the corrected prediction or, `by_neighbours`, between the LM and
    what the neighbours alone say: no weight, gate or mixture can do better than both.
    """

    accuracy: float
    perplexity: float | None
    by_neighbours_accuracy: float
    by_neighbours_perplexity: float | None


@dataclass(frozen=True)
class Figures:
    """Figures of one predictor, in whole and by group; the last four only with a datastore.

    `offered` is the share of positions whose right token is among the neighbours, and
    `offered_at_mistakes` the same of the LM's mistakes.
    """

    name: str
    all: Group
    by_type: Mapping[str, Group]
    by_source: Mapping[str, Group]
    oracle: Oracle | None = None
    mean_weight: float | None = None
    searched: float | None = None
    offered: float | None = None
    offered_at_mistakes: float | None = None


@dataclass(frozen=True)
class Positions:
    """What is known of the N target positions beforehand: right tokens and labels, (N,) each."""

    right: Array
    types: Array
    sources: Array

    @classmethod
    def of(cls, right: Sequence[int], types: Sequence[str], sources: Sequence[str]) -> "Positions":
        """From plain lists."""
        return cls(np.array(right, dtype=np.int64), np.array(types), np.array(sources))


def lm_figures(positions: Positions, lm: Predictions) -> Figures:
    """The figures of the LM alone."""
    return _figures("LM", positions, lm, lm)


def preset_figures(name: str, positions: Positions, lm: Predictions, measured: Measured) -> Figures:
    """The figures of a preset."""
    plain = _figures(name, positions, lm, measured.corrected)
    wrong = lm.token != positions.right
    return Figures(
        name=name,
        all=plain.all,
        by_type=plain.by_type,
        by_source=plain.by_source,
        oracle=_oracle(positions.right, lm, measured),
        mean_weight=float(measured.weight.mean(dtype=np.float64)),
        searched=float(measured.searched.mean()),
        offered=float(measured.offered.mean()),
        offered_at_mistakes=float(measured.offered[wrong].mean()) if wrong.any() else None,
    )


def group_of(right: Array, lm: Predictions, said: Predictions, chosen: Array) -> Group:
    """The figures of the positions that the mask `chosen` (N,) names, at least one."""
    was, now = lm.token[chosen] == right[chosen], said.token[chosen] == right[chosen]
    return Group(
        positions=int(chosen.sum()),
        right=int(now.sum()),
        gained=int((now & ~was).sum()),
        lost=int((was & ~now).sum()),
        accuracy=float(now.mean()),
        perplexity=_perplexity(said.log_prob[chosen]),
    )


def _figures(name: str, positions: Positions, lm: Predictions, said: Predictions) -> Figures:
    def groups(labels: Array) -> dict[str, Group]:
        return {
            str(label): group_of(positions.right, lm, said, labels == label)
            for label in np.unique(labels)
        }

    everywhere = np.ones(len(positions.right), dtype=np.bool_)
    return Figures(
        name,
        group_of(positions.right, lm, said, everywhere),
        groups(positions.types),
        groups(positions.sources),
    )


def _oracle(right: Array, lm: Predictions, measured: Measured) -> Oracle:
    def best_of(other: Predictions) -> tuple[float, float | None]:
        hits = (lm.token == right) | (other.token == right)
        return float(hits.mean()), _perplexity(np.maximum(lm.log_prob, other.log_prob))

    return Oracle(*best_of(measured.corrected), *best_of(measured.neighbours))


def _perplexity(log_probs: Array) -> float | None:
    mean = float(-log_probs.mean())
    try:
        return math.exp(mean) if math.isfinite(mean) else None
    except OverflowError:
        return None
