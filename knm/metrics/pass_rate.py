"""What a preset would do to the pass rate, from programs whose outcome is known: decodes nothing.

Let p be the LM's distribution of texts, and D(text) = log p'(text) - log p(text) what a preset
changes in it. On the way p exp(s D) from p towards p', the pass rate rises at s = 0 by the
covariance of "passed" and D under p (the score function, Williams 1992). The LM's own samples give
it: a preset helps that makes those that passed likelier than those of the same problem that failed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from knm.corpora import CorpusRecord
from knm.metrics.measuring import Array
from knm.statistics import bootstrap_interval


@dataclass(frozen=True)
class PassRateSlope:
    """By how much a whole step of a preset would raise the pass rate if it rose evenly.

    `slope` is the mean covariance of problems (1 is the whole pass rate), `interval` its 95 %, by
    bootstrap over problems. `spread` is the standard deviation of D within problems, in nats: of
    two presets with one spread the steeper is better. None where a preset holds a text impossible.
    """

    slope: float | None
    interval: tuple[float, float] | None
    spread: float | None


@dataclass(frozen=True)
class KnownOutcomes:
    """The programs of each problem: places (n,) in the corpus, passed (n,), times written (n,).

    Problems with one outcome alone count, with a covariance of 0.
    """

    problems: tuple[tuple[Array, Array, Array], ...]

    @classmethod
    def of(cls, records: Sequence[CorpusRecord]) -> "KnownOutcomes | None":
        """Those of a corpus; None if no problem has programs with both outcomes.

        Records without an outcome or a problem are passed over.
        """
        members: dict[str, list[tuple[int, bool, int]]] = {}
        for place, record in enumerate(records):
            if record.outcome is not None and record.problem is not None:
                one = (place, record.outcome.passed, record.outcome.written)
                members.setdefault(record.problem, []).append(one)
        problems = tuple(
            (np.array([one[0] for one in held]), *_columns(held)) for held in members.values()
        )
        known = cls(problems)
        return known if known.mixed else None

    @property
    def mixed(self) -> int:
        """How many problems have programs that passed and programs that failed."""
        return sum(bool(passed.any() and not passed.all()) for _, passed, _ in self.problems)

    @property
    def samples(self) -> int:
        """How many samples the programs are."""
        return sum(int(written.sum()) for _, _, written in self.problems)

    def slope_of(self, changes: Array) -> PassRateSlope:
        """That of a preset by whose measure each record's log-probability `changes` (R,)."""
        slopes, squares, freedom = [], 0.0, 0
        for places, passed, written in self.problems:
            change, total = changes[places], int(written.sum())
            if not np.isfinite(change).all():
                return PassRateSlope(None, None, None)
            if total < 2:
                slopes.append(0.0)
                continue
            deviation = change - np.average(change, weights=written)
            slopes.append(float((written * passed * deviation).sum() / (total - 1)))
            squares += float((written * deviation**2).sum())
            freedom += total - 1
        low, high = bootstrap_interval(slopes)
        spread = float(np.sqrt(squares / freedom))
        return PassRateSlope(float(np.mean(slopes)), (low, high), spread)


def _columns(held: Sequence[tuple[int, bool, int]]) -> tuple[Array, Array]:
    return np.array([one[1] for one in held]), np.array([one[2] for one in held])


def sum_by_record(log_probs: Array, lengths: Sequence[int]) -> Array:
    """The log-probability of each text (R,), of those of its tokens (N,), text after text."""
    ends = np.cumsum(lengths)
    return np.array([part.sum() for part in np.split(log_probs, ends[:-1])])


@dataclass(frozen=True)
class PassRateSlopes:
    """Those of several presets, in their order, and what they rest on."""

    problems: int
    mixed: int
    samples: int
    presets: tuple[PassRateSlope, ...]


def pass_rate_slopes(
    records: Sequence[CorpusRecord],
    lengths: Sequence[int],
    lm: Array,
    presets: Sequence[Array],
) -> PassRateSlopes | None:
    """The slope of each preset, from log-probabilities of tokens, record after record.

    `lengths` (R,) tells how many of the N tokens are of each record; `lm` (N,) and each of
    `presets` (N,) are the log-probabilities of the right ones. None without a preset, or if no
    problem has programs with both outcomes.
    """
    known = KnownOutcomes.of(records)
    if known is None or not presets:
        return None
    with np.errstate(invalid="ignore"):
        changes = [sum_by_record(log_probs - lm, lengths) for log_probs in presets]
    return PassRateSlopes(
        len(known.problems), known.mixed, known.samples, tuple(map(known.slope_of, changes))
    )
