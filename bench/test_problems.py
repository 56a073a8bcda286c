"""The benchmark: each problem of the problem set is one test."""

import pytest

from knm.judging import render_failure
from knm.report import ProblemResult


def test_problem(result: ProblemResult) -> None:
    if not result.accepted:
        pytest.fail(render_failure(result), pytrace=False)
