"""The benchmark: each problem of the problem set is one test."""

from knm.bench import assert_accepted
from knm.report import ProblemResult


def test_problem(knm_result: ProblemResult) -> None:
    assert_accepted(knm_result)
