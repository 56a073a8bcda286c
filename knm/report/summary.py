"""Totals over results: what a run's last lines and its `knm` section say."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from knm.report.schema import KNN_COUNTS, ProblemResult
from knm.report.statistics import wilson_interval
from knm.sandbox import Verdict


@dataclass(frozen=True)
class KnnUse:
    """What retrieval did, summed over problems; a step is one decoded token."""

    steps: int
    searched: int
    argmax_changes: int

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
            "searched_share": self.searched_share,
            "changes_per_1000": self.changes_per_1000,
        }


@dataclass(frozen=True)
class Throughput:
    """What took how long, summed over problems."""

    generation_seconds: float
    judge_seconds: float
    tokens_per_second: float | None

    def to_json(self) -> dict[str, Any]:
        """The fields as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Totals:
    """What a run came to.

    Infrastructure faults are in `problems`, `infrastructure`, `verdicts`, tokens and times, and in
    nothing else: neither above nor below a fraction bar. `verdicts` holds those that occurred, in
    the order of design section 6, `error_classes` the most frequent first.
    """

    problems: int
    infrastructure: int
    passed: int
    lenient_passed: int
    mean_test_pass_rate: float | None
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
    def pass_at_1(self) -> float | None:
        """Passed of counted; None when nothing counts."""
        return self.passed / self.counted if self.counted else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of `pass_at_1`."""
        return wilson_interval(self.passed, self.counted)

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
    classes = Counter(result.error_class for result in counted if result.error_class)
    return Totals(
        problems=len(results),
        infrastructure=len(results) - len(counted),
        passed=sum(result.accepted for result in counted),
        lenient_passed=sum(result.accepted or result.lenient_accepted for result in counted),
        mean_test_pass_rate=_mean_test_pass_rate(counted),
        verdicts={verdict.value: verdicts[verdict] for verdict in Verdict if verdict in verdicts},
        error_classes=dict(sorted(classes.items(), key=lambda item: (-item[1], item[0]))),
        prompt_tokens=sum(result.prompt_tokens for result in results),
        completion_tokens=sum(result.completion_tokens for result in results),
        knn=_knn_use(results),
        throughput=_throughput(results),
    )


def _mean_test_pass_rate(counted: Sequence[ProblemResult]) -> float | None:
    if not counted:
        return None
    # A completion without a program has run no test: it passed none of them.
    rates = [result.tests_passed / max(result.tests_total, 1) for result in counted]
    return sum(rates) / len(rates)


def _knn_use(results: Sequence[ProblemResult]) -> KnnUse | None:
    uses = [result.knn for result in results if result.knn is not None]
    return KnnUse(*(sum(use[name] for use in uses) for name in KNN_COUNTS)) if uses else None


def _throughput(results: Sequence[ProblemResult]) -> Throughput:
    seconds = sum(result.generation_seconds for result in results)
    tokens = sum(result.completion_tokens for result in results)
    return Throughput(
        generation_seconds=seconds,
        judge_seconds=sum(result.judge_seconds for result in results),
        tokens_per_second=tokens / seconds if seconds > 0 else None,
    )
