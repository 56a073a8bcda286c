import pytest
import torch

from knm.retrieval import ConfidenceWeight, LMOutput, Neighbours, StaticWeight, Weight

NOTHING = Neighbours.none(3, 4, torch.device("cpu"))
LM = LMOutput.read(torch.tensor([[0.9, 0.1], [0.5, 0.5], [0.98, 0.02]]).log())


def searched(weight: Weight, lm: LMOutput = LM) -> list[bool]:
    mask = weight.before_search(lm)
    assert mask is not None
    rows: list[bool] = mask.tolist()
    return rows


def test_static_is_the_same_for_every_row():
    weight = StaticWeight(0.25)
    assert weight(LM, NOTHING).tolist() == [0.25] * 3
    assert weight.before_search(LM) is None


def test_static_zero_searches_nothing():
    assert searched(StaticWeight(0.0)) == [False] * 3


def test_confidence_leaves_what_the_lm_leaves_open():
    weight = ConfidenceWeight(0.25)(LM, NOTHING)
    assert weight.tolist() == pytest.approx([0.025, 0.125, 0.005], abs=1e-6)


def test_rows_below_the_gate_are_not_searched_and_weigh_nothing():
    gated = ConfidenceWeight(0.25, gate=0.01)
    assert searched(gated) == [True, True, False]
    assert gated(LM, NOTHING).tolist() == pytest.approx([0.025, 0.125, 0], abs=1e-6)


def test_a_certain_lm_leaves_exactly_nothing():
    certain = LMOutput.read(torch.tensor([[0.0, -torch.inf]]))
    assert ConfidenceWeight(1.0)(certain, NOTHING).tolist() == [0.0]


def test_rows_of_nan_are_not_searched_behind_a_gate():
    unknown = LMOutput.read(LM.logits * torch.nan)
    assert searched(ConfidenceWeight(0.25, 0.01), unknown) == [False] * 3
