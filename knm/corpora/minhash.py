"""Near-duplicates in time that does not grow with the number of pairs: MinHash and banding.

Broder, "On the resemblance and containment of documents" (1997): two sets have the same least hash
with the probability of their Jaccard similarity. Banding finds candidates; all are then verified by
their exact similarity, so that what is found is right, and what is missed is a matter of chance.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from knm.corpora.shingles import Floats, ShingleSets, jaccard
from knm.corpora.tokens import Offsets, mix

PERMUTATIONS: Final = 128

MISSED: Final = 1e-3
"""Chance that a pair of just the threshold's similarity is not found, at most."""

_DEVIATIONS: Final = 4.5
"""By how many standard deviations an estimate may fall short before a candidate is dropped."""

Signatures = np.ndarray[Any, np.dtype[np.uint32]]


@dataclass(frozen=True)
class Pairs:
    """Pairs of sets, `left` < `right` (n,), and their exact Jaccard similarity (n,)."""

    left: Offsets
    right: Offsets
    similarity: Floats


def signatures(sets: ShingleSets, permutations: int = PERMUTATIONS) -> Signatures:
    """MinHash signatures, (N, permutations) uint32."""
    result = np.empty((len(sets), permutations), dtype=np.uint32)
    if not len(sets):
        return result
    seeds = mix(np.arange(2 * permutations, dtype=np.uint64)).reshape(permutations, 2)
    for column, (offset, factor) in enumerate(seeds):
        hashed = (sets.hashes ^ offset) * (factor | np.uint64(1))
        hashed ^= hashed >> np.uint64(29)
        hashed *= np.uint64(0xBF58476D1CE4E5B9)
        least = np.minimum.reduceat(hashed >> np.uint64(32), sets.starts[:-1])
        result[:, column] = least.astype(np.uint32)
    return result


def estimate(signed: Signatures, left: Offsets, right: Offsets) -> Floats:
    """Estimated Jaccard similarity of pairs (n,), from signatures (N, P)."""
    estimated: Floats = (signed[left] == signed[right]).mean(axis=1)
    return estimated


def near_duplicates(sets: ShingleSets, threshold: float) -> Pairs:
    """All pairs of at least this similarity (above 0), but for those that chance hides (`MISSED`).

    Of identical sets the first is compared with others, and each is paired with the first.
    """
    first = _first_alike(sets)
    unique = np.flatnonzero(first == np.arange(len(sets)))
    left, right = _candidates(signatures(sets)[unique], threshold)
    left, right = unique[left], unique[right]
    similarity = jaccard(sets, left, right)
    near = similarity >= threshold
    again = np.flatnonzero(first != np.arange(len(sets)))
    return Pairs(
        np.concatenate((left[near], first[again])),
        np.concatenate((right[near], again)),
        np.concatenate((similarity[near], np.ones(len(again)))),
    )


def rows_of_bands(threshold: float, permutations: int = PERMUTATIONS) -> int:
    """How many hashes a band has: the more, the fewer candidates, within what may be missed."""
    rows = 1
    while (1 - threshold ** (rows + 1)) ** (permutations // (rows + 1)) <= MISSED:
        rows += 1
        if rows == permutations:
            break
    return rows


def _first_alike(sets: ShingleSets) -> Offsets:
    """For each set (N,) the first one that is equal to it."""
    if not len(sets):
        return np.zeros(0, dtype=np.int64)
    # A sum of mixed hashes does not depend on the order; 64 bits tell sets apart.
    total = np.add.reduceat(mix(sets.hashes), sets.starts[:-1])
    _, first, places = np.unique(total, return_index=True, return_inverse=True)
    return first[places].astype(np.int64)


def _candidates(signed: Signatures, threshold: float) -> tuple[Offsets, Offsets]:
    """Pairs of rows of (N, P) that agree in a band and are estimated near enough, each once."""
    count, permutations = signed.shape
    rows = rows_of_bands(threshold, permutations)
    slack = _DEVIATIONS * (threshold * (1 - threshold) / permutations) ** 0.5
    found = [np.zeros(0, dtype=np.int64)]
    for begin in range(0, permutations - rows + 1, rows):
        keys = np.zeros(count, dtype=np.uint64)
        for column in signed[:, begin : begin + rows].T:
            keys = mix(keys ^ column)
        order = np.argsort(keys, kind="stable")
        ordered = keys[order]
        # Rows of one bucket stand together: pair each with those `step` places on, until no
        # bucket is that large.
        step = 1
        while (alike := np.flatnonzero(ordered[step:] == ordered[:-step])).size:
            left, right = order[alike], order[alike + step]
            near = estimate(signed, left, right) >= threshold - slack
            found.append(left[near] * count + right[near])
            step += 1
    pairs = np.unique(np.concatenate(found))
    return pairs // max(count, 1), pairs % max(count, 1)
