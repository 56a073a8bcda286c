"""Totals over results: what a run says as it goes, in its last lines and its `knm` section."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

from knm.report.schema import KNN_COUNTS, ProblemResult
from knm.sandbox import Verdict
from knm.statistics import bootstrap_interval, pass_at_k, wilson_interval


@dataclass(frozen=True)
class KnnUse:
    """What retrieval did, summed over all samples of all problems; a step is one decoded token.

    `withheld` counts the problems that the datastore was not used for, by reason.
    """

    steps: int
    searched: int
    argmax_changes: int
    withheld: Mapping[str, int] = field(default_factory=dict)

    @property
    def searched_share(self) -> float | None:
        """Searched steps of all steps; None without a step."""
        return self.searched / self.steps if self.steps else None

    @property
    def changes_per_1000(self) -> float | None:
        """Argmax changes per 1000 steps; None without a step."""
        return 1000 * self.argmax_changes / self.steps if self.steps else None

    def to_json(self) -> dict[str, Any]:
        """Counts and rates as plain JSON."""
        return {
            **asdict(self),
            "withheld": dict(self.withheld),
            "searched_share": self.searched_share,
            "changes_per_1000": self.changes_per_1000,
        }


@dataclass(frozen=True)
class Throughput:
    """What took how long, summed over problems."""

    generation_seconds: float
    judge_seconds: float
    tokens_per_second: float | None


@dataclass(frozen=True)
class Totals:
    """What a run came to.

    Infrastructure faults are in `problems`, `infrastructure`, `verdicts`, tokens and times, and in
    nothing else: neither above nor below a fraction bar. `verdicts` holds those that occurred, in
    the order of design section 6, `error_classes` the most frequent first. `test_pass_rates` are of
    the counted problems, by id. `samples` counts those of all problems; `sample_passes` are the
    (passed, samples) of the counted ones, by id. Tokens generated, times and what retrieval did are
    of all samples; `prompt_tokens` are those of each problem's prompt, once. Pass@1, verdicts and
    error classes are of the sample that decides. `sound_passed` of `sound_counted` leave out
    problems with errata.
    """

    problems: int
    infrastructure: int
    passed: int
    lenient_passed: int
    test_pass_rates: tuple[float, ...]
    samples: int
    sample_passes: tuple[tuple[int, int], ...]
    sound_passed: int
    sound_counted: int
    verdicts: dict[str, int]
    error_classes: dict[str, int]
    prompt_tokens: int
    completion_tokens: int
    knn: KnnUse | None
    throughput: Throughput

    @property
    def counted(self) -> int:
        """Problems that say something of the model."""
        return self.problems - self.infrastructure

    @property
    def unjudged(self) -> int:
        """Problems of a run that only decoded."""
        return self.verdicts.get(Verdict.NOT_JUDGED.value, 0)

    @property
    def pass_at_1(self) -> float | None:
        """Passed of counted; None when nothing counts."""
        return self.passed / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `pass_at_1`."""
        return wilson_interval(self.passed, self.counted)

    @property
    def mean_test_pass_rate(self) -> float | None:
        """Mean share of a problem's tests that passed; None when nothing counts."""
        rates = self.test_pass_rates
        return sum(rates) / len(rates) if rates else None

    @cached_property
    def test_pass_rate_interval(self) -> tuple[float, float] | None:
        """The bootstrap's 95 % interval of `mean_test_pass_rate`, over problems."""
        return bootstrap_interval(self.test_pass_rates) if self.test_pass_rates else None

    @cached_property
    def pass_at_k(self) -> dict[int, float]:
        """Unbiased pass@k for k = 1, 2, 4 ... and the number of samples that every problem has.

        Empty where that is 1.
        """
        return {k: sum(shares) / len(shares) for k, shares in self._shares_at_k.items()}

    @cached_property
    def pass_at_k_intervals(self) -> dict[int, tuple[float, float]]:
        """The bootstrap's 95 % intervals of `pass_at_k`, over problems."""
        return {k: bootstrap_interval(shares) for k, shares in self._shares_at_k.items()}

    @cached_property
    def _shares_at_k(self) -> dict[int, list[float]]:
        fewest = min((samples for _, samples in self.sample_passes), default=0)
        if fewest < 2:
            return {}
        doubling = [1 << power for power in range(fewest.bit_length())]
        return {
            k: [pass_at_k(samples, passed, k) for passed, samples in self.sample_passes]
            for k in sorted({*doubling, fewest})
        }

    @property
    def without_errata(self) -> dict[str, Any] | None:
        """Pass@1 of the problems that nothing is known to be wrong with; None if those are all."""
        if self.sound_counted == self.counted:
            return None
        return {
            "counted": self.sound_counted,
            "passed": self.sound_passed,
            "pass_at_1": self.sound_passed / self.sound_counted if self.sound_counted else None,
            "interval": list(wilson_interval(self.sound_passed, self.sound_counted)),
        }

    def to_json(self) -> dict[str, Any]:
        """All but the throughput as plain JSON: what is the same for identical runs."""
        return {
            "problems": self.problems,
            "infrastructure": self.infrastructure,
            "counted": self.counted,
            "passed": self.passed,
            "pass_at_1": self.pass_at_1,
            "interval": list(self.interval),
            "lenient_passed": self.lenient_passed,
            "mean_test_pass_rate": self.mean_test_pass_rate,
            "test_pass_rate_interval": self.test_pass_rate_interval
            and list(self.test_pass_rate_interval),
            "samples": self.samples,
            "pass_at_k": {str(k): value for k, value in self.pass_at_k.items()},
            "pass_at_k_intervals": {
                str(k): list(interval) for k, interval in self.pass_at_k_intervals.items()
            },
            "without_errata": self.without_errata,
            "verdicts": self.verdicts,
            "error_classes": self.error_classes,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "knn": self.knn.to_json() if self.knn else None,
        }


