from fractions import Fraction
from itertools import combinations, product
from random import Random
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, kendalltau, norm, permutation_test
from scipy.stats import bootstrap as scipy_bootstrap

from knm import statistics
from knm.report import bootstrap_interval, mcnemar_exact, pass_at_k, wilson_interval
from knm.statistics import bootstrap_ratio, kendall_tau, paired_permutation


@st.composite
def shares(draw):
    total = draw(st.integers(1, 2000))
    return draw(st.integers(0, total)), total


@given(shares(), st.floats(0.5, 0.999))
def test_wilson_interval_agrees_with_scipy(share, confidence):
    passed, total = share
    expected = binomtest(passed, total).proportion_ci(confidence, method="wilson")

    assert wilson_interval(passed, total, confidence) == pytest.approx(
        (expected.low, expected.high), abs=1e-12
    )


@pytest.mark.parametrize(
    ("passed", "total", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_agrees_with_published_values(passed, total, low, high):
    assert wilson_interval(passed, total) == pytest.approx((low, high), abs=5e-5)


@given(shares())
def test_wilson_interval_holds_the_share_and_stays_in_the_unit_interval(share):
    passed, total = share
    low, high = wilson_interval(passed, total)

    assert 0 <= low <= passed / total <= high <= 1
    assert low < high


def test_wilson_interval_of_nothing_is_everything():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_agrees_with_scipys_two_sided_binomial_test(gained, lost):
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0

    assert mcnemar_exact(gained, lost) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_exact(gained, lost) == mcnemar_exact(lost, gained)


def test_mcnemar_agrees_with_published_values():
    # Fagerland et al., BMC Medical Research Methodology 13:91 (2013): 1 against 7, exact.
    assert mcnemar_exact(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert mcnemar_exact(3, 3) == 1.0


def test_mcnemar_survives_more_flips_than_a_float_can_count():
    assert 0 < mcnemar_exact(2500, 2400) < 1
    assert mcnemar_exact(0, 5000) == 0.0


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))), st.data())
def test_pass_at_k_is_the_share_of_all_k_subsets_that_hold_a_pass(samples, data):
    n, correct = samples
    k = data.draw(st.integers(1, n))
    subsets = list(combinations([index < correct for index in range(n)], k))

    assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_1_is_the_share_that_passed():
    assert pass_at_k(200, 58, 1) == pytest.approx(0.29)


@pytest.mark.parametrize(("samples", "correct", "k"), [(5, 6, 1), (5, 2, 6), (5, 2, 0), (5, -1, 1)])
def test_pass_at_k_refuses_counts_that_cannot_be(samples, correct, k):
    with pytest.raises(AssertionError):
        pass_at_k(samples, correct, k)


values = st.lists(st.floats(0, 1), min_size=1, max_size=60)


@given(values, st.randoms())
def test_the_bootstrap_is_the_same_for_the_same_values_in_any_order(rates, random):
    shuffled = random.sample(rates, len(rates))

    assert bootstrap_interval(rates) == bootstrap_interval(shuffled)


def test_the_bootstrap_draws_alike_whether_its_draws_are_kept_or_not(monkeypatch):
    rates = [number * 37 % 101 / 100 for number in range(50)]
    first, again = bootstrap_interval(rates), bootstrap_interval(rates)
    monkeypatch.setattr(statistics, "_MOST_KEPT", 10)
    assert first == again == bootstrap_interval(rates)
    assert first == pytest.approx((0.42139999999999994, 0.5817999999999999))


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=12), st.integers(0, 5))
@settings(max_examples=25)
def test_the_bootstrap_takes_its_places_from_random_alone(rates, seed):
    draw, ordered, means = Random(seed).random, sorted(rates), []
    for _ in range(statistics.RESAMPLES):
        drawn = [ordered[int(draw() * len(ordered))] for _ in ordered]
        means.append(sum(drawn) / len(drawn))
    assert bootstrap_interval(rates, seed=seed) == statistics.percentile_interval(sorted(means))


@given(values)
def test_the_bootstrap_stays_between_least_and_most(rates):
    low, high = bootstrap_interval(rates)

    assert min(rates) - 1e-12 <= low <= high <= max(rates) + 1e-12


