import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore import PROVENANCE_DTYPE, Datastore, RecordOrigin
from knm.datastore.choosing import Firings
from knm.datastore.trial_calibration import (
    CRASH_PRICE,
    NEIGHBOURS,
    PRIOR,
    TEMPERATURE,
    calibrate_trials,
    first_firings,
    scores_by_others,
)
from knm.retrieval import resolve_preset
from tests.retrieval.stores import store_of


def store_of_trials(seed: int, problems: int, *, per_problem: int = 3, truth: float = 1.0):
    """Trials of two exchanges; where a key points says with probability `truth` what comes of it.

    The first component of a key is above 0 where the trial gains; elsewhere it loses.
    """
    draw = np.random.default_rng(seed)
    count = problems * per_problem
    keys = draw.standard_normal((count, 4))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    told = np.where(keys[:, 0] > 0.2, 1, np.where(keys[:, 0] < -0.2, -1, 0))
    outcome = np.where(draw.random(count) < truth, told, draw.integers(-1, 2, count))
    provenance = np.zeros(count, PROVENANCE_DTYPE)
    provenance["record"] = np.arange(count) // per_problem
    provenance["offset"] = draw.integers(5, 8, count)
    provenance["predicted"] = 1
    provenance["outcome"] = outcome
    provenance["crash"] = draw.integers(-1, 2, count)
    store = store_of(keys, draw.integers(2, 4, count), path=Path("trials"))
    asked = {"trials": {"price": 2.0, "settings": {"least_probability": 0.02}}}
    return replace(
        store,
        manifest=replace(store.manifest, mining=asked),
        provenance=provenance,
        records=tuple(RecordOrigin(f"p{n}", group=f"p{n}") for n in range(problems)),
    )


def slow_scores(store: Datastore) -> np.ndarray:
    """Each trial by those of other problems, one at a time, as the formula is written."""
    keys, where = store.read_keys(slice(None)).astype(np.float64), store.provenance
    scores = []
    for row in range(len(store)):
        others = [
            (float(((keys[row] - keys[other]) ** 2).sum()), other)
            for other in range(len(store))
            if where["record"][other] != where["record"][row]
            and store.values[other] == store.values[row]
            and where["predicted"][other] == where["predicted"][row]
        ]
        nearest = sorted(others)[:NEIGHBOURS]
        if not nearest:
            scores.append(-math.inf)
            continue
        weights = [math.exp(-(distance - nearest[0][0]) / TEMPERATURE) for distance, _ in nearest]
        value = sum(
            weight * (int(where["outcome"][other]) - CRASH_PRICE * int(where["crash"][other]))
            for weight, (_, other) in zip(weights, nearest, strict=True)
        ) / sum(weights)
        number = sum(weights) ** 2 / sum(weight**2 for weight in weights)
        scores.append(value * number / (number + PRIOR))
    return np.array(scores)


def slow_firings(store: Datastore, scores: np.ndarray, threshold: float) -> dict[int, int]:
    """What the entry that fires first does to each problem, by going through its positions."""
    by_place: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for row, where in enumerate(store.provenance):
        by_place[int(where["record"])][int(where["offset"])].append(row)
    found = {}
    for problem, places in by_place.items():
        for _, rows in sorted(places.items()):
            best = max(rows, key=lambda row: scores[row])
            if scores[best] > threshold:
                found[problem] = int(store.provenance["outcome"][best])
                break
    return found


@given(seed=st.integers(0, 999), problems=st.integers(1, 30), threshold=st.floats(-0.2, 0.3))
def test_scores_and_firings_are_those_of_a_slow_reference(seed, problems, threshold):
    store = store_of_trials(seed, problems, truth=0.5)
    scores = scores_by_others(store)
    np.testing.assert_allclose(scores, slow_scores(store), rtol=1e-9)
    firings = first_firings(store, scores, threshold)
    expected = slow_firings(store, scores, threshold)
    assert dict(zip(firings.problems.tolist(), firings.outcomes.tolist(), strict=True)) == expected
    outcomes = list(expected.values())
    assert (firings.gained, firings.lost) == (outcomes.count(1), outcomes.count(-1))


@given(seed=st.integers(0, 99))
def test_a_problem_is_never_judged_by_its_own_trials(seed):
    store = store_of_trials(seed, 10)
    own = store.provenance["record"] == 3
    changed = store.provenance.copy()
    changed["outcome"][own] *= -1
    changed["crash"][own] = 1
    other = replace(store, provenance=changed)
    assert np.array_equal(scores_by_others(store)[own], scores_by_others(other)[own])


