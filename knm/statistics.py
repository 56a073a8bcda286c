"""The statistics of pass counts and rates. Pure functions; a wrong argument is our bug."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import combinations
from math import ceil, comb, floor, lcm, sqrt
from operator import itemgetter
from random import Random
from statistics import NormalDist
from typing import Any, Final

RESAMPLES: Final = 1000
_MOST_KEPT: Final = 4096  # places of a resample that are remembered: 32 MB of all
PERMUTATIONS: Final = 20_000
MOST_BITS: Final = 1 << 24
"""Of the number in which an exact permutation test counts: about a second at most."""


def wilson_interval(passed: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of the proportion `passed / total`; (0, 1) when total is 0."""
    assert 0 <= passed <= total, f"{passed} of {total}"
    assert 0 < confidence < 1, f"confidence {confidence}"
    if total == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    share = passed / total
    scale = 1 + z * z / total
    centre = (share + z * z / (2 * total)) / scale
    margin = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # The ends are exact at 0 and at all, where rounding would leave a speck.
    low = 0.0 if passed == 0 else centre - margin
    high = 1.0 if passed == total else centre + margin
    return low, high


def mcnemar_exact(gained: int, lost: int) -> float:
    """Two-sided exact McNemar: how likely a split at least as uneven is if both ways are equal.

    1.0 when nothing flipped.
    """
    assert gained >= 0, f"{gained} gained"
    assert lost >= 0, f"{lost} lost"
    flips = gained + lost
    tail = sum(comb(flips, smaller) for smaller in range(min(gained, lost) + 1))
    # In integers up to the division, so that it is exact for any number of flips.
    return min(1.0, 2 * tail / (1 << flips))


@dataclass(frozen=True)
class PairedTest:
    """A p-value, and whether all exchanges were counted or some drawn."""

    p_value: float
    exact: bool


def paired_permutation(
    differences: Sequence[Fraction],
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
    most_bits: int = MOST_BITS,
) -> PairedTest:
    """Two-sided paired permutation test of a mean difference of 0.

    How likely a mean at least as far from 0 is if the two sides of each pair could as well be
    exchanged. Exact as long as the differences have a common denominator that is not huge, so that
    all exchanges are counted in numbers of `most_bits` bits, else by so many drawn `permutations`,
    the same for the same differences in any order. Of differences of one size it is
    `mcnemar_exact`.
    """
    scale = lcm(*(each.denominator for each in differences))
    sizes = sorted(abs(int(each * scale)) for each in differences if each)
    observed, total = abs(int(sum(differences) * scale)), sum(sizes)
    if observed == 0:
        return PairedTest(1.0, exact=True)
    # The sum is 2 S - total, S being the sum of the sizes that are counted as positive.
    least = (total + observed) // 2
    slot = len(sizes) + 1
    if (total + 1) * slot > most_bits:
        return PairedTest(_drawn_tail(sizes, least, seed, permutations), exact=False)
    # The digits of a number in base 2**slot: how many choices of positive sizes have each sum S.
    ways = 1
    for size in sizes:
        ways += ways << (size * slot)
    # The sum of digits is what is left by the base less one; it is below that.
    tail = (ways >> (least * slot)) % ((1 << slot) - 1)
    return PairedTest(min(1.0, 2 * tail / (1 << len(sizes))), exact=True)


def _drawn_tail(sizes: Sequence[int], least: int, seed: int, permutations: int) -> float:
    """The share of drawn sign choices whose positive sizes, or the others, sum up to `least`."""
    draw, total = Random(seed).getrandbits, sum(sizes)
    blocks = [sizes[start : start + 8] for start in range(0, len(sizes), 8)]
    sums = [
        [sum(size for bit, size in enumerate(block) if chosen >> bit & 1) for chosen in range(256)]
        for block in blocks
    ]
    hits = 0
    for _ in range(permutations):
        chosen = draw(8 * len(blocks)).to_bytes(len(blocks), "little")
        positive = sum([table[byte] for table, byte in zip(sums, chosen, strict=True)])
        hits += positive >= least or total - positive >= least
    return (hits + 1) / (permutations + 1)


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """The unbiased estimate that one of k samples passes, from `correct` of `samples`."""
    assert 0 <= correct <= samples, f"{correct} of {samples}"
    assert 1 <= k <= samples, f"k {k} of {samples}"
    return 1 - comb(samples - correct, k) / comb(samples, k)


def percentile_interval(drawn: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Between which of the `drawn`, which ascend, that share of them lies; rounded outwards."""
    last = len(drawn) - 1
    tail = (1 - confidence) / 2 * last
    return drawn[floor(tail)], drawn[ceil(last - tail)]


def bootstrap_interval(
    values: Sequence[float], confidence: float = 0.95, *, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean; the same for the same values in any order.

    Draws with `Random.random` alone, whose sequence Python keeps from version to version.
    """
    assert values, "no values"
    assert 0 < confidence < 1, f"confidence {confidence}"
    ordered, count = sorted(values), len(values)
    if count == 1:
        return ordered[0], ordered[0]
    resamples = (_kept_resamples if count <= _MOST_KEPT else _drawn_resamples)(count, seed)
    means = sorted(sum(resample(ordered)) / count for resample in resamples)
    return percentile_interval(means, confidence)


def _drawn_resamples(count: int, seed: int) -> "Iterator[itemgetter[Any]]":
    """What takes each resample out of `count` values, two or more."""
    draw = Random(seed).random
    places = list(range(count))  # so that one number is one object, however often it is kept
    for _ in range(RESAMPLES):
        yield itemgetter(*[places[int(draw() * count)] for _ in places])


@lru_cache(maxsize=2)
def _kept_resamples(count: int, seed: int) -> "list[itemgetter[Any]]":
    """The same, kept: a comparison has several intervals over the same problems."""
    return list(_drawn_resamples(count, seed))


def bootstrap_ratio(
    parts: Sequence[tuple[float, float]], confidence: float = 0.95, *, seed: int = 0
) -> tuple[float, float]:
    """The percentile bootstrap interval of a ratio of sums, over `parts` (numerator, denominator).

    Parts are what is drawn anew, such as files of which each has right tokens and tokens. The same
    for the same parts in any order. Draws without a denominator do not count.
    """
    assert sum(below for _, below in parts) > 0, "nothing to divide by"
    assert 0 < confidence < 1, f"confidence {confidence}"
    ordered, draw, ratios = sorted(parts), Random(seed), []
    for _ in range(RESAMPLES):
        # `choices` makes of `Random.random` what `bootstrap_interval` does.
        above, below = map(sum, zip(*draw.choices(ordered, k=len(ordered)), strict=True))
        if below:
            ratios.append(above / below)
    return percentile_interval(sorted(ratios), confidence)


def kendall_tau(left: Sequence[float], right: Sequence[float]) -> float | None:
    """Kendall's tau-b of two lists of the same things; None where one ranks nothing.

    1 where both order all pairs alike, -1 where they order all otherwise; ties are corrected for.
    """
    assert len(left) == len(right), f"{len(left)} and {len(right)} values"

    def signs(values: Sequence[float]) -> list[int]:
        return [(a > b) - (a < b) for a, b in combinations(values, 2)]

    ours, theirs = signs(left), signs(right)
    scale = sum(map(abs, ours)) * sum(map(abs, theirs))
    return sum(a * b for a, b in zip(ours, theirs, strict=True)) / sqrt(scale) if scale else None