@given(st.floats(-1, 1), st.integers(1, 50))
def test_the_bootstrap_of_equal_values_is_that_value(value, count):
    assert bootstrap_interval([value] * count) == pytest.approx((value, value))


@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_the_bootstrap_agrees_with_scipys(confidence):
    rates = [(number * 37 % 101) / 100 for number in range(200)]
    expected = scipy_bootstrap(
        (rates,), mean, confidence_level=confidence, method="percentile", rng=1, n_resamples=4000
    ).confidence_interval

    assert bootstrap_interval(rates, confidence) == pytest.approx(
        (expected.low, expected.high), abs=0.006
    )


@given(st.lists(st.integers(0, 9), min_size=1, max_size=20), st.sampled_from([1, 4]))
def test_the_bootstrap_of_a_ratio_of_equal_parts_is_that_of_their_mean(values, size):
    parts = [(value, size) for value in values]
    expected = bootstrap_interval([value / size for value in values])
    assert bootstrap_ratio(parts) == pytest.approx(expected)
    assert bootstrap_ratio(parts[::-1]) == bootstrap_ratio(parts)


def test_the_bootstrap_of_a_ratio_weighs_large_parts_more():
    low, high = bootstrap_ratio([(0, 1), (90, 100), (92, 100), (91, 100)])
    assert 0.88 < low < 0.91 < high <= 0.92


def test_the_bootstrap_of_another_seed_is_another_draw():
    rates = [0.0, 0.2, 0.5, 1.0] * 10

    assert bootstrap_interval(rates, seed=1) != bootstrap_interval(rates, seed=2)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=20))
def test_kendall_tau_agrees_with_scipy(pairs):
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    found = kendall_tau(left, right)
    if len(set(left)) < 2 or len(set(right)) < 2:
        assert found is None
    else:
        assert found == pytest.approx(kendalltau(left, right).statistic, abs=1e-12)


RATES = st.fractions(min_value=-1, max_value=1, max_denominator=8)


@given(st.lists(RATES, min_size=1, max_size=8))
def test_a_permutation_test_counts_all_exchanges(differences):
    observed = abs(sum(differences))
    sums = [
        sum(sign * each for sign, each in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    found = paired_permutation(differences)
    assert found.exact
    assert found.p_value == pytest.approx(mean(abs(each) >= observed for each in sums), rel=1e-12)


@given(st.integers(0, 40), st.integers(0, 40))
def test_a_permutation_test_of_flips_is_mcnemars(gained, lost):
    differences = [Fraction(1)] * gained + [Fraction(-1)] * lost + [Fraction(0)] * 3
    assert paired_permutation(differences).p_value == pytest.approx(mcnemar_exact(gained, lost))


def test_a_permutation_test_agrees_with_scipy():
    differences = [Fraction(n % 17 - 6, 8) for n in range(60)]
    expected = permutation_test(
        ([float(each) for each in differences],),
        np.mean,
        permutation_type="samples",
        n_resamples=50_000,
        rng=np.random.default_rng(0),
    ).pvalue
    assert paired_permutation(differences).p_value == pytest.approx(expected, abs=0.01)


@given(st.lists(RATES, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_drawn_exchanges_come_near_and_are_the_same_in_any_order(differences, shuffler):
    exact = paired_permutation(differences).p_value
    mixed = shuffler.sample(differences, len(differences))
    few = {"permutations": 2000, "most_bits": 0}
    drawn = paired_permutation(differences, **few)
    assert paired_permutation(mixed, **few) == drawn
    assert drawn.exact == (sum(differences) == 0)
    assert drawn.p_value == pytest.approx(exact, abs=0.06)


def test_a_permutation_test_of_a_whole_bench_is_exact():
    differences = [Fraction(n % 17 - 8 + (n % 3 == 0), 8) for n in range(499)]
    found = paired_permutation(differences)
    normal = float(sum(differences)) / float(sum(each**2 for each in differences)) ** 0.5
    assert found.exact
    assert found.p_value == pytest.approx(2 * norm.sf(normal), abs=0.01)
