import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.mining_options import Answers, draw, parse_positions
from knm.errors import UserError

ANSWERS = Answers(
    predicted=torch.tensor([1, 2, 3, 4]),
    right=torch.tensor([1, 9, 3, 9]),
    probability=torch.tensor([0.9, 0.8, 0.2, 0.1]),
    drawn=torch.tensor([True, False, False, False]),
)


@pytest.mark.parametrize(
    ("text", "kept", "share"),
    [
        ("all", [True] * 4, 0),
        ("mistakes", [False, True, False, True], 0),
        ("mistakes+correct:0.25", [True, True, False, True], 0.25),
        ("low-confidence:0.5", [False, False, True, True], 0),
        ("low-confidence:0.15", [False, False, False, True], 0),
    ],
)
def test_rules_say_which_positions_are_kept(text, kept, share):
    rule = parse_positions(text)
    assert rule.select(ANSWERS).tolist() == kept
    assert rule.share == share


@pytest.mark.parametrize("text", ["", "some", "all:0.5", "mistakes:0.5", "mistakes+correct"])
def test_other_rules_are_refused_naming_those_there_are(text):
    with pytest.raises(UserError, match=r"choose one of all, mistakes, mistakes\+correct:P, low"):
        parse_positions(text)


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "nan", "half", ""])
def test_a_share_is_above_0_and_at_most_1(number):
    with pytest.raises(UserError, match="above 0, at most 1"):
        parse_positions(f"low-confidence:{number}")


@given(st.text(), st.integers(0, 2**31), st.integers(0, 40), st.floats(0.01, 1))
def test_a_position_has_the_same_lot_whatever_else_is_drawn(record, seed, start, share):
    offsets = np.arange(60)
    together = draw(record, offsets, seed, share)
    assert np.array_equal(draw(record, offsets[start:], seed, share), together[start:])


def test_larger_shares_contain_smaller_ones_and_have_their_size():
    offsets = np.arange(20_000)
    small, large = (draw("record", offsets, 0, share) for share in (0.1, 0.3))
    assert not (small & ~large).any()
    assert small.mean() == pytest.approx(0.1, abs=0.01)
    assert large.mean() == pytest.approx(0.3, abs=0.015)
    assert draw("record", offsets, 0, 1.0).all()
    assert not draw("record", offsets, 0, 0.0).any()


def test_records_and_seeds_draw_apart():
    offsets = np.arange(1000)
    first = draw("a", offsets, 0, 0.5)
    for record, seed in (("b", 0), ("a", 1)):
        assert 0.4 < (draw(record, offsets, seed, 0.5) == first).mean() < 0.6
