"""Runs of several samples, compared by problem: how often each is solved in either run.

Problems that were made of one (`knm problems to-translate`) are that problem's samples here: they
are not independent, and each by itself would make an interval too small.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, Final

from knm.problems.records import made_of
from knm.report.schema import ProblemResult
from knm.statistics import (
    PERMUTATIONS,
    PairedTest,
    bootstrap_interval,
    mcnemar_exact,
    paired_permutation,
)

MCNEMAR: Final = "exact McNemar"
"""The test of flips."""


@dataclass(frozen=True)
class ProblemRates:
    """How many of a problem's samples pass in run `a` and in run `b`: (passed, samples)."""

    question_id: str
    a: tuple[int, int]
    b: tuple[int, int]

    @property
    def change(self) -> Fraction:
        """By how much the share that passes grew."""
        return Fraction(*self.b) - Fraction(*self.a)


@dataclass(frozen=True)
class SampledComparison:
    """The pass rates of all compared problems, in order of id."""

    problems: tuple[ProblemRates, ...]

    @property
    def means(self) -> tuple[float, float]:
        """The mean pass rate of a and of b: pass@1 over all samples."""
        return (
            float(sum(Fraction(*each.a) for each in self.problems) / len(self.problems)),
            float(sum(Fraction(*each.b) for each in self.problems) / len(self.problems)),
        )

    @property
    def up(self) -> tuple[ProblemRates, ...]:
        """Problems that pass more often in b, the largest change first."""
        risen = (each for each in self.problems if each.change > 0)
        return tuple(sorted(risen, key=lambda each: -each.change))

    @property
    def down(self) -> tuple[ProblemRates, ...]:
        """Problems that pass less often in b, the largest change first."""
        fallen = (each for each in self.problems if each.change < 0)
        return tuple(sorted(fallen, key=lambda each: each.change))

    @cached_property
    def test(self) -> PairedTest:
        """The paired permutation test of the changes."""
        return paired_permutation([each.change for each in self.problems])

    @cached_property
    def mean_change(self) -> tuple[float, float, float]:
        """Mean of the changes and its bootstrap interval."""
        changes = [float(each.change) for each in self.problems]
        return sum(changes) / len(changes), *bootstrap_interval(changes)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; of the problems those whose rate changed."""
        mean, *interval = self.mean_change
        return {
            "mean_pass_rate": dict(zip(("a", "b"), self.means, strict=True)),
            "mean_pass_rate_change": {"mean": mean, "interval": interval},
            "changed": [
                {"question_id": each.question_id, "a": list(each.a), "b": list(each.b)}
                for each in (*self.up, *self.down)
            ],
        }


@dataclass(frozen=True)
class Significance:
    """A two-sided p-value, and the test that it is by."""

    p_value: float
    test: str


def significance(sampled: SampledComparison | None, gained: int, lost: int) -> Significance:
    """By exact McNemar of flips, or, with several samples, of the problems' pass rates.

    That is a paired permutation test.
    """
    if sampled is None:
        return Significance(mcnemar_exact(gained, lost), MCNEMAR)
    way = "exact" if sampled.test.exact else f"{PERMUTATIONS:,} drawn, seeded"
    test = f"paired permutation test of pass rates by problem ({way})"
    return Significance(sampled.test.p_value, test)


def name_tests(tests: Iterable[str]) -> str:
    """Which tests the p-values of several comparisons are by, each once, exact McNemar first."""
    ordered = sorted(set(tests), key=lambda test: (test != MCNEMAR, test))
    return ", or with several samples by ".join(ordered)


Pair = tuple[ProblemResult, ProblemResult]
"""A problem's result in run a and in run b."""


def by_problem(pairs: Iterable[Pair]) -> list[tuple[str, list[Pair]]]:
    """Pairs by the problem that theirs were made of, or by their own id where that stands alone.

    Either run may tell what a problem was made of: an older report does not.
    """
    groups: dict[str, list[Pair]] = {}
    for before, after in pairs:
        origin = made_of(after.fields) or made_of(before.fields) or before.question_id
        groups.setdefault(origin, []).append((before, after))
    return [
        (name if len(group) > 1 else group[0][0].question_id, group)
        for name, group in groups.items()
    ]


def compare_samples(pairs: Sequence[Pair]) -> SampledComparison | None:
    """Compare by pass rates; None where nothing is compared or each problem has a single sample."""
    groups = by_problem(pairs)
    single = all(len(side.samples) == 1 for pair in pairs for side in pair)
    if single and len(groups) == len(pairs):
        return None
    return SampledComparison(
        tuple(
            ProblemRates(
                name,
                _add(before.passed_samples for before, _ in group),
                _add(after.passed_samples for _, after in group),
            )
            for name, group in groups
        )
    )


def _add(counts: Iterable[tuple[int, int]]) -> tuple[int, int]:
    passed, samples = zip(*counts, strict=True)
    return sum(passed), sum(samples)
