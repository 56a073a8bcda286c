import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.projection import Projection
from knm.datastore.trial_calibration import outcome_scores
from knm.errors import UserError
from knm.retrieval import LMOutput, Neighbours, Retriever, resolve_preset, vary_preset
from knm.retrieval.fusions import ExchangeFusion
from knm.retrieval.outcomes import OutcomeWeight
from tests.retrieval.stores import POLICY, store_of, trials_of

OUTCOME = resolve_preset("outcome")
NUMBERS = {"temperature": 0.4, "prior": 16.0, "crash_price": 0.3}
DIM = 8


def score_of(distances, outcomes, crashes, temperature, prior, crash_price) -> float:
    """The rule in plain numbers, of the neighbours that are there."""
    if not distances:
        return -math.inf
    nearest = min(distances)
    w = [math.exp(-(d - nearest) / temperature) for d in distances]
    value = sum(a * (o - crash_price * c) for a, o, c in zip(w, outcomes, crashes, strict=True))
    n = sum(w) ** 2 / sum(a * a for a in w)
    score: float = value / sum(w) * n / (n + prior)
    return score


TRIAL = st.tuples(st.floats(0, 4, width=32), st.integers(-1, 1), st.integers(-1, 1), st.booleans())


@given(
    st.integers(1, 40).flatmap(
        lambda k: st.lists(st.lists(TRIAL, min_size=k, max_size=k), min_size=1, max_size=9)
    ),
    st.floats(0.01, 10),
    st.floats(0, 100),
    st.floats(0, 2),
)
def test_scores_are_the_formula_and_each_row_is_alone(rows, temperature, prior, crash_price):
    columns = torch.tensor(rows, dtype=torch.float64)
    found = columns[..., 3] > 0
    distances = columns[..., 0].float().masked_fill(~found, torch.inf)
    numbers = {"temperature": temperature, "prior": prior, "crash_price": crash_price}
    parts = (distances, columns[..., 1].to(torch.int8), columns[..., 2].to(torch.int8), found)
    scores = outcome_scores(*parts, **numbers)
    for row, trials in enumerate(rows):
        there = [trial for trial in trials if trial[3]]
        expected = score_of(*([trial[n] for trial in there] for n in range(3)), **numbers)
        assert scores[row].item() == pytest.approx(expected, rel=1e-9, abs=1e-12)
        alone = outcome_scores(*(part[row : row + 1] for part in parts), **numbers)
        assert torch.equal(alone[0], scores[row])


def test_a_distance_that_is_no_number_never_fires():
    nan, there = torch.full((1, 3), torch.nan), torch.ones(1, 3, dtype=torch.bool)
    assert not (outcome_scores(nan, there, there, there, **NUMBERS) > 0).any()


def lm_of(*rows: dict[int, float], vocabulary: int = 12, dtype=torch.float32) -> LMOutput:
    """Logits that give these tokens these probabilities, and the others next to nothing."""
    logits = torch.full((len(rows), vocabulary), -30.0)
    for row, chances in enumerate(rows):
        for token, chance in chances.items():
            logits[row, token] = math.log(chance)
    return LMOutput.read(logits.to(dtype))


def weight_of(**changes) -> OutcomeWeight:
    store = trials_of(np.zeros((1, DIM)), [1], [2], policy=replace(POLICY, **changes))
    weight = OUTCOME.build_weight(store)
    assert isinstance(weight, OutcomeWeight)
    return weight


def test_candidates_are_the_next_two_tokens_that_are_likely():
    lm = lm_of({3: 0.6, 5: 0.3, 7: 0.1}, {3: 0.985, 5: 0.015}, {0: 0.5, 11: 0.47, 2: 0.03})
    assert weight_of().candidates(lm).tolist() == [[5, 7], [-1, -1], [11, 2]]
    assert weight_of(least_probability=0.2).candidates(lm).tolist() == [[5, -1], [-1, -1], [11, -1]]


