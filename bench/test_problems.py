"""The benchmark: each problem of the problem set is one test."""

import pytest

from knm.judging import Evaluation, render_failure


def test_problem(evaluation: Evaluation) -> None:
    if not evaluation.result.accepted:
        pytest.fail(render_failure(evaluation), pytrace=False)
