import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.gathering.translation.inputs import mutate

TEXTS = st.lists(
    st.lists(
        st.one_of(st.integers(-(10**9), 10**9).map(str), st.text("abcXYZ09.-", min_size=1)),
        max_size=6,
    ).map(" ".join),
    max_size=6,
).map("\n".join)
SEEDS = st.integers(0, 2**32)


def shape(text):
    return [len(line.split()) for line in text.split("\n")]


def is_number(word):
    return word.removeprefix("-").isdigit() and (word in ("0", "-0") or word.lstrip("-")[0] != "0")


@given(st.lists(TEXTS, min_size=1, max_size=3), SEEDS)
def test_the_form_stays(inputs, seed):
    varied = mutate(inputs, random.Random(seed))
    assert shape(varied) in [shape(text) for text in inputs]
    assert sorted(c for c in varied if c.isspace()) in [
        sorted(c for c in text if c.isspace()) for text in inputs
    ]


@given(TEXTS, SEEDS)
def test_numbers_stay_as_many_and_words_as_long(text, seed):
    varied = mutate([text], random.Random(seed))
    assert sum(map(is_number, text.split())) <= sum(map(is_number, varied.split()))
    assert sum(not is_number(word) for word in varied.split()) <= sum(
        not is_number(word) for word in text.split()
    )


@given(SEEDS)
def test_a_first_line_stays_where_others_follow(seed):
    text = "3 7\n4 5 6\nabc\n"
    varied = mutate([text], random.Random(seed))
    assert varied.split("\n")[0] == "3 7"
    assert varied.endswith("\n")


@given(SEEDS)
def test_signs_are_kept_in_lines_of_one_sign(seed):
    for text, sign in (("1 2 9", 1), ("-1 -2 -9", -1)):
        assert all(int(word) * sign >= 1 for word in mutate([text], random.Random(seed)).split())
    assert all(int(word) >= 0 for word in mutate(["0 1 2"], random.Random(seed)).split())


@pytest.mark.parametrize("text", ["", "\n\n", "   "])
def test_what_has_no_words_stays_as_it_is(text):
    assert mutate([text], random.Random(0)) == text


def test_variations_differ_and_are_the_same_for_a_seed():
    text = "3\n10 20 30\n"
    found = {mutate([text], random.Random(seed)) for seed in range(40)}
    assert len(found) > 10
    assert mutate([text], random.Random(5)) == mutate([text], random.Random(5))
