"""Texts as sets of shingles (runs of tokens), and how much such sets share."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from knm.corpora.tokens import Hashes, Offsets, mix

SHINGLE: Final = 5
"""Tokens of a shingle."""

HASH_BITS: Final = 40
"""Of a shingle's hash: with the number of a text it fits in 64 bits, which sort fast."""

_AT_ONCE: Final = 1 << 22  # shingles whose matches are counted together

Floats = np.ndarray[Any, np.dtype[np.float64]]
Counts = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class ShingleSets:
    """N sets: `hashes` (M,) uint64 below 2**HASH_BITS; set i is `starts[i]:starts[i+1]`, sorted.

    No set is empty.
    """

    hashes: Hashes
    starts: Offsets

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def sizes(self) -> Counts:
        """Members of each set, (N,)."""
        return np.diff(self.starts)

    def part(self, first: int, last: int) -> "ShingleSets":
        """The sets from `first` up to `last`."""
        begin, end = self.starts[first], self.starts[last]
        return ShingleSets(self.hashes[begin:end], self.starts[first : last + 1] - begin)


def shingle(tokens: Hashes, starts: Offsets, width: int = SHINGLE) -> ShingleSets:
    """The sets of runs of `width` tokens (T,) of the texts at `starts` (N + 1,).

    A text of fewer tokens is one shingle.
    """
    texts = len(starts) - 1
    # 1. Room for at least one run in each text: short ones are filled up with zeros.
    lengths = np.maximum(np.diff(starts), width)
    begins = np.concatenate(([0], np.cumsum(lengths)))
    padded: Hashes = np.zeros(begins[-1] + width, dtype=np.uint64)
    source = np.arange(len(tokens)) + np.repeat(begins[:-1] - starts[:-1], np.diff(starts))
    padded[source] = tokens

    # 2. A hash of every run that does not reach into the next text.
    runs: Hashes = np.zeros(begins[-1], dtype=np.uint64)
    for place in range(width):
        runs = mix(runs ^ padded[place : place + len(runs)])
    text = np.repeat(np.arange(texts, dtype=np.uint64), lengths - (width - 1))
    inside = np.arange(len(runs)) - np.repeat(begins[:-1], lengths)
    runs = runs[inside < np.repeat(lengths - (width - 1), lengths)]

    # 3. Each once, by one sort.
    keys = np.sort((text << np.uint64(HASH_BITS)) | (runs >> np.uint64(64 - HASH_BITS)))
    keys = keys[np.concatenate(([True], keys[1:] != keys[:-1]))] if len(keys) else keys
    bounds = np.arange(texts + 1, dtype=np.uint64) << np.uint64(HASH_BITS)
    mask = np.uint64((1 << HASH_BITS) - 1)
    return ShingleSets(keys & mask, np.searchsorted(keys, bounds).astype(np.int64))


def jaccard(sets: ShingleSets, left: Offsets, right: Offsets) -> Floats:
    """Exact Jaccard similarity of the pairs of sets numbered `left`, `right` (n,): (n,)."""
    result = np.empty(len(left))
    keys = _keys(sets)
    # The members of the smaller one are looked up in the other.
    swap = sets.sizes[left] < sets.sizes[right]
    few, more = np.where(swap, left, right), np.where(swap, right, left)
    for begin, end in _chunks(sets.sizes[few]):
        asked, asked_of = few[begin:end], more[begin:end]
        sizes = sets.sizes[asked]
        wanted = sets.hashes[_ranges(sets.starts[asked], sizes)]
        wanted |= np.repeat(asked_of, sizes).astype(np.uint64) << np.uint64(HASH_BITS)
        place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        ends = np.concatenate(([0], np.cumsum(keys[place] == wanted)))
        both = ends[np.cumsum(sizes)] - ends[np.cumsum(sizes) - sizes]
        result[begin:end] = both / (sizes + sets.sizes[asked_of] - both)
    return result


def pairs_across(
    sets: ShingleSets, boundary: int, threshold: float
) -> tuple[Offsets, Offsets, Floats]:
    """All pairs of a set before `boundary` and a later one, of at least this similarity.

    Exact: sets so alike share one of the rarest shingles of the later set (the prefix filter of
    Chaudhuri, Ganti and Kaushik, "A primitive operator for similarity joins", 2006), so only those
    are looked up.
    """
    ours, theirs = sets.part(0, boundary), sets.part(boundary, len(sets))
    if not len(ours) or not len(theirs):
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, np.zeros(0)

    # 1. Of each later set, the shingles that must be looked up.
    known, times = np.unique(ours.hashes, return_counts=True)
    owner = np.repeat(np.arange(len(theirs)), theirs.sizes)
    place = np.minimum(np.searchsorted(known, theirs.hashes), len(known) - 1)
    rarity = np.where(known[place] == theirs.hashes, times[place], 0)
    order = np.lexsort((rarity, owner))
    rank = np.arange(len(order)) - np.repeat(theirs.starts[:-1], theirs.sizes)
    # Rounded up generously: a look-up too many costs nothing but time.
    needed = theirs.sizes - np.floor(threshold * theirs.sizes).astype(np.int64) + 1
    looked_up = order[rank < np.repeat(needed, theirs.sizes)]

    # 2. Who holds them: hashes sorted, so that one hash's holders stand together.
    holders = np.argsort(ours.hashes, kind="stable")
    ordered = ours.hashes[holders]
    begin = np.searchsorted(ordered, theirs.hashes[looked_up], side="left")
    many = np.searchsorted(ordered, theirs.hashes[looked_up], side="right") - begin
    row = np.repeat(np.arange(len(ours)), ours.sizes)[holders[_ranges(begin, many)]]
    pairs = np.unique(row * len(theirs) + np.repeat(owner[looked_up], many))
    left, right = np.divmod(pairs, len(theirs))

    # 3. Those of fitting sizes, verified.
    few, more = ours.sizes[left], theirs.sizes[right]
    fitting = np.minimum(few, more) >= threshold * np.maximum(few, more) - 1e-9
    left, right = left[fitting], right[fitting] + boundary
    similarity = jaccard(sets, left, right)
    near = similarity >= threshold
    return left[near], right[near], similarity[near]


def _keys(sets: ShingleSets) -> Hashes:
    """Every member with its set's number above its hash, (M,), in order."""
    number = np.repeat(np.arange(len(sets), dtype=np.uint64), sets.sizes)
    return (number << np.uint64(HASH_BITS)) | sets.hashes


def _ranges(begins: Offsets, sizes: Counts) -> Offsets:
    """The numbers from each begin on, as many as its size says, one range after the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    numbers: Offsets = np.arange(total) + np.repeat(begins - (ends - sizes), sizes)
    return numbers


def _chunks(sizes: Counts) -> Iterator[tuple[int, int]]:
    """Bounds of runs whose sizes sum to a bounded amount; at least one a run."""
    ends = np.cumsum(sizes)
    begin = 0
    while begin < len(sizes):
        before = ends[begin - 1] if begin else 0
        end = max(begin + 1, int(np.searchsorted(ends, before + _AT_ONCE, side="right")))
        yield begin, end
        begin = end
