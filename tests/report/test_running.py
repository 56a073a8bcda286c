from knm.report import RunningTotals
from knm.sandbox import Verdict
from tests.report.builders import result


def test_the_line_says_how_far_and_how_well():
    running = RunningTotals(4)
    assert running.line() == "0 of 4"

    running.add(result("a"))
    running.add(result("b", Verdict.TIMEOUT))
    assert running.line() == "2 of 4 · Pass@1 50.0 % (1) · 40 tokens/s"
    assert running.decile == 5

    running.add(result("c", Verdict.SANDBOX_FAULT))
    assert running.line() == "3 of 4 · Pass@1 50.0 % (1) · 40 tokens/s · 1 fault"


def test_a_run_of_unknown_length_says_what_it_can():
    running = RunningTotals(None)
    running.add(result("a", generation_seconds=0.0))

    assert running.line() == "1 · Pass@1 100.0 % (1)"
    assert running.decile == 0
