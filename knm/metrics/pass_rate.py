"""What a preset would do to the pass rate, from programs whose outcome is known: decodes nothing.

Let p be the LM's distribution of texts, and D(text) = log p'(text) - log p(text) what a preset
changes in it. On the way p exp(s D) from p towards p', the pass rate rises at s = 0 by the
covariance of "passed" and D under p (the score function, Williams 1992). The LM's own samples give
it: a preset helps that makes those that passed likelier than those of the same problem that failed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

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
class Programs:
    """Programs for one prompt: places (n,) in the corpus, passed (n,), times written (n,)."""

    places: Array
    passed: Array
    written: Array

    @property
    def mixed(self) -> bool:
        """Whether some passed and some failed."""
        return bool(self.passed.any() and not self.passed.all())

    @property
    def freedom(self) -> int:
        """Degrees of freedom of what is estimated from so many samples."""
        return max(0, int(self.written.sum()) - 1)

    def deviations(self, changes: Array) -> Array:
        """By how much each program's change differs from the mean of the samples, (n,)."""
        own: Array = changes[self.places]
        mean = float(np.average(own, weights=self.written))
        return own - mean

    def covariance(self, changes: Array) -> float:
        """Of "passed" and the change, by samples; 0 of a single one."""
        if not self.freedom:
            return 0.0
        return float((self.written * self.passed * self.deviations(changes)).sum() / self.freedom)


@dataclass(frozen=True)
class KnownOutcomes:
    """The programs of each problem, by what was asked: in one language, with one statement.

    What one prompt makes likelier says nothing of another. Problems with one outcome alone count,
    with a covariance of 0.
    """

    problems: tuple[tuple[Programs, ...], ...]

    @classmethod
    def of(cls, records: Sequence[CorpusRecord]) -> "KnownOutcomes | None":
        """Those of a corpus; None if no prompt has programs with both outcomes.

        Records without an outcome or a problem are passed over. Problems that were made of one are
        that one.
        """
        members: dict[str, dict[tuple[str, str], list[tuple[int, bool, int]]]] = {}
        for place, record in enumerate(records):
            if record.outcome is not None and record.root_problem is not None:
                prompts = members.setdefault(record.root_problem, {})
                one = (place, record.outcome.passed, record.outcome.written)
                prompts.setdefault((record.language, record.statement), []).append(one)
        known = cls(
            tuple(
                tuple(
                    Programs(*map(np.array, zip(*held, strict=True))) for held in prompts.values()
                )
                for prompts in members.values()
            )
        )
        return known if known.mixed else None

    @property
    def mixed(self) -> int:
        """How many problems have programs that passed and programs that failed."""
        return sum(any(asked.mixed for asked in prompts) for prompts in self.problems)

    @property
    def samples(self) -> int:
        """How many samples the programs are."""
        return sum(int(asked.written.sum()) for asked in self._prompts())

    def slope_of(self, changes: Array) -> PassRateSlope:
        """That of a preset by whose measure each record's log-probability `changes` (R,)."""
        several = [asked for asked in self._prompts() if asked.freedom]
        if not all(np.isfinite(changes[asked.places]).all() for asked in self._prompts()):
            return PassRateSlope(None, None, None)
        slopes = [
            sum(asked.covariance(changes) for asked in prompts) / len(prompts)
            for prompts in self.problems
        ]
        squares = sum(
            float((asked.written * asked.deviations(changes) ** 2).sum()) for asked in several
        )
        low, high = bootstrap_interval(slopes)
        spread = float(np.sqrt(squares / sum(asked.freedom for asked in several)))
        return PassRateSlope(float(np.mean(slopes)), (low, high), spread)

    def _prompts(self) -> Iterator[Programs]:
        return chain.from_iterable(self.problems)


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