def found(token: int, k: int = 4) -> Neighbours:
    return Neighbours(
        torch.zeros(1, k), torch.zeros(1, k, dtype=torch.int64), torch.full((1, k), token)
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_two_tokens_exchange_their_logits_and_nothing_else_changes(dtype):
    lm = lm_of({3: 0.6, 5: 0.3, 7: 0.1}, dtype=dtype)
    mixed = ExchangeFusion()(lm, torch.ones(1), found(5))
    before, after = lm.logits.float()[0], mixed.dense()[0]
    assert mixed.token.tolist() == [5] == [int(after.argmax())]
    assert after[3] == before[5]
    assert after[5] == pytest.approx(before[3].item(), abs=1e-6)
    rest = [token for token in range(12) if token not in (3, 5)]
    assert torch.equal(after[rest], before[rest])
    kept = ExchangeFusion()(lm, torch.zeros(1), found(5))
    assert torch.equal(kept.dense()[0], before)
    assert kept.token.tolist() == [3]


def test_an_equal_logit_of_a_third_token_does_not_hide_the_exchange():
    lm = lm_of({3: 0.4, 4: 0.4, 7: 0.2})
    for token in (4, 7):
        mixed = ExchangeFusion()(lm, torch.ones(1), found(token))
        assert mixed.dense().argmax(1).tolist() == [token] == mixed.token.tolist()


def test_it_writes_what_gained_and_leaves_what_did_not():
    key, away = np.eye(DIM)[0], np.eye(DIM)[1]
    # 40 trials of 5 in place of 3 gained; 40 of 7 lost; those of 6 in place of 4 did nothing
    keys = np.concatenate([np.tile(key, (120, 1)), np.tile(away, (40, 1))])
    store = trials_of(
        keys,
        np.repeat([3, 3, 4, 3], 40),
        np.repeat([5, 7, 6, 7], 40),
        np.repeat([1, -1, 0, 1], 40),
    )
    retriever = Retriever(store, OUTCOME)
    lm = lm_of(
        {3: 0.6, 5: 0.2, 7: 0.2},
        {3: 0.6, 7: 0.2, 6: 0.2},
        {3: 0.98, 5: 0.015},
        {4: 0.6, 6: 0.4},
        {5: 0.6, 3: 0.4},
        {3: 0.6, 7: 0.2, 5: 0.2},
    )
    hidden = torch.from_numpy(np.stack([key] * 5 + [away])).float()
    done = retriever.correct(hidden, lm)
    # The last is near the trials of 7 that gained, and not farther from those of 5 than they are.
    assert done.token.tolist() == [5, 3, 3, 4, 5, 5]
    assert done.weight.tolist() == [1, 0, 0, 0, 0, 1]
    assert torch.equal(done.logits[1:5], lm.logits[1:5])
    assert store.provenance["outcome"][done.neighbours.ids[0]].tolist() == [1] * OUTCOME.k
    crashing = trials_of(keys, store.provenance["predicted"], store.values, 0, -1)
    assert Retriever(crashing, OUTCOME).correct(hidden, lm).token.tolist()[0] == 5


def test_a_row_does_not_depend_on_the_others_nor_on_what_is_admitted():
    draw = np.random.default_rng(0)
    keys = draw.standard_normal((500, DIM))
    pairs = draw.integers(0, 5, (2, 500))
    store = trials_of(keys, pairs[0], pairs[1], draw.integers(-1, 2, 500))
    retriever = Retriever(
        store, vary_preset(OUTCOME, {"temperature": 4.0, "weight_options": {"prior": 1.0}}, "o")
    )
    logits = torch.from_numpy(draw.standard_normal((37, 9))).float()
    logits[:, :5] += 4
    hidden = torch.from_numpy(draw.standard_normal((37, DIM))).float()
    together = retriever.correct(hidden, LMOutput.read(logits))
    changed = together.token != together.lm.token
    assert 3 < int(changed.sum()) < 34
    for row in range(37):
        one = slice(row, row + 1)
        alone = retriever.correct(hidden[one], LMOutput.read(logits[one]))
        assert torch.equal(alone.logits[0], together.logits[row])
        assert torch.equal(alone.neighbours.distances[0], together.neighbours.distances[row])
    assert torch.equal(together.logits[~changed], logits[~changed])
    admitted = torch.arange(37) % 2 == 0
    some = retriever.correct(hidden, LMOutput.read(logits), admitted=admitted)
    assert torch.equal(some.logits[admitted], together.logits[admitted])
    assert torch.equal(some.logits[~admitted], logits[~admitted])
    assert not some.weight[~admitted].any()


@pytest.mark.parametrize("how", ["weight", "policy"])
def test_weight_0_or_no_policy_leaves_the_lm_to_the_bit(how):
    keys = np.zeros((60, DIM))
    policy = POLICY if how == "weight" else None
    store = trials_of(keys, [3] * 60, [5] * 60, 1, policy=policy)
    lm, hidden = lm_of({3: 0.6, 5: 0.4}, dtype=torch.bfloat16), torch.zeros(1, DIM)
    preset = resolve_preset("outcome", lmbda=0.0 if how == "weight" else None)
    done = Retriever(store, preset).correct(hidden, lm)
    assert done.logits is lm.logits
    assert not done.searched.any()
    fires = Retriever(trials_of(keys, [3] * 60, [5] * 60, 1), OUTCOME).correct(hidden, lm)
    assert fires.token.tolist() == [5]


def test_numbers_of_a_preset_come_before_those_of_the_policy():
    numbers = {"prior": 1.0, "crash_price": 0.5, "least_probability": 0.1, "threshold": 0.25}
    store = trials_of(np.zeros((1, DIM)), [1], [2], policy=None)
    own = vary_preset(OUTCOME, {"weight_options": numbers}, "own")
    for policy in (POLICY, None):
        held = replace(
            store, manifest=trials_of(np.zeros((1, DIM)), [1], [2], policy=policy).manifest
        )
        weight = own.build_weight(held)
        assert {name: getattr(weight, name) for name in numbers} == numbers
    some = vary_preset(OUTCOME, {"weight_options": {"threshold": 0.25}}, "some")
    with pytest.raises(UserError, match="prior, crash_price, least_probability missing"):
        some.build_weight(store)


def test_stores_and_presets_of_the_other_kind_are_refused():
    with pytest.raises(UserError, match=r"holds tokens of a corpus.*\(trusted\)"):
        Retriever(store_of(np.zeros((3, DIM))), OUTCOME)
    with pytest.raises(UserError, match="holds trials.*preset outcome"):
        Retriever(trials_of(np.zeros((1, DIM)), [1], [2]), resolve_preset("dense"))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weight": 0.5}, "weight 0.5.*0 .never. or 1"),
        ({"fusion": "mixture"}, "go together"),
        ({"weight_kind": "static"}, "go together"),
        ({"searcher": "faiss-ivf"}, "searches exactly"),
        ({"weight_options": {"prior": -1.0}}, "prior -1.0"),
    ],
)
def test_presets_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(UserError, match=message):
        vary_preset(OUTCOME, changes, "odd")


def test_states_are_whitened_as_the_keys_were():
    draw = np.random.default_rng(0)
    states = draw.standard_normal((2, 6)).astype(np.float32)
    matrix = draw.standard_normal((6, DIM)).astype(np.float32)
    projection = Projection("whitening", states.mean(0) + 1, matrix)
    keys = np.repeat(projection.apply(states), 40, axis=0)
    store = trials_of(keys, [3] * 80, [5] * 80, np.repeat([1, -1], 40))
    store = replace(
        store,
        projection=projection,
        manifest=replace(store.manifest, projection=projection.info),
    )
    lm = lm_of({3: 0.6, 5: 0.4}, {3: 0.6, 5: 0.4})
    done = Retriever(store, OUTCOME).correct(torch.from_numpy(states), lm)
    assert done.token.tolist() == [5, 3]
    assert (done.neighbours.distances < 1e-5).all()
