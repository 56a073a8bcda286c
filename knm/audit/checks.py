"""What an audit's rows must show, whatever the method is worth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from knm.audit.results import Comparison, Line
from knm.audit.rows import Role

SIGNIFICANT: Final = 0.05
HARMLESS_POINTS: Final = 0.01
"""A store that knows nothing of use may cost at most this share of the problems."""


@dataclass(frozen=True)
class Check:
    """Whether a row shows what it must, and in words what it shows."""

    row: str
    what: str
    holds: bool
    detail: str


def _is_identical(comparison: Comparison, counted: int) -> bool:
    del counted
    return comparison.identical


def _helps(comparison: Comparison, counted: int) -> bool:
    del counted
    return comparison.change > 0 and comparison.p < SIGNIFICANT


def _does_no_harm(comparison: Comparison, counted: int) -> bool:
    return -comparison.change <= HARMLESS_POINTS * counted


_CHECKS: Final[Mapping[Role, tuple[str, Callable[[Comparison, int], bool]]]] = {
    Role.IDENTITY: ("the same completions", _is_identical),
    Role.PLUMBING: ("more problems pass, beyond chance", _helps),
    Role.HARMLESS: ("at most 1 % of the problems fewer", _does_no_harm),
}


def check_lines(lines: Sequence[Line]) -> list[Check]:
    """The checks that the rows are there for."""
    return list(_checks(lines))


def _checks(lines: Sequence[Line]) -> Iterator[Check]:
    for line in lines:
        row, comparison = line.result.row, line.comparison
        if comparison is None or row.role not in _CHECKS:
            continue
        what, holds = _CHECKS[row.role]
        said = f"{len(comparison.gained)} gained, {len(comparison.lost)} lost"
        if comparison.identical:
            said = "all completions the same"
        counted = line.result.trial.totals.counted
        yield Check(row.name, what, holds(comparison, counted), f"{said}, p = {comparison.p:.2g}")
