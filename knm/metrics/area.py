"""The area under the ROC curve, and how far it varies with the groups that were drawn."""

import numpy as np

from knm.metrics.measuring import Array
from knm.statistics import RESAMPLES, percentile_interval


def area_under_curve(scores: Array, positive: Array, weights: Array | None = None) -> float:
    """How often one of the `positive` (n,) has a higher score (n,) than one of the others.

    Equal scores count half. Each counts by its weight (n,), if given. NaN without one of both.
    """
    _, places = np.unique(scores, return_inverse=True)
    return _area(places, positive, np.ones(len(scores)) if weights is None else weights)


def drawn_areas(scores: Array, positive: Array, groups: Array, *, seed: int = 0) -> Array:
    """The area of `RESAMPLES` draws of as many groups, (RESAMPLES,): NaN where one kind is missing.

    `groups` (n,) int64 count from 0. The same groups and seed give the same draws, so that the
    areas of several scores can be compared draw by draw.
    """
    _, places = np.unique(scores, return_inverse=True)
    _, own = np.unique(groups, return_inverse=True)
    count, draw = int(own.max()) + 1, np.random.default_rng(seed)
    areas = []
    for _ in range(RESAMPLES):
        times = np.bincount(draw.integers(count, size=count), minlength=count)
        areas.append(_area(places, positive, times[own].astype(np.float64)))
    return np.array(areas)


def interval_of(draws: Array) -> tuple[float, float]:
    """The 95 % percentile interval of what was drawn (m,), without NaN; one is a number."""
    return percentile_interval(np.sort(draws[~np.isnan(draws)]).tolist())


def _area(places: Array, positive: Array, weights: Array) -> float:
    """`places` (n,) are the ranks of the scores from 0, equal ones alike."""
    above = np.bincount(places, weights * positive)
    below = np.bincount(places, weights * ~positive)
    pairs = above.sum() * below.sum()
    lower = np.cumsum(below) - below
    return float((above * (lower + below / 2)).sum() / pairs) if pairs else float("nan")
