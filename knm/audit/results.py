"""A row that was run, and what it says beside the row that it is compared with."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from knm.audit.rows import BASELINE, FINETUNED, Row
from knm.codec import to_json
from knm.hashing import hash_json
from knm.jsonio import read_json, write_json
from knm.judging.trials import Trial
from knm.report.rates import compare_samples, significance
from knm.sandbox import Verdict

FORMAT: Final = 1


@dataclass(frozen=True)
class StoreFacts:
    """What a row's datastore takes."""

    entries: int
    bytes: int
    content_hash: str


@dataclass(frozen=True)
class RowResult:
    """A row that was run: its trial, and what was measured beside it."""

    row: Row
    configuration: Mapping[str, Any]
    trial: Trial
    token_accuracy: float | None
    store: StoreFacts | None

    def save(self, path: Path) -> None:
        """Write it, atomically."""
        write_json(
            path,
            {
                "format": FORMAT,
                "row": to_json(self.row),
                "configuration": self.configuration,
                "configuration_hash": hash_json(self.configuration),
                "token_accuracy": self.token_accuracy,
                "store": None if self.store is None else asdict(self.store),
                "trial": self.trial.to_json(),
            },
        )

    @classmethod
    def load(cls, path: Path, row: Row, configuration: Mapping[str, Any]) -> "RowResult | None":
        """The result of this very configuration, if `path` holds it and nothing was lost in it.

        What an engine or a sandbox lost is worth another try, so a trial with faults of theirs does
        not count; problems that are broken stay so.

        Raises:
            UserError: the file is damaged.
        """
        if not path.is_file():
            return None
        value = read_json(path)
        kept = (value.get("format"), value.get("configuration_hash"))
        if kept != (FORMAT, hash_json(configuration)):
            return None
        trial = Trial.from_json(value["trial"], str(path))
        if any(fault.verdict is not Verdict.BROKEN_PROBLEM for fault in trial.faults):
            return None
        store = value["store"] and StoreFacts(**value["store"])
        return cls(row, configuration, trial, value["token_accuracy"], store)


@dataclass(frozen=True)
class Comparison:
    """A row against another on the problems that both count.

    `p` is two-sided, by the `test`; `identical` says whether every completion is the same.
    """

    against: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    p: float
    test: str
    identical: bool

    @property
    def change(self) -> int:
        """Problems more than in the other row."""
        return len(self.gained) - len(self.lost)


def compare(result: RowResult, other: RowResult) -> Comparison:
    """How `result` differs from `other`."""
    before = {one.question_id: one for one in other.trial.counted}
    pairs = [
        (before[one.question_id], one) for one in result.trial.counted if one.question_id in before
    ]
    gained = tuple(now.question_id for then, now in pairs if now.accepted and not then.accepted)
    lost = tuple(now.question_id for then, now in pairs if then.accepted and not now.accepted)
    found = significance(compare_samples(pairs), len(gained), len(lost))
    return Comparison(
        other.row.name,
        gained,
        lost,
        found.p_value,
        found.test,
        _completions(result.trial) == _completions(other.trial),
    )


def _completions(trial: Trial) -> dict[str, str | None]:
    return {result.question_id: result.text for result in trial.results}


@dataclass(frozen=True)
class Line:
    """A row's figures, as the table and the picture show them.

    `comparison` is None for a row that is its own reference; `recovered` is the share of the
    fine-tuned copy's gain over the LM, None where there is none to share.
    """

    result: RowResult
    comparison: Comparison | None
    recovered: float | None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        row, trial, store = self.result.row, self.result.trial, self.result.store
        totals = trial.totals
        return {
            "row": row.name,
            "title": row.title,
            "role": row.role.value,
            "passed": totals.passed,
            "counted": totals.counted,
            "faults": totals.infrastructure,
            "pass_at_1": totals.pass_at_1,
            "interval": list(totals.interval),
            "comparison": None if self.comparison is None else asdict(self.comparison),
            "recovered": self.recovered,
            "mean_test_pass_rate": totals.mean_test_pass_rate,
            "token_accuracy": self.result.token_accuracy,
            "tokens": trial.tokens,
            "tokens_per_second": trial.tokens_per_second,
            "verdicts": totals.verdicts,
            "knn": None if totals.knn is None else totals.knn.to_json(),
            "store": None if store is None else asdict(store),
            "configuration_hash": hash_json(self.result.configuration),
        }


def make_lines(results: Sequence[RowResult]) -> list[Line]:
    """The figures of rows, in their order; their references must be among them."""
    by_name = {result.row.name: result for result in results}
    lines = []
    for result in results:
        row = result.row
        other = None if row.against == row.name else by_name[row.against]
        comparison = None if other is None else compare(result, other)
        lines.append(Line(result, comparison, _recovered(result, by_name)))
    return lines


def _recovered(result: RowResult, by_name: Mapping[str, RowResult]) -> float | None:
    ceiling, baseline = by_name.get(FINETUNED), by_name.get(BASELINE)
    if ceiling is None or baseline is None or result.row.against != BASELINE:
        return None
    if result.row.name == BASELINE:
        return None
    whole = compare(ceiling, baseline).change
    return compare(result, baseline).change / whole if whole > 0 else None
