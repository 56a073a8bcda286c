"""Whether trials of some problems tell what to do in others, measured on whole programs.

Each problem is decided by the trials of all others. Where the policy would write another token for
the first time, that very program was executed when its trial was made: so what would have been
gained and lost there is known, not estimated. The threshold of each fifth of the problems is chosen
on the other four: the best of several on the problems that chose it would promise too much. A
policy that is not clearly worth it is none.
"""

import math
from typing import Final

import numpy as np
import torch
from torch import Tensor

from knm.datastore.choosing import Firings, best_choice, measured_on_others
from knm.datastore.manifest import OutcomePolicy, TrialsInfo
from knm.datastore.origins import number_groups
from knm.datastore.store import Array, Datastore
from knm.datastore.trials import LEAST_PROBABILITY

NEIGHBOURS: Final = 32
TEMPERATURE: Final = 0.4  # squared L2 of keys of length 1
PRIOR: Final = 16.0
CRASH_PRICE: Final = 0.3
THRESHOLDS: Final = (0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2, 0.3)
_CHUNK_NUMBERS: Final = 1 << 24  # of a matrix of distances


def calibrate_trials(store: Datastore, device: torch.device | str = "cpu") -> TrialsInfo:
    """Count a datastore's trials and look for the threshold that gains most.

    Its manifest's mining options say how many gained problems make up for a lost one, and what the
    LM gave at least to the tokens that were tried.
    """
    asked = store.manifest.mining["trials"]
    price, least = float(asked["price"]), float(asked["settings"][LEAST_PROBABILITY])
    outcome, crash = store.provenance["outcome"], store.provenance["crash"]
    groups = number_groups(store.records)
    problems = len(np.unique(store.groups))
    scores = scores_by_others(store, device)
    thresholds = sorted(THRESHOLDS, reverse=True)  # of equal ones the highest is chosen
    by_threshold = {each: first_firings(store, scores, each) for each in thresholds}
    measured = measured_on_others(by_threshold, groups, price)
    policy = None
    if measured.worth(price) > 0 and measured.significant_by(groups):
        chosen = best_choice(by_threshold, price)
        policy = OutcomePolicy(
            k=NEIGHBOURS,
            temperature=TEMPERATURE,
            prior=PRIOR,
            crash_price=CRASH_PRICE,
            least_probability=least,
            threshold=math.inf if chosen is None else chosen,
            problems=problems,
            fired=len(measured.problems),
            gained=measured.gained,
            lost=measured.lost,
            price=price,
        )
    return TrialsInfo(
        problems=problems,
        gained=int((outcome > 0).sum()),
        lost=int((outcome < 0).sum()),
        mended=int((crash < 0).sum()),
        broken=int((crash > 0).sum()),
        policy=policy,
    )


def scores_by_others(store: Datastore, device: torch.device | str = "cpu") -> Array:
    """The score (count,) float64 of each trial by the trials of other problems.

    Problems that were made of one are no others. Only those of the same exchange count: the same
    token of the LM and the same one written. Where there are none, the score is -inf.
    """
    scores: Array = np.full(len(store), -np.inf)
    for rows in exchanges(store):
        keys = torch.from_numpy(store.read_keys(rows)).to(device)
        group = torch.from_numpy(store.groups[rows]).to(device)
        labels = {
            name: torch.from_numpy(np.array(store.provenance[name][rows])).to(device)
            for name in ("outcome", "crash")
        }
        k = min(NEIGHBOURS, len(rows))
        for part in torch.split(torch.arange(len(rows)), max(1, _CHUNK_NUMBERS // len(rows))):
            # In float64 the distance of equal keys is 0 whatever else is in the product.
            squares = torch.cdist(keys[part].double(), keys.double()).square()
            own = group[part][:, None] == group
            distances, nearest = squares.masked_fill(own, torch.inf).topk(k, largest=False)
            part_scores = outcome_scores(
                distances,
                labels["outcome"][nearest],
                labels["crash"][nearest],
                distances.isfinite(),
                temperature=TEMPERATURE,
                prior=PRIOR,
                crash_price=CRASH_PRICE,
            )
            scores[rows[part.numpy()]] = part_scores.cpu().numpy()
    return scores


def outcome_scores(
    distances: Tensor,
    outcomes: Tensor,
    crashes: Tensor,
    found: Tensor,
    *,
    temperature: float,
    prior: float,
    crash_price: float,
) -> Tensor:
    """How much better an exchange is than none, by k trials of it: (B,) float64, each row alone.

    With `w = exp(-(distance - nearest) / temperature)` the mean of `outcome - crash_price * crash`
    is drawn to 0 as by `prior` further trials: times `n / (n + prior)`, where `n = (sum w)^2 /
    sum w^2`. `distances` (B, k) are squared L2, `outcomes` and `crashes` (B, k) from -1 to 1;
    `found` (B, k) tells real neighbours. Rows without any get -inf.
    """
    # A softmax works row by row and in float64: unlike exp it does not round by a number's place.
    closeness = -distances.double() / temperature
    shares = closeness.masked_fill(~found, -torch.inf).softmax(1)
    value = (shares * (outcomes.double() - crash_price * crashes.double())).sum(1)
    effective = 1 / shares.square().sum(1)
    scores = value * effective / (effective + prior)
    return scores.masked_fill(~found.any(1), -torch.inf)


def exchanges(store: Datastore) -> list[Array]:
    """The rows of each exchange, a pair of the LM's token and the one written."""
    _, numbers = np.unique(store.exchanges, return_inverse=True)
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1) if len(order) else []


def first_firings(store: Datastore, scores: Array, threshold: float) -> Firings:
    """What a policy does that writes the best candidate whose score (count,) is above `threshold`.

    Of each problem, which is a record, the first position counts, of its candidates the best, of
    equal ones the first entry.
    """
    fired = np.flatnonzero(scores > threshold)
    record, offset = np.asarray(store.provenance["record"]), store.provenance["offset"][fired]
    order = fired[np.lexsort((fired, -scores[fired], offset, record[fired]))]
    _, first = np.unique(record[order], return_index=True)
    rows = order[first]
    return Firings(record[rows], store.provenance["outcome"][rows])
