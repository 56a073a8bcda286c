import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from knm.metrics.area import area_under_curve, drawn_areas, interval_of
from knm.statistics import RESAMPLES

# Few values, so that many are equal.
rows = st.lists(
    st.tuples(st.sampled_from([0.0, 0.25, 0.3, 1.0]), st.booleans(), st.integers(0, 3)),
    min_size=2,
    max_size=30,
)


def columns(found):
    scores, positive, numbers = map(np.array, zip(*found, strict=True))
    return scores, positive, numbers


def directly(scores, positive, times):
    """Every pair, one after the other."""
    above = [(s, t) for s, p, t in zip(scores, positive, times, strict=True) if p]
    below = [(s, t) for s, p, t in zip(scores, positive, times, strict=True) if not p]
    pairs = sum(t * u for _, t in above for _, u in below)
    won = sum(t * u * ((s > r) + (s == r) / 2) for s, t in above for r, u in below)
    return won / pairs if pairs else None


@given(rows)
def test_the_area_is_that_of_all_pairs(found):
    scores, positive, times = columns(found)
    plain = directly(scores, positive, np.ones(len(scores)))
    assume(plain is not None)
    assert area_under_curve(scores, positive) == pytest.approx(plain)
    weighed = directly(scores, positive, times)
    area = area_under_curve(scores, positive, times.astype(float))
    assert np.isnan(area) if weighed is None else area == pytest.approx(weighed)


@given(rows)
def test_what_tells_nothing_has_half(found):
    _, positive, _ = columns(found)
    assume(positive.any() and not positive.all())
    assert area_under_curve(np.zeros(len(positive)), positive) == 0.5


def test_draws_are_of_whole_groups():
    scores = np.array([0.9, 0.1, 0.2, 0.8])
    positive = np.array([True, False, True, False])
    first, second = np.array([0, 0, 1, 1]), np.array([7, 7, 7, 7])
    # A group is drawn twice, the other twice, or one of both.
    assert set(drawn_areas(scores, positive, first).tolist()) == {1.0, 0.0, 0.75}
    assert set(drawn_areas(scores, positive, second).tolist()) == {0.75}


def test_draws_without_one_kind_do_not_count():
    scores, positive = np.array([0.9, 0.1, 0.1]), np.array([True, False, False])
    draws = drawn_areas(scores, positive, np.array([0, 1, 2]))
    assert len(draws) == RESAMPLES
    assert 0 < np.isnan(draws).sum() < RESAMPLES
    assert interval_of(draws) == (1.0, 1.0)


def test_scores_in_the_same_order_have_the_same_draws():
    draw = np.random.default_rng(3)
    scores, positive, groups = draw.random(60), draw.random(60) < 0.4, draw.integers(0, 9, 60)
    one, other = drawn_areas(scores, positive, groups), drawn_areas(scores**3, positive, groups)
    np.testing.assert_array_equal(one, other)
    low, high = interval_of(one)
    assert low < area_under_curve(scores, positive) < high
    assert not np.array_equal(one, drawn_areas(scores, positive, groups, seed=1))
