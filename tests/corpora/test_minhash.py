import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.corpora.minhash import (
    MISSED,
    PERMUTATIONS,
    estimate,
    near_duplicates,
    rows_of_bands,
    signatures,
)
from knm.corpora.shingles import jaccard, shingle
from knm.corpora.tokens import lex


def texts_like(seed, count, changes):
    """Programs of 60 words, each an earlier one with some words replaced."""
    rng = random.Random(seed)
    texts = [[f"w{rng.randrange(500)}" for _ in range(60)]]
    for _ in range(count - 1):
        words = list(rng.choice(texts))
        for place in rng.sample(range(60), rng.randint(0, changes)):
            words[place] = f"w{rng.randrange(500)}"
        texts.append(words)
    return [" ".join(words) for words in texts]


def sets_of(texts):
    lexed = lex(texts)
    return shingle(lexed.hashes, lexed.starts)


def all_pairs(count):
    return np.triu_indices(count, 1)


@given(st.integers(0, 2**32), st.integers(0, 20))
@settings(max_examples=40)
def test_estimates_lie_within_the_bounds_of_chance(seed, changes):
    sets = sets_of(texts_like(seed, 12, changes))
    left, right = all_pairs(len(sets))
    exact, guess = jaccard(sets, left, right), estimate(signatures(sets), left, right)
    # Hoeffding: off by more than this once in ten million pairs.
    assert np.abs(exact - guess).max() <= np.sqrt(np.log(2e7) / (2 * PERMUTATIONS))
    assert np.all(guess[exact == 1] == 1)
    assert abs((exact - guess).mean()) < 0.08


@given(st.integers(0, 2**32), st.sampled_from([0.5, 0.8, 0.95]))
@settings(max_examples=25)
def test_near_duplicates_are_what_comparing_all_finds(seed, threshold):
    sets = sets_of(texts_like(seed, 14, 4))
    left, right = all_pairs(len(sets))
    exact = jaccard(sets, left, right)
    known = {(i, j): s for i, j, s in zip(left, right, exact, strict=True) if s >= threshold}
    pairs = near_duplicates(sets, threshold)
    found = dict(zip(zip(pairs.left, pairs.right, strict=True), pairs.similarity, strict=True))
    assert all(abs(known[pair] - score) < 1e-12 for pair, score in found.items())
    same = {(i, j) for (i, j), score in known.items() if score == 1}
    later = {j for _, j in same}
    # Of equal texts the first stands for all; pairs just at the threshold may be missed by chance.
    clear = {
        (i, j)
        for (i, j), score in known.items()
        if score >= threshold + 0.1 and i not in later and j not in later
    }
    assert clear <= found.keys()
    assert later <= {j for (_, j), score in found.items() if score == 1}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.9, 0.99, 1.0])
def test_bands_are_as_wide_as_what_may_be_missed_allows(threshold):
    rows = rows_of_bands(threshold)
    assert (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISSED
    wider = rows + 1
    assert rows == PERMUTATIONS or (1 - threshold**wider) ** (PERMUTATIONS // wider) > MISSED


@pytest.mark.parametrize("texts", [[], ["a b c"], ["", ""]])
def test_corpora_of_next_to_nothing(texts):
    pairs = near_duplicates(sets_of(texts), 0.8)
    assert pairs.right.tolist() == ([1] if len(texts) == 2 else [])
