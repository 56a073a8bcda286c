"""Okapi BM25 over texts: which of them is most like a query by the words that they share.

The score of a text d for a query q is the sum over the words t of q, as often as they stand there,

    idf(t) * tf(t, d) * (k1 + 1) / (tf(t, d) + k1 * (1 - b + b * |d| / mean |d|)),

with idf(t) = ln(1 + (N - n(t) + 0.5) / (n(t) + 0.5)), which is never negative, for N texts of
which n(t) hold t (Robertson and Zaragoza 2009, The Probabilistic Relevance Framework).
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

_WORD: Final = re.compile(r"\w+")


def words_of(text: str) -> list[str]:
    """Lower-case words and numbers, in order."""
    return _WORD.findall(text.lower())


class Bm25:
    """An index of texts, in memory; each word has the texts that hold it and what it adds there."""

    def __init__(self, texts: Sequence[str], *, k1: float = 1.2, b: float = 0.75) -> None:
        """Index `texts`, at least one."""
        assert texts, "no texts"
        counts = [Counter(words_of(text)) for text in texts]
        lengths = np.array([count.total() for count in counts], dtype=np.float64)
        scale = k1 * (1 - b + b * lengths / max(lengths.mean(), 1.0))  # (N,)
        places: dict[str, list[int]] = {}
        frequencies: dict[str, list[int]] = {}
        for number, count in enumerate(counts):
            for word, frequency in count.items():
                places.setdefault(word, []).append(number)
                frequencies.setdefault(word, []).append(frequency)
        self._size = len(texts)
        self._postings: dict[str, tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = {}
        for word, found in places.items():
            texts_of, often = np.array(found), np.array(frequencies[word], dtype=np.float64)
            idf = np.log1p((self._size - len(found) + 0.5) / (len(found) + 0.5))
            self._postings[word] = texts_of, idf * often * (k1 + 1) / (often + scale[texts_of])

    def scores(self, query: str) -> npt.NDArray[np.float64]:
        """The score of each text, (N,)."""
        total = np.zeros(self._size)
        for word, count in Counter(words_of(query)).items():
            if word in self._postings:
                texts_of, added = self._postings[word]
                total[texts_of] += count * added
        return total

    def best(self, query: str, count: int) -> list[int]:
        """Indices of the `count` texts that score highest, best first; equals in their order."""
        order = np.argsort(-self.scores(query), kind="stable")
        return [int(number) for number in order[:count]]
