import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora.shingles import jaccard, pairs_across, shingle

TEXTS = st.lists(st.lists(st.integers(1, 4), max_size=14), min_size=1, max_size=8)


def sets_of(texts, width=3):
    """Shingle sets of texts of token numbers, and the same as Python sets."""
    starts = np.cumsum([0, *map(len, texts)])
    tokens = np.array([token for text in texts for token in text], dtype=np.uint64)
    return shingle(tokens, starts, width), [expected(text, width) for text in texts]


def expected(text, width=3):
    filled = (*text, *[0] * (width - len(text)))
    return {filled[place : place + width] for place in range(len(filled) - width + 1)}


def similarity(left, right):
    return len(left & right) / len(left | right)


@given(TEXTS)
def test_sets_have_as_many_members_as_there_are_different_runs(texts):
    sets, known = sets_of(texts)
    assert sets.sizes.tolist() == [len(entry) for entry in known]


@given(TEXTS)
def test_jaccard_is_that_of_the_sets(texts):
    sets, known = sets_of(texts)
    left, right = np.divmod(np.arange(len(texts) ** 2), len(texts))
    wanted = [similarity(known[i], known[j]) for i, j in zip(left, right, strict=True)]
    assert np.allclose(jaccard(sets, left, right), wanted)


@given(TEXTS, st.integers(0, 8), st.floats(0.05, 1))
def test_pairs_across_are_all_that_are_near(texts, boundary, threshold):
    boundary = min(boundary, len(texts))
    sets, known = sets_of(texts)
    found = {
        (int(left), int(right)): score
        for left, right, score in zip(*pairs_across(sets, boundary, threshold), strict=True)
    }
    wanted = {
        (i, j): similarity(known[i], known[j])
        for i in range(boundary)
        for j in range(boundary, len(texts))
        if similarity(known[i], known[j]) >= threshold
    }
    assert found.keys() == wanted.keys()
    assert all(abs(found[pair] - wanted[pair]) < 1e-12 for pair in wanted)


def test_no_texts_have_no_sets():
    sets, _ = sets_of([])
    assert len(sets) == 0
    assert len(jaccard(sets, np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))) == 0
