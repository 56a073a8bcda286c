import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora.bm25 import Bm25, words_of

texts = st.lists(
    st.lists(st.sampled_from(["sum", "list", "max", "N", "the", "7"]), max_size=8).map(" ".join),
    min_size=1,
    max_size=8,
)


def naive(documents, query, k1=1.2, b=0.75):
    """The formula, word by word."""
    split = [words_of(document) for document in documents]
    mean = max(sum(map(len, split)) / len(split), 1.0)
    scores = []
    for words in split:
        score = 0.0
        for word in words_of(query):
            holding = sum(word in other for other in split)
            if not words.count(word):
                continue
            idf = math.log(1 + (len(split) - holding + 0.5) / (holding + 0.5))
            frequency = words.count(word)
            norm = k1 * (1 - b + b * len(words) / mean)
            score += idf * frequency * (k1 + 1) / (frequency + norm)
        scores.append(score)
    return scores


@given(texts, st.lists(st.sampled_from(["sum", "list", "n", "absent"]), max_size=6))
def test_scores_are_those_of_the_formula(documents, query):
    expected = naive(documents, " ".join(query))
    np.testing.assert_allclose(Bm25(documents).scores(" ".join(query)), expected, atol=1e-12)


@given(texts, st.sampled_from(["sum the list", "max", ""]), st.integers(1, 10))
def test_the_best_come_first_and_equals_in_their_order(documents, query, count):
    index = Bm25(documents)
    scores = index.scores(query)
    best = index.best(query, count)
    assert len(best) == min(count, len(documents))
    ranked = sorted(range(len(documents)), key=lambda number: (-scores[number], number))
    assert best == ranked[:count]


def test_a_text_is_best_for_itself():
    documents = ["Sort the numbers.", "Sum the numbers.", "Reverse the words of the line."]
    index = Bm25(documents)
    assert [index.best(document, 1)[0] for document in documents] == [0, 1, 2]