def made_of_one(store: Datastore, size: int) -> Datastore:
    """The same where every `size` problems were made of one."""
    records = [
        replace(record, group=f"root-{number // size}")
        for number, record in enumerate(store.records)
    ]
    return replace(store, records=records)


@given(seed=st.integers(0, 99))
def test_nor_by_trials_of_those_that_were_made_of_the_same(seed):
    store = made_of_one(store_of_trials(seed, 12), 3)
    sisters = np.isin(store.provenance["record"], [3, 4, 5])
    changed = store.provenance.copy()
    changed["outcome"][sisters] *= -1
    other = replace(store, provenance=changed)
    assert np.array_equal(scores_by_others(store)[sisters], scores_by_others(other)[sisters])
    # Each is a problem that a policy may change.
    firings = first_firings(store, scores_by_others(store), -math.inf)
    assert len(set(firings.problems.tolist())) == len(firings.problems) > 4


def test_problems_that_were_made_of_one_are_no_independent_evidence():
    """Five problems cannot tell a gain from chance, however often each is asked."""
    single = store_of_trials(1, 5)
    repeated = np.concatenate([np.arange(len(single))] * 8)
    provenance = single.provenance[repeated].copy()
    provenance["record"] += np.repeat(np.arange(8) * 5, len(single)).astype(np.int32)
    names = [f"{record.id}-{copy}" for copy in range(8) for record in single.records]
    records = [RecordOrigin(name, group=name) for name in names]
    store = replace(
        single,
        keys=single.keys[repeated],
        values=single.values[repeated],
        provenance=provenance,
        records=records,
        manifest=replace(single.manifest, count=len(repeated)),
    )
    assert calibrate_trials(store).policy is not None
    roots = [replace(one, group=one.id.rpartition("-")[0]) for one in records]
    found = calibrate_trials(replace(store, records=roots))
    assert (found.problems, found.policy) == (5, None)


def test_a_policy_that_never_fires_gains_and_loses_nothing():
    store = store_of_trials(0, 50)
    firings = first_firings(store, scores_by_others(store), math.inf)
    assert (len(firings.problems), firings.gained, firings.lost) == (0, 0, 0)
    assert not firings.significant_by(np.arange(50))


def test_trials_that_tell_what_comes_of_others_give_a_policy():
    trials = calibrate_trials(store_of_trials(1, 300))
    policy = trials.policy
    assert policy is not None
    assert policy.gained > 10 * max(1, policy.lost)
    assert (policy.problems, policy.price, policy.least_probability) == (300, 2.0, 0.02)
    assert policy.gained + policy.lost <= policy.fired <= 300


@pytest.mark.parametrize("seed", range(20))
def test_shuffled_outcomes_give_none(seed):
    store = store_of_trials(seed, 300)
    shuffled = store.provenance.copy()
    draw = np.random.default_rng(seed)
    shuffled["outcome"] = draw.permutation(shuffled["outcome"])
    trials = calibrate_trials(replace(store, provenance=shuffled))
    assert trials.policy is None
    assert (trials.gained, trials.lost) == (
        (store.provenance["outcome"] == 1).sum(),
        (store.provenance["outcome"] == -1).sum(),
    )


def test_a_price_that_nothing_is_worth_gives_none():
    store = store_of_trials(1, 300, truth=0.8)
    assert calibrate_trials(store).policy is not None
    asked = {"trials": {"price": 1e6, "settings": {"least_probability": 0.02}}}
    dear = replace(store, manifest=replace(store.manifest, mining=asked))
    policy = calibrate_trials(dear).policy
    assert policy is None or policy.lost == 0


@pytest.mark.parametrize(
    ("gained", "lost", "significant"),
    [(6, 0, True), (5, 0, False), (38, 9, True), (12, 5, False), (0, 6, False), (0, 0, False)],
)
def test_a_gain_is_told_from_chance(gained, lost, significant):
    outcomes = np.array([1] * gained + [-1] * lost + [0])
    each = np.arange(len(outcomes))
    assert Firings(each, outcomes).significant_by(each) is significant


def test_what_is_calibrated_is_what_the_preset_decodes_with():
    preset = resolve_preset("outcome")
    assert (preset.k, preset.temperature) == (NEIGHBOURS, TEMPERATURE)
