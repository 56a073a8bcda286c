"""Results of rows that were never run."""

from knm.audit.results import RowResult
from knm.audit.rows import ROWS
from knm.judging.trials import Trial
from knm.sandbox import Verdict
from tests.report.builders import result


def row_result(name: str, passed: str) -> RowResult:
    """A row in which problem i passed if `passed[i]` is 1, and is of no account if it is x."""
    verdicts = {"1": Verdict.ACCEPTED, "0": Verdict.WRONG_OUTPUT, "x": Verdict.SANDBOX_FAULT}
    results = tuple(
        result(f"p{number}", verdicts[mark], completion=mark) for number, mark in enumerate(passed)
    )
    return RowResult(ROWS[name.replace("_", "-")], {}, Trial(results, 1.0, 1.0), None, None)
