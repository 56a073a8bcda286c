import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knm.datastore import Calibration, Datastore
from knm.datastore.calibration import (
    COST,
    MOST_SPOILT,
    SUPPORT,
    TEMPERATURE_SCALE,
    HeldOut,
    corrected_token,
    measure_reliability,
)
from tests.datastore.tiny import examples, mine_tiny


def reference(store: Datastore, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Plain leave-record-out nearest neighbour."""
    keys = store.read_keys(slice(0, len(store))).astype(np.float64)
    records = store.provenance["record"]
    distances = np.square(keys[rows, None] - keys[None]).sum(-1)
    distances[records[rows][:, None] == records[None]] = np.inf
    found = distances.argmin(1)
    return distances.min(1), store.values[found] == store.values[rows]


@pytest.mark.parametrize("side", ["mistakes", "correct"])
def test_distances_and_reliability_leave_the_own_record_out(tmp_path, side):
    store = mine_tiny(tmp_path, examples=examples(60))
    wrong = store.provenance["predicted"] != store.values
    rows = np.flatnonzero(wrong if side == "mistakes" else ~wrong)
    distances, right = reference(store, rows)
    summary = getattr(store.manifest.calibration, side)
    assert summary.sampled == len(rows) > 0
    assert summary.nearest_right == pytest.approx(right.mean())
    for point in ("0.1", "0.25", "0.5", "0.75", "0.9"):
        expected = np.quantile(distances, float(point))
        assert summary.quantiles[point] == pytest.approx(expected, rel=1e-4)


def test_the_median_at_mistakes_is_what_temperatures_scale_with(tmp_path):
    calibration = mine_tiny(tmp_path).manifest.calibration
    assert calibration is not None
    assert calibration.mistakes is not None
    assert calibration.mistake_distance_median == calibration.mistakes.quantiles["0.5"] > 0


def test_a_single_record_has_nothing_to_be_measured_against(tmp_path):
    store = mine_tiny(tmp_path, examples=examples(1))
    assert store.manifest.calibration == Calibration(None, None, None)


K = 4


def held_out(rng, rows=400, *, mending=0.8, spoiling=0.0, wrong=0.5, near=None):
    """Entries of which the LM got a share wrong, with neighbours that agree among themselves."""
    right = rng.integers(10, 20, rows)
    mistaken = rng.random(rows) < wrong
    predicted = np.where(mistaken, right + 20, right)
    good = np.where(mistaken, rng.random(rows) < mending, rng.random(rows) >= spoiling)
    values = np.where(good, right, right + 40)[:, None].repeat(K, 1)
    nearest = rng.random(rows) if near is None else near(good)
    distances = nearest[:, None] + np.arange(K) * 0.01
    return HeldOut(distances, values, right, predicted, np.full(rows, 0.8))


def plain_token(
    held: HeldOut, row: int, temperature: float, weight: float, support: float | None
) -> int:
    predicted, share = int(held.predicted[row]), 0.0
    score = {predicted: (1 - weight) * held.probability[row]}
    finite = [j for j in range(K) if np.isfinite(held.distances[row, j])]
    if finite:
        votes = np.exp(-(held.distances[row, finite] - held.distances[row, 0]) / temperature)
        for j, vote in zip(finite, votes / votes.sum(), strict=True):
            token = int(held.values[row, j])
            score[token] = score.get(token, 0.0) + weight * vote
            share += vote * (token == predicted)
    if support is not None and share >= support:
        return predicted
    return max(score, key=lambda token: (score[token], token == held.predicted[row]))


@given(
    st.integers(0, 10_000),
    st.floats(0.05, 0.95),
    st.floats(0.01, 10.0),
    st.none() | st.floats(0.01, 0.9),
)
def test_the_corrected_token_is_that_of_a_plain_mixture(seed, weight, temperature, support):
    rng = np.random.default_rng(seed)
    held = held_out(rng, 20)
    held.values[:] = rng.integers(10, 14, held.values.shape)
    held.distances[rng.random(held.distances.shape) < 0.2] = np.inf
    held.distances.sort(axis=1)
    held.predicted[::2] = rng.integers(10, 14, 10)  # of which neighbours may say the same
    expected = [plain_token(held, row, temperature, weight, support) for row in range(20)]
    assert corrected_token(held, temperature, weight, support).tolist() == expected


def test_a_good_datastore_is_trusted_with_a_high_weight():
    reliability = measure_reliability(held_out(np.random.default_rng(0)), 0.5, 0.06)
    assert reliability.weight >= 0.75
    assert reliability.fixed == pytest.approx(0.8, abs=0.06)
    assert reliability.broken == pytest.approx(0.01, abs=0.01)


def test_luck_with_common_tokens_is_no_reason_for_trust():
    # A store whose values were shuffled says of nearly every entry that the LM was wrong there, and
    # neighbours of any kind hit a common token now and then.
    rng = np.random.default_rng(0)
    tokens = rng.geometric(0.05, (4000, K + 2))
    right, predicted, values = tokens[:, 0], tokens[:, 1], tokens[:, 2:]
    distances = np.sort(rng.random((4000, K)), axis=1)
    held = HeldOut(distances, values, right, predicted, np.full(4000, 0.8))
    error_rate = float((predicted != right).mean())
    assert error_rate > 0.9
    assert measure_reliability(held, 0.5, error_rate).weight == 0


def test_shuffled_values_get_weight_zero():
    held = held_out(np.random.default_rng(0))
    order = np.random.default_rng(1).permutation(len(held.values))
    shuffled = HeldOut(
        held.distances, held.values[order], held.right, held.predicted, held.probability
    )
    assert measure_reliability(shuffled, 0.5, 0.06).weight == 0


def test_a_gain_that_chance_explains_gets_weight_zero():
    held = held_out(np.random.default_rng(0), 12, mending=0.3, spoiling=0.0)
    assert measure_reliability(held, 0.5, 0.06).weight == 0


def test_corrections_from_afar_are_not_trusted():
    held = held_out(
        np.random.default_rng(0), mending=0.5, spoiling=0.4, near=lambda good: np.where(good, 1, 3)
    )
    reliability = measure_reliability(held, 0.5, 0.06)
    assert reliability.weight > 0
    assert 1 <= reliability.distance < 3
    assert reliability.broken == 0


def test_a_datastore_that_spoils_what_is_right_is_not_trusted_however_much_it_mends():
    held = held_out(np.random.default_rng(0), mending=0.7, spoiling=0.15, wrong=0.5)
    assert measure_reliability(held, 0.5, 0.9).broken <= MOST_SPOILT


@given(st.integers(0, 1000), st.floats(0.5, 1), st.floats(0, 0.05), st.floats(0.1, 0.5))
def test_what_is_trusted_gains_more_than_it_costs(seed, mending, spoiling, rate):
    held = held_out(np.random.default_rng(seed), 120, mending=mending, spoiling=spoiling)
    found = measure_reliability(held, 0.5, rate)
    assume(found.weight > 0)
    assert rate * found.fixed > COST * (1 - rate) * found.broken
    token = corrected_token(held, 0.5 * TEMPERATURE_SCALE, found.weight, SUPPORT)
    within = held.distances[:, 0] <= found.distance
    mended = held.wrong & within & (token == held.right)
    assert found.fixed == pytest.approx(mended.sum() / held.wrong.sum())
