"""The bench of the package, for `pytest --pyargs knm.bench`: each problem is one test."""

from knm.bench import assert_accepted
from knm.report import ProblemResult


def test_problem(knm_result: ProblemResult) -> None:
    """The problem's program passes all its tests."""
    assert_accepted(knm_result)
