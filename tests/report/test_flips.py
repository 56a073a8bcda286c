import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.records import Neighbour, TokenChange
from knm.report import Flip, ProblemResult, diff_reports
from knm.report.flips import find_flips
from knm.sandbox import Verdict
from tests.report.builders import result, write_report


def change(position: int, lm_token: str, token: str) -> TokenChange:
    near = Neighbour(token, distance=1.25, record="train-7", offset=40)
    return TokenChange(position, None, lm_token, token, (near,))


def corrected(*changes: TokenChange) -> dict[str, object]:
    return {"argmax_changes": 1, "changes": changes}


def flip(before: ProblemResult, after: ProblemResult) -> Flip:
    (found,) = find_flips([(before, after)])
    return found


def wrong(completion: str, **changes: Any) -> ProblemResult:
    return result("a", Verdict.WRONG_OUTPUT, completion=completion, **changes)


def test_a_flip_tells_where_the_completions_part():
    found = flip(
        wrong("local a\nlocal s = 1\n"), result("a", completion="local a\nlocal text = 1\n")
    )

    assert found.gained
    assert found.divergence is not None
    assert (found.divergence.offset, found.divergence.line, found.divergence.column) == (14, 2, 7)
    assert (found.divergence.before, found.divergence.a, found.divergence.b) == (
        "local ", "s = 1", "text = 1",
    )  # fmt: skip
    assert found.divergence.token is None
    assert found.change is None


def test_a_change_by_the_datastore_explains_a_divergence_at_its_tokens():
    cause = change(5, " s", " text")
    found = flip(
        wrong("local a\nlocal s = 1\n"),
        result("a", completion="local a\nlocal text = 1\n", knn=corrected(cause)),
    )

    assert found.change == cause
    assert found.divergence is not None
    assert found.divergence.token == 5


def test_a_change_that_is_not_at_the_divergence_explains_nothing():
    found = flip(
        wrong("print(1)"), result("a", completion="print(2)", knn=corrected(change(9, "x", "y")))
    )

    assert found.change == change(9, "x", "y")
    assert found.divergence is not None
    assert found.divergence.token is None


def test_of_two_corrected_runs_the_first_change_that_they_do_not_share_counts():
    shared = change(2, "a", "b")
    own = change(4, "1", "2")
    found = flip(
        wrong("b 1", knn=corrected(shared)),
        result("a", completion="b 2", knn=corrected(shared, own)),
    )
    assert found.change == own

    back = flip(
        result("a", completion="b 2", knn=corrected(shared, own)),
        wrong("b 1", knn=corrected(shared)),
    )
    assert not back.gained
    assert back.change == own
    assert back.divergence is not None
    assert back.divergence.token == 4


def test_one_completion_judged_in_two_ways_parts_nowhere():
    assert flip(wrong("print(1)"), result("a", completion="print(1)")).divergence is None


def test_where_a_line_ends_the_line_end_is_what_differs():
    found = flip(wrong("for x do\n"), result("a", completion="for x do print(x)"))

    assert found.divergence is not None
    assert (found.divergence.a, found.divergence.b) == ("\n", " print(x)")


@given(st.text(max_size=30), st.text(max_size=30))
def test_what_both_begin_with_ends_at_the_divergence(a, b):
    found = flip(wrong(a), result("a", completion=b)).divergence

    if a == b:
        assert found is None
        return
    assert found is not None
    offset = found.offset
    assert a[:offset] == b[:offset]
    assert a[offset : offset + 1] != b[offset : offset + 1]
    assert (found.line, found.column) == (
        a[:offset].count("\n") + 1,
        len(a[:offset].rpartition("\n")[2]) + 1,
    )


def test_only_problems_that_one_run_alone_solves_are_flips():
    verdicts = [Verdict.ACCEPTED, Verdict.WRONG_OUTPUT, Verdict.TIMEOUT]
    pairs = [(result("q", a), result("q", b)) for a in verdicts for b in verdicts]
    gained = [found.gained for found in find_flips(pairs)]

    assert gained.count(True) == gained.count(False) == 2


@pytest.mark.parametrize("completion", [None, ""])
def test_a_flip_of_nothing_written_is_plain_json(tmp_path, completion):
    a = write_report(tmp_path / "a.json", [result("a", Verdict.NO_CODE, completion=completion)])
    b = write_report(tmp_path / "b.json", [result("a")])
    value = diff_reports(a, b).to_json()

    assert json.loads(json.dumps(value)) == value
    assert value["flips"][0]["divergence"]["offset"] == 0
    assert value["flips"][0]["a"]["verdict"] == "no-code"
