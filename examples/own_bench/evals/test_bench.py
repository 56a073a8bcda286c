"""Each problem of the run is one test: `pytest evals --knm-problems my.jsonl`."""

from knm.bench import assert_accepted


def test_problem(knm_result):
    assert_accepted(knm_result)
