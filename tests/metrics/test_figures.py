import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.codec import to_json
from knm.metrics.figures import Positions, lm_figures, preset_figures
from knm.metrics.measuring import Measured, Predictions


@st.composite
def measurements(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, vocabulary = draw(st.integers(1, 60)), draw(st.integers(2, 6))

    def predictions(missing: float) -> Predictions:
        token = rng.integers(0, vocabulary, count)
        log_prob = np.log(rng.uniform(1e-6, 1, count))
        gone = rng.random(count) < missing
        return Predictions(np.where(gone, -1, token), np.where(gone, -np.inf, log_prob), token * 0)

    measured = Measured(
        predictions(0.0),
        predictions(0.3),
        rng.random(count).astype(np.float32),
        rng.random(count) < 0.5,
        rng.random(count) < 0.5,
    )
    types = rng.choice(["keyword", "literal"], count).tolist()
    positions = Positions.of(rng.integers(0, vocabulary, count), types, ["web"] * count)
    return positions, predictions(0.0), measured


@given(measurements())
def test_gains_and_losses_account_for_the_change_in_accuracy(case):
    positions, lm, measured = case
    before, after = lm_figures(positions, lm).all, preset_figures("p", positions, lm, measured).all
    assert after.right == before.right + after.gained - after.lost
    assert (before.gained, before.lost) == (0, 0)
    assert after.accuracy == pytest.approx(after.right / after.positions)


@given(measurements())
def test_groups_add_up_to_the_whole(case):
    positions, lm, measured = case
    figures = preset_figures("p", positions, lm, measured)
    for groups in (figures.by_type, figures.by_source):
        for name in ("positions", "right", "gained", "lost"):
            total = sum(getattr(group, name) for group in groups.values())
            assert total == getattr(figures.all, name)


def limited(perplexity: float | None) -> float:
    return np.inf if perplexity is None else round(perplexity, 6)


@given(measurements())
def test_an_oracle_is_never_worse_than_what_it_chooses_from(case):
    positions, lm, measured = case
    before, figures = lm_figures(positions, lm), preset_figures("p", positions, lm, measured)
    oracle = figures.oracle
    assert oracle is not None
    assert oracle.accuracy >= max(before.all.accuracy, figures.all.accuracy)
    assert limited(oracle.perplexity) <= limited(before.all.perplexity)
    assert limited(oracle.perplexity) <= limited(figures.all.perplexity)
    neighbours_right = np.mean(measured.neighbours.token == positions.right)
    assert oracle.by_neighbours_accuracy >= max(before.all.accuracy, neighbours_right)
    assert limited(oracle.by_neighbours_perplexity) <= limited(before.all.perplexity)


def test_an_impossible_token_makes_perplexity_infinite():
    lm = Predictions(np.array([1, 1]), np.array([-1.0, -np.inf]), np.array([1, 2]))
    figures = lm_figures(Positions.of([1, 0], ["a", "a"], ["s", "s"]), lm)
    assert figures.all.perplexity is None
    assert to_json(figures)["all"]["accuracy"] == 0.5
