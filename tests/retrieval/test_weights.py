from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore import Calibration
from knm.datastore.manifest import Reliability
from knm.errors import UserError
from knm.retrieval import (
    BayesWeight,
    ConfidenceWeight,
    DecodingContext,
    DistanceWeight,
    LMOutput,
    Neighbours,
    Preset,
    StaticWeight,
    Weight,
    resolve_preset,
)
from tests.retrieval.stores import store_of

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


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40),
    window=st.integers(1, 12),
    prior=st.floats(0, 1),
    base=st.floats(0, 1),
)
def test_bayes_counts_who_alone_was_right_of_late(steps, window, prior, base):
    context = DecodingContext.allocate(2, window, "cpu")
    for lm_right, knn_right in steps:
        # the other row is the reverse
        context.note(torch.tensor([lm_right, knn_right]), torch.tensor([knn_right, lm_right]))
    late = steps[-window:]
    lm_wins = sum(lm and not knn for lm, knn in late)
    knn_wins = sum(knn and not lm for lm, knn in late)
    total = knn_wins + lm_wins + window
    weight = BayesWeight(base, prior, window)(LM, NOTHING, context)
    assert weight.tolist() == pytest.approx(
        [
            base * (knn_wins + window * prior) / total,
            base * (lm_wins + window * prior) / total,
        ],
        abs=1e-6,
    )


def test_a_row_of_a_context_begins_anew_by_itself():
    context = DecodingContext.allocate(2, 4, "cpu")
    for _ in range(6):
        context.note(torch.tensor([False, False]), torch.tensor([True, True]))
    context.reset([0])
    weight = BayesWeight(1.0, 0.0, 4)
    assert weight(LM, NOTHING, context).tolist() == [0.0, 0.5]
    context.note(torch.tensor([False, True]), torch.tensor([True, False]))
    assert weight(LM, NOTHING, context).tolist() == pytest.approx([1 / 5, 3 / 8])


def bayes_over(values: list[int], predicted: list[int], capacity: int) -> Weight:
    store = store_of(np.zeros((len(values), 2)), values)
    store.provenance["predicted"] = predicted
    store = replace(store, manifest=replace(store.manifest, capacity=capacity))
    return resolve_preset("bayes").build_weight(store)


def test_the_prior_is_the_error_rate_of_the_lm_on_the_corpus():
    everything = bayes_over([5, 6, 7, 8], [5, 0, 7, 7], capacity=4)
    mistakes = bayes_over([6, 8], [0, 7], capacity=4)
    assert everything == mistakes == BayesWeight(1.0, 0.5, 32)
    assert bayes_over([], [], capacity=0) == BayesWeight(1.0, 0.0, 32)


def test_a_prior_that_is_given_holds():
    options = {"prior": 0.125, "window": 8}
    preset = Preset("x", 0.5, "bayes", weight_options=options, temperature=1.0)
    assert preset.build_weight(store_of(np.zeros((1, 2)))) == BayesWeight(0.5, 0.125, 8)


def at(*distances: list[float]) -> Neighbours:
    measured = torch.tensor(distances, dtype=torch.float32)
    ids = torch.where(measured.isinf(), -1, 3)
    return Neighbours(measured, ids, torch.zeros_like(ids))


@settings(max_examples=60, deadline=None)
@given(
    distances=st.lists(st.floats(0.0625, 4096, width=32), min_size=1, max_size=8),
    missing=st.integers(0, 3),
    alpha=st.floats(0, 1),
    tau=st.floats(0.05, 5),
    base=st.floats(0, 1),
)
def test_distance_is_the_relative_retrieval_confidence(distances, missing, alpha, tau, base):
    near = np.sort(np.array(distances, dtype=np.float32)).astype(np.float64)
    lm_share = 1 / (1 + np.exp(-(near[0] / near[-1] - alpha) / tau))
    found = at([*near.tolist(), *[torch.inf] * missing])
    weight = DistanceWeight(base, alpha, tau)(LM, found)
    assert weight.tolist() == pytest.approx([base * (1 - lm_share)], abs=1e-6)


def test_distances_of_zero_none_and_nan():
    found = at([0.0, 0.0], [0.0, 5.0], [torch.inf, torch.inf], [torch.nan, 1.0])
    weight = DistanceWeight(1.0, 0.3, 0.1)(LM, found).tolist()
    assert weight[:3] == [pytest.approx(0.9526, abs=1e-4), weight[0], 0.0]
    assert np.isnan(weight[3])


@pytest.mark.parametrize("weight", [BayesWeight(0.0, 0.5, 4), DistanceWeight(0.0, 0.3, 0.1)])
def test_a_base_of_zero_searches_nothing(weight):
    assert searched(weight) == [False] * 3
    assert replace(weight, lmbda=0.1).before_search(LM) is None


def reliable(weight: float, distance: float):
    """A datastore that may be trusted so far."""
    store = store_of(np.zeros((3, 2)))
    trust = Reliability(weight, distance, fixed=0.8, broken=0.01, error_rate=0.1, sampled=100)
    calibration = Calibration(1.0, None, None, trust)
    return replace(store, manifest=replace(store.manifest, calibration=calibration))


def test_trust_bounds_the_weight_and_ends_at_its_distance():
    weight = resolve_preset("trusted", lmbda=0.9).build_weight(reliable(0.5, 2.0))
    assert weight(LM, at([1.0], [2.0], [2.5])).tolist() == [0.5, 0.5, 0.0]
    low = resolve_preset("trusted", lmbda=0.25).build_weight(reliable(0.5, 2.0))
    assert low(LM, at([1.0], [2.0], [2.5])).tolist() == [0.25, 0.25, 0.0]


def test_a_datastore_without_trust_is_not_even_searched():
    weight = resolve_preset("trusted").build_weight(reliable(0.0, 0.0))
    assert searched(weight) == [False] * 3


def test_a_datastore_that_cannot_be_trusted_by_measure_is_refused():
    with pytest.raises(UserError, match="could not be measured"):
        resolve_preset("trusted").build_weight(store_of(np.zeros((3, 2))))
