"""How near the neighbours of unseen text are, how often they are right and how far to trust them.

Measured on the stored entries themselves, each against the keys of all other corpus records, so
that the figures describe text that the datastore has not seen.

A store whose values are wrong, or whose keys tell nothing, spoils more than it mends: its weight is
bounded by 0 when it is built. A good one is trusted up to the distance from which on its
corrections, in sum, do harm.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.exact import nearest, stored_keys, stream_chunks
from knm.datastore.manifest import Calibration, DistanceSummary, Reliability
from knm.datastore.store import Array, Datastore

TEMPERATURE_SCALE: Final = 0.1
"""Temperature of the votes, in median nearest distances at mistakes: that of preset `dense`."""
WEIGHTS: Final = (0.25, 0.5, 0.75, 0.9, 0.95, 0.97)
SUPPORT: Final = 0.05
"""The share of the votes at which the LM's own token stands: that of preset `trusted`."""
COST: Final = 0.5
"""A right token that is spoilt counts as this many mistakes that are mended. Less than one: where
corrections replace right tokens of unseen text, what they write is often another way to say the
same, while a mistake that stays nearly always costs the program (measured on dev problems: see
docs/experiments.md)."""
MOST_SPOILT: Final = 0.003
"""The share of right tokens, of those within the distance, that may be spoilt: of a program that
the LM gets right, a hundred tokens and more, all have to survive (dev: docs/experiments.md)."""
NEIGHBOURS: Final = 16
_CERTAINTY: Final = 3.0  # standard errors by which the gain has to be above 0
_MISTAKES: Final = 2_000
_CORRECT: Final = 8_000  # more: of them a few in a thousand must not be spoilt
_CHUNK_ROWS: Final = 8_192
_CPU_QUERIES: Final = 1_024
_QUANTILES: Final = (0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class HeldOut:
    """Entries and their neighbours among the others: n rows, k neighbours.

    `distances` (n, k) float64, inf where there is none, and `values` (n, k) token ids; `right` (n,)
    the entries' own values; `predicted` (n,) and `probability` (n,) what the LM said.
    """

    distances: Array
    values: Array
    right: Array
    predicted: Array
    probability: Array

    @property
    def wrong(self) -> Array:
        """Where the LM erred, (n,) bool."""
        mistaken: Array = self.predicted != self.right
        return mistaken


def calibrate(
    store: Datastore, device: torch.device | str, *, held_out: Datastore | None = None
) -> Calibration:
    """Measure at up to 2,000 mistakes and 8,000 correct positions.

    They are those of `held_out`, the datastore that `store` was made of, where its own would
    mislead.
    """
    device = torch.device(device)
    asked = held_out or store
    mistakes = sample_rows(asked, _MISTAKES, wrong=True)
    correct = sample_rows(asked, _CORRECT, wrong=False)
    entries = neighbours_of_others(store, np.concatenate([mistakes, correct]), device, asked=asked)
    nearest_right = entries.values[:, 0] == entries.right
    cut = len(mistakes)
    at_mistakes = _summary(entries.distances[:cut, 0], nearest_right[:cut])
    at_correct = _summary(entries.distances[cut:, 0], nearest_right[cut:])
    median = None if at_mistakes is None else at_mistakes.quantiles["0.5"]
    reliability = None
    if median and at_correct is not None:
        reliability = measure_reliability(entries, median, error_rate(asked))
    return Calibration(median, at_mistakes, at_correct, reliability)


def sample_rows(store: Datastore, limit: int, *, wrong: bool) -> np.ndarray[Any, Any]:
    """At most `limit` rows at equal distances among those where the LM was wrong, or right.

    Reads the rows twice in pieces: a list of all such rows would grow with the datastore.
    """
    pieces = range(0, len(store), _CHUNK_ROWS)
    total = sum(len(_where(store, start, wrong)) for start in pieces)
    wanted = _even_places(total, limit)
    rows, before = [np.empty(0, dtype=np.int64)], 0
    for start in pieces:
        here = _where(store, start, wrong)
        first, last = np.searchsorted(wanted, [before, before + len(here)])
        rows.append(here[wanted[first:last] - before])
        before += len(here)
    return np.concatenate(rows)


def _where(store: Datastore, start: int, wrong: bool) -> np.ndarray[Any, np.dtype[np.int64]]:
    piece = slice(start, start + _CHUNK_ROWS)
    missed = store.provenance["predicted"][piece] != store.values[piece]
    return np.flatnonzero(missed == wrong) + start


def error_rate(store: Datastore) -> float:
    """The share of mined positions at which the LM was wrong."""
    statistics = store.manifest.statistics
    if statistics is not None and statistics.positions:
        return statistics.mistakes / statistics.positions
    pieces = range(0, len(store), _CHUNK_ROWS)
    mistakes = sum(len(_where(store, start, wrong=True)) for start in pieces)
    return mistakes / max(store.manifest.capacity, len(store), 1)


def evenly_spaced(items: np.ndarray[Any, Any], limit: int) -> np.ndarray[Any, Any]:
    """At most `limit` of `items`, in order, at equal distances."""
    chosen: np.ndarray[Any, Any] = items[_even_places(len(items), limit)]
    return chosen


def _even_places(count: int, limit: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.linspace(0, count - 1, min(limit, count)).round().astype(np.int64)


def neighbours_of_others(
    store: Datastore,
    rows: Array,
    device: torch.device,
    *,
    asked: Datastore | None = None,
) -> HeldOut:
    """The entries `rows` (n,) with the 16 nearest ones of `store` that are of other groups.

    The entries are those of `asked`, a datastore of the same records (default: `store` itself).
    """
    asked = asked or store
    groups = torch.from_numpy(store.groups)
    own = groups if asked is store else torch.from_numpy(asked.groups)

    def fetch(ids: Tensor) -> Tensor:
        return stored_keys(store, ids)

    # A CPU is quicker with scores that its caches hold than with fewer readings of the keys.
    together = len(rows) if device.type == "cuda" else _CPU_QUERIES
    found = [
        nearest(
            torch.from_numpy(asked.read_keys(block.numpy())).to(device),
            stream_chunks(store, _CHUNK_ROWS, device, groups=groups),
            fetch,
            k=NEIGHBOURS,
            exclude=own[block].to(device),
        )
        for block in torch.split(torch.from_numpy(rows), together)
    ]
    distances, ids = (torch.cat(parts) for parts in zip(*found, strict=True))
    return HeldOut(
        distances=distances.cpu().double().numpy(),
        # Where nothing was found the id -1 reads some value; its distance is infinite.
        values=store.values[ids.cpu().numpy()],
        right=np.asarray(asked.values[rows]),
        predicted=asked.provenance["predicted"][rows],
        probability=asked.provenance["probability"][rows].astype(np.float64),
    )


def _summary(distances: Array, right: Array) -> DistanceSummary | None:
    found = np.isfinite(distances)
    if not found.any():
        return None
    quantiles = np.quantile(distances[found], _QUANTILES).tolist()
    return DistanceSummary(
        sampled=int(found.sum()),
        quantiles={str(point): value for point, value in zip(_QUANTILES, quantiles, strict=True)},
        nearest_right=float(right[found].mean()),
    )


def measure_reliability(held_out: HeldOut, scale: float, error_rate: float) -> Reliability:
    """Find the weight and the distance up to which corrections are worth most.

    `scale` is the median nearest distance at mistakes, `error_rate` the LM's share of mistakes on
    the corpus, by which the sampled entries are weighed.
    """
    wrong = held_out.wrong
    shares = np.where(
        wrong, error_rate / max(1, wrong.sum()), (1 - error_rate) / max(1, (~wrong).sum())
    )
    nearest = held_out.distances[:, 0]
    options: list[tuple[float, float, Reliability]] = []
    # The same entries with the neighbours of others: what common tokens mend without any key.
    # Where values are wrong the LM seems to err nearly everywhere, and luck alone to mend a lot.
    strangers = replace(held_out, values=np.roll(held_out.values, len(wrong) // 3, axis=0))
    for weight in WEIGHTS:
        token = corrected_token(held_out, scale * TEMPERATURE_SCALE, weight, SUPPORT)
        mended, spoilt = wrong & (token == held_out.right), ~wrong & (token != held_out.right)
        gains = shares * (mended.astype(float) - COST * spoilt)
        distance, within = _worthwhile(nearest, gains, ~wrong, spoilt)
        gain = float(gains[within].sum())
        noise = _noise(gains[within])
        lucky = wrong & (
            corrected_token(strangers, scale * TEMPERATURE_SCALE, weight, SUPPORT) == held_out.right
        )
        earned = (shares * (mended.astype(float) - lucky))[within]
        if gain > _CERTAINTY * noise and earned.sum() > _CERTAINTY * _noise(earned):
            trust = Reliability(
                weight=weight,
                distance=distance,
                fixed=float((mended & within).sum() / max(1, wrong.sum())),
                broken=float((spoilt & within).sum() / max(1, (~wrong).sum())),
                error_rate=error_rate,
                sampled=len(wrong),
            )
            options.append((gain, noise, trust))
    if not options:
        return Reliability(0.0, 0.0, 0.0, 0.0, error_rate, len(wrong))
    best_gain, best_noise, _ = max(options, key=lambda option: option[0])
    # Of weights that cannot be told apart the highest: most mistakes of a program have to be mended
    # before one of them counts.
    return [trust for gain, _, trust in options if gain >= best_gain - best_noise][-1]


def _noise(gains: Array) -> float:
    """The standard error of a sum of gains."""
    return math.sqrt(float(np.square(gains).sum()))


def corrected_token(
    held_out: HeldOut, temperature: float, weight: float, support: float | None = None
) -> Array:
    """The likeliest token (n,) of the mixture, as far as the entries tell of the LM.

    With `support` the LM's token stands where the neighbours give it that share. Of the LM's
    distribution they hold the likeliest token alone; the others count as impossible.
    """
    missing = ~np.isfinite(held_out.distances)
    nearest = held_out.distances[:, :1]
    behind = np.where(missing, 0.0, held_out.distances) - np.where(missing[:, :1], 0.0, nearest)
    votes = np.where(missing, 0.0, np.exp(-behind / temperature))
    votes /= np.maximum(votes.sum(1, keepdims=True), 1e-300)
    same = held_out.values[:, :, None] == held_out.values[:, None, :]
    of_token = weight * (same * votes[:, None, :]).sum(-1)
    meant = held_out.values == held_out.predicted[:, None]
    of_token += meant * ((1 - weight) * held_out.probability[:, None])
    best = of_token.argmax(1)
    rows = np.arange(len(best))
    overruled = of_token[rows, best] > (1 - weight) * held_out.probability
    if support is not None:
        overruled &= (votes * meant).sum(1) < support
    token: Array = np.where(overruled, held_out.values[rows, best], held_out.predicted)
    return token


def _worthwhile(nearest: Array, gains: Array, right: Array, spoilt: Array) -> tuple[float, Array]:
    """The distance up to which the gains sum to most, and the mask (n,) of what lies within.

    Of distances within which too many of the `right` entries (n,) are `spoilt` (n,) there is none.
    """
    order = np.argsort(nearest, kind="stable")
    order = order[np.isfinite(nearest[order])]
    bearable = np.cumsum(spoilt[order]) <= MOST_SPOILT * np.cumsum(right[order])
    if not bearable.any():
        return 0.0, np.zeros(len(gains), dtype=bool)
    sums = np.where(bearable, np.cumsum(gains[order]), -np.inf)
    distance = float(nearest[order[int(sums.argmax())]])
    return distance, nearest <= distance
