import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.report.evidence import evidence_lines, first_difference
from knm.sandbox import Judgement, Verdict


@pytest.mark.parametrize(
    ("expected", "got", "place"),
    [
        ("6\n", "six\n", (1, 1)),
        ("1\n25\n", "1\n26\n", (2, 2)),
        ("1\n2\n", "1\n", (1, 2)),
        ("1\n", "1\n\n2", (1, 2)),
        ("1 \n", "1\n\n", None),
    ],
)
def test_outputs_part_where_they_first_differ(expected, got, place):
    assert first_difference(expected, got) == place


@given(st.text("ab\n "), st.text("ab\n "))
def test_up_to_the_place_of_difference_both_are_alike(expected, got):
    place = first_difference(expected, got)
    assert (place is None) == (expected.rstrip() == got.rstrip())
    if place is None:
        return
    line, character = place
    heads = []
    for text in (expected.rstrip(), got.rstrip()):
        lines = text.split("\n")
        heads.append([*lines[: line - 1], lines[line - 1][: character - 1]])
    assert heads[0] == heads[1]


def test_only_a_failing_test_is_evidence():
    assert evidence_lines(Judgement(Verdict.SYNTAX_ERROR, stderr="no")) == []
