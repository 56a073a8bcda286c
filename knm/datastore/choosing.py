"""Choosing one of several ways to decode by whole programs, and what the choice is worth.

What a choice gained on the problems that made it promises too much: it is the best of several
there. So each fifth of the problems is counted by what the other four choose.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, TypeVar

import numpy as np

from knm.datastore.store import Array
from knm.statistics import mcnemar_exact, paired_permutation

FOLDS: Final = 5
_SIGNIFICANT: Final = 0.05

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Firings:
    """The problems (n,) that a policy changes; what becomes of each: 1 gained, -1 lost, or 0."""

    problems: Array
    outcomes: Array

    @property
    def gained(self) -> int:
        """How many problems are solved with it alone."""
        return int((self.outcomes > 0).sum())

    @property
    def lost(self) -> int:
        """How many are solved without it alone."""
        return int((self.outcomes < 0).sum())

    @property
    def p_value(self) -> float:
        """How likely a split at least as uneven is by chance, by an exact sign test."""
        return mcnemar_exact(self.gained, self.lost)

    def p_value_by(self, groups: Array) -> float:
        """The same where the problems of one of `groups` (problems,) are not independent.

        By a paired permutation test of the groups' means, which the sign test is of single ones.
        """
        sums, sizes = np.zeros(len(groups), np.int64), np.bincount(groups)
        np.add.at(sums, groups[self.problems], self.outcomes)
        pairs = zip(sums.tolist(), sizes.tolist(), strict=False)
        return paired_permutation([Fraction(total, size) for total, size in pairs]).p_value

    def significant_by(self, groups: Array) -> bool:
        """Whether more is gained than lost, at 5 %, by the test of `p_value_by`."""
        return self.gained > self.lost and self.p_value_by(groups) < _SIGNIFICANT

    def where(self, mask: Array) -> "Firings":
        """Those of the problems that `mask` (problems,) bool admits."""
        kept = mask[self.problems]
        return Firings(self.problems[kept], self.outcomes[kept])

    def worth(self, price: float) -> float:
        """Gained problems, less the lost ones at their price."""
        return self.gained - price * self.lost


def best_choice(choices: Mapping[Choice, Firings], price: float) -> Choice | None:
    """That of most worth, of equal ones the first; None where none is worth more than nothing."""
    best = max(choices, key=lambda each: choices[each].worth(price), default=None)
    return best if best is not None and choices[best].worth(price) > 0 else None


def fold_numbers(groups: Array) -> Array:
    """The fold (problems,) of each problem, always the same.

    `groups` (problems,), numbered from 0, are what is in one fold: problems that are alike.
    """
    folds: Array = np.random.default_rng(0).permutation(int(groups.max(initial=-1)) + 1) % FOLDS
    return folds[groups]


def measured_on_others(choices: Mapping[Choice, Firings], groups: Array, price: float) -> Firings:
    """What comes of each problem by the choice that the problems of other folds make.

    `groups` (problems,) as those of `fold_numbers`.
    """
    fold = fold_numbers(groups)
    parts = []
    for number in range(FOLDS):
        own = fold == number
        others = {each: firings.where(~own) for each, firings in choices.items()}
        choice = best_choice(others, price)
        if choice is not None:
            parts.append(choices[choice].where(own))
    return Firings(
        np.concatenate([np.empty(0, np.int64), *(part.problems for part in parts)]),
        np.concatenate([np.empty(0, np.int8), *(part.outcomes for part in parts)]),
    )
