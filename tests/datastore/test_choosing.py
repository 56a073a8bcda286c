import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.choosing import Firings, best_choice, fold_numbers, measured_on_others
from knm.statistics import mcnemar_exact

# Of each choice what becomes of each of some problems: None where it changes nothing.
TABLES = st.integers(1, 30).flatmap(
    lambda problems: st.lists(
        st.lists(st.sampled_from([None, -1, 0, 1]), min_size=problems, max_size=problems),
        min_size=1,
        max_size=4,
    )
)
PRICES = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def firings_of(row):
    fired = [number for number, outcome in enumerate(row) if outcome is not None]
    return Firings(np.array(fired, np.int64), np.array([row[number] for number in fired], np.int8))


def slow_worth(row, problems, price):
    told = [row[number] for number in problems]
    return told.count(1) - price * told.count(-1)


def slow_choice(table, problems, price):
    """The first of the choices that are worth most, if that is more than nothing."""
    worths = [slow_worth(row, problems, price) for row in table]
    return worths.index(max(worths)) if max(worths) > 0 else None


@given(TABLES, PRICES)
def test_the_choice_is_that_of_most_worth(table, price):
    choices = {number: firings_of(row) for number, row in enumerate(table)}
    assert best_choice(choices, price) == slow_choice(table, range(len(table[0])), price)


@given(TABLES, PRICES)
def test_each_problem_is_counted_by_what_the_others_choose(table, price):
    problems = range(len(table[0]))
    each = np.arange(len(problems))
    folds = fold_numbers(each).tolist()
    expected = {}
    for problem in problems:
        others = [other for other in problems if folds[other] != folds[problem]]
        choice = slow_choice(table, others, price)
        if choice is not None and table[choice][problem] is not None:
            expected[problem] = table[choice][problem]
    choices = {number: firings_of(row) for number, row in enumerate(table)}
    measured = measured_on_others(choices, each, price)
    assert dict(zip(measured.problems.tolist(), measured.outcomes.tolist(), strict=True)) == (
        expected
    )
    told = list(expected.values())
    assert (measured.gained, measured.lost) == (told.count(1), told.count(-1))
    assert measured.p_value == mcnemar_exact(told.count(1), told.count(-1))
    assert measured.p_value_by(each) == measured.p_value


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40))
def test_what_is_alike_is_in_one_fold(labels):
    groups = np.unique(labels, return_inverse=True)[1]
    folds = fold_numbers(groups)
    for group in groups:
        assert len(set(folds[groups == group])) == 1


def test_p_counts_what_is_alike_once():
    """Six gains are sure, of six problems; of three in one they are two, which chance gives."""
    gained = firings_of([1] * 6)
    assert gained.p_value_by(np.array([0, 0, 0, 1, 1, 1])) == mcnemar_exact(2, 0) == 0.5
    assert gained.p_value == mcnemar_exact(6, 0) < 0.05
    # The mean of the second group is half as large as that of the first, and turned.
    assert firings_of([1, 1, -1, None]).p_value_by(np.array([0, 0, 1, 1])) == 1


@pytest.mark.parametrize(("gained", "lost", "significant"), [(6, 0, True), (5, 0, False)])
def test_significance_is_exact(gained, lost, significant):
    assert (
        firings_of([1] * gained + [-1] * lost).significant_by(np.arange(gained + lost))
        is significant
    )