def summarize(results: Sequence[ProblemResult]) -> Totals:
    """Sum up results, in any order."""
    counted = [result for result in results if not result.verdict.is_infrastructure]
    verdicts = Counter(result.verdict for result in results)
    classes = Counter(
        result.judgement.error_class for result in counted if result.judgement.error_class
    )
    return Totals(
        problems=len(results),
        infrastructure=len(results) - len(counted),
        passed=sum(result.accepted for result in counted),
        lenient_passed=sum(
            result.accepted or result.judgement.lenient_accepted for result in counted
        ),
        test_pass_rates=tuple(
            map(share_of_tests_passed, sorted(counted, key=attrgetter("question_id")))
        ),
        samples=sum(len(result.samples) for result in results),
        sample_passes=tuple(
            result.passed_samples for result in sorted(counted, key=attrgetter("question_id"))
        ),
        sound_passed=sum(result.accepted for result in counted if result.errata is None),
        sound_counted=sum(result.errata is None for result in counted),
        verdicts={verdict.value: verdicts[verdict] for verdict in Verdict if verdict in verdicts},
        error_classes=dict(sorted(classes.items(), key=lambda item: (-item[1], item[0]))),
        prompt_tokens=sum(result.prompt_tokens for result in results),
        completion_tokens=sum(result.completion_tokens for result in results),
        knn=_knn_use(results),
        throughput=_throughput(results),
    )


def share_of_tests_passed(result: ProblemResult) -> float:
    """The share of a problem's tests that passed before the first that failed.

    A completion without a program has run no test: it passed none of them.
    """
    return result.judgement.tests_passed / max(result.judgement.tests_total, 1)


def _knn_use(results: Sequence[ProblemResult]) -> KnnUse | None:
    uses = [use for result in results for use in result.all_interventions]
    if not uses:
        return None
    reasons = (next((use.withheld for use in result.all_interventions), None) for result in results)
    withheld = Counter(reason for reason in reasons if reason is not None)
    steps, searched, changes = (sum(getattr(use, name) for use in uses) for name in KNN_COUNTS)
    return KnnUse(steps, searched, changes, dict(withheld))


def _throughput(results: Sequence[ProblemResult]) -> Throughput:
    seconds = sum(result.generation_seconds for result in results)
    tokens = sum(result.completion_tokens for result in results)
    return Throughput(
        generation_seconds=seconds,
        judge_seconds=sum(result.judge_seconds for result in results),
        tokens_per_second=tokens / seconds if seconds > 0 else None,
    )


class RunningTotals:
    """Grows with each result; `selected` is how many will come, None where that is not known."""

    def __init__(self, selected: int | None) -> None:
        self.selected = selected
        self.done = 0
        self._passed = 0
        self._faults = 0
        self._unjudged = 0
        self._tokens = 0
        self._seconds = 0.0

    def add(self, result: ProblemResult) -> None:
        """Count one result."""
        self.done += 1
        self._passed += result.accepted
        unjudged = result.verdict is Verdict.NOT_JUDGED
        self._unjudged += unjudged
        self._faults += result.verdict.is_infrastructure and not unjudged
        self._tokens += result.completion_tokens
        self._seconds += result.generation_seconds

    @property
    def decile(self) -> int:
        """How many tenths of the run are done; 0 where nobody knows."""
        return 10 * self.done // self.selected if self.selected else 0

    def line(self) -> str:
        """Such as `42 of 186 · Pass@1 45.2 % (19) · 104 tokens/s`."""
        counted = self.done - self._faults - self._unjudged
        parts = [f"{self.done} of {self.selected}" if self.selected else str(self.done)]
        if counted:
            parts.append(f"Pass@1 {100 * self._passed / counted:.1f} % ({self._passed})")
        if self._seconds > 0:
            parts.append(f"{self._tokens / self._seconds:,.0f} tokens/s")
        if self._faults:
            parts.append(f"{self._faults} faults" if self._faults > 1 else "1 fault")
        return " · ".join(parts)
