"""`knm eval --keys`: which keys tell where the LM is wrong, by programs for other problems.

Every record's positions are keyed in one forward pass for all key kinds at once. Of the LM's
mistakes, and of as many positions where it is right, the nearest entries are looked for among the
records of other groups, as `knm.datastore.calibration` does. Keys discriminate if the neighbours
vote against the LM's likeliest token where it is wrong, and for it where it is right.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.codec import to_json
from knm.corpora import CorpusRecord
from knm.datastore.calibration import NEIGHBOURS, TEMPERATURE_SCALE
from knm.datastore.exact import KeyChunk, nearest
from knm.datastore.project import TRAINING_ROWS, PrincipalAxes, principal_axes
from knm.datastore.transforms import KeyTransform
from knm.metrics.area import area_under_curve, drawn_areas, interval_of
from knm.metrics.keyed import (
    DiscriminationOptions,
    KeyedPositions,
    draw_queries,
    draw_records,
    key_positions,
)
from knm.metrics.measuring import Array
from knm.metrics.subject import Subject
from knm.models import KeyKind, LoadedModel, encode_corpus
from knm.models.keys import join_key_kinds
from knm.problems import PromptTemplate
from knm.progress import progress_bar
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.votes import Votes

_CHUNK_ROWS: Final = 8_192
_QUERIES_AT_ONCE: Final = 1_024
_DIGITS: Final = 9  # of shares: sums of the same votes differ by rounding, and have to be equal


@dataclass(frozen=True)
class KeyFigures:
    """How well keys of a kind, transformed to `dim` dimensions, tell the LM's mistakes.

    `area` is under the ROC curve of the share of the votes against the LM's token, `behind` how far
    it is from that of the best keys; intervals are of 95 %, bootstrapped over problems. `mended` is
    the share of mistakes at which the neighbours' likeliest token is right, `spoilt` the share of
    right positions at which it is not.
    """

    keys: str
    transform: str
    dim: int
    area: float
    interval: tuple[float, float]
    behind: float
    behind_interval: tuple[float, float]
    mended: float
    spoilt: float


@dataclass(frozen=True)
class KeyComparison:
    """Figures of all keys, the best first, and what they were measured on.

    `asked` positions of each kind, mistakes and right ones, were looked up in `entries` entries of
    `problems` problems by `k` neighbours; `kept_bytes` are what keys of all kinds took.
    """

    subject: Subject
    figures: tuple[KeyFigures, ...]
    problems: int
    entries: int
    mistakes: int
    asked: tuple[int, int]
    k: int
    seed: int
    kept_bytes: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        own = {
            name: to_json(getattr(self, name))
            for name in ("problems", "entries", "mistakes", "asked", "k", "seed", "kept_bytes")
        }
        return {
            **self.subject.to_json(),
            **own,
            "results": [to_json(one) for one in self.figures],
            "seconds": self.seconds,
        }


def compare_keys(
    loaded: LoadedModel,
    records: Sequence[CorpusRecord],
    template: PromptTemplate,
    kinds: Sequence[KeyKind],
    transforms: Sequence[KeyTransform],
    options: DiscriminationOptions | None = None,
) -> KeyComparison:
    """Measure each of `kinds` with each of `transforms` on solved tasks.

    Raises:
        UserError: the records are of fewer than two problems, the LM is always right or always
            wrong on them, it has no such states, or they have too few dimensions for a transform.
    """
    started = time.perf_counter()
    options = options or DiscriminationOptions()
    hidden = loaded.identity.hidden_size
    for kind in kinds:
        for transform in transforms:
            transform.check(kind.width(hidden))
    examples = encode_corpus(loaded.tokenizer, records, template)
    chosen = draw_records(examples, records, options)
    records, examples = [records[one] for one in chosen], [examples[one] for one in chosen]
    whole = join_key_kinds(kinds)
    keyed = key_positions(loaded, records, examples, whole, options.batch_tokens)
    queries = draw_queries(keyed, options)
    columns = {kind: kind.places_in(whole, hidden) for kind in kinds}
    figures = measure_keys(keyed, columns, transforms, queries, loaded.device, seed=options.seed)
    asked = int(keyed.wrong[queries].sum())
    return KeyComparison(
        subject=Subject.of(loaded, records, None, ()),
        figures=figures,
        problems=len(np.unique(keyed.groups)),
        entries=len(keyed.right),
        mistakes=int(keyed.wrong.sum()),
        asked=(asked, len(queries) - asked),
        k=NEIGHBOURS,
        seed=options.seed,
        kept_bytes=keyed.states.nbytes,
        seconds=time.perf_counter() - started,
    )


def measure_keys(
    keyed: KeyedPositions,
    columns: Mapping[KeyKind, Sequence[int]],
    transforms: Sequence[KeyTransform],
    queries: Array,
    device: torch.device,
    *,
    seed: int = 0,
) -> tuple[KeyFigures, ...]:
    """The figures of each kind, which `columns` of the states make up, by each transform."""
    made: list[tuple[KeyFigures, Array]] = []
    total = len(columns) * len(transforms)
    with progress_bar(label="comparing keys", total=total, unit="keys") as bar:
        for kind, chosen in columns.items():
            find_axes = cache(partial(_principal_axes, keyed.states, chosen, seed))
            for transform in transforms:
                keys = _transformed(keyed.states, chosen, transform, find_axes)
                votes = _votes_of_others(keyed, keys, queries, device)
                made.append(_figures(keyed, queries, votes, kind, transform, keys.shape[1], seed))
                bar.update()
    made.sort(key=lambda one: -one[0].area)
    best, best_draws = made[0]
    return tuple(
        replace(
            one,
            behind=one.area - best.area,
            behind_interval=interval_of(draws - best_draws),
        )
        for one, draws in made
    )


def _principal_axes(states: Tensor, columns: Sequence[int], seed: int) -> PrincipalAxes:
    """Of at most `TRAINING_ROWS` drawn rows."""
    rows = np.random.default_rng(seed).permutation(len(states))[:TRAINING_ROWS]
    pieces = torch.split(torch.from_numpy(np.sort(rows)), _CHUNK_ROWS)
    return principal_axes(lambda: (states[piece][:, columns].double().numpy() for piece in pieces))


def _transformed(
    states: Tensor,
    columns: Sequence[int],
    transform: KeyTransform,
    find_axes: Callable[[], PrincipalAxes],
) -> Tensor:
    """Keys (N, d) float32."""
    projection = transform.fit(len(columns), find_axes)
    width = len(columns) if projection is None else projection.matrix.shape[1]
    keys = torch.empty((len(states), width))
    for part, into in zip(
        *(torch.split(rows, _CHUNK_ROWS) for rows in (states, keys)), strict=True
    ):
        own = part[:, columns].float()
        into[:] = own if projection is None else torch.from_numpy(projection.apply(own.numpy()))
    return keys


def _votes_of_others(
    keyed: KeyedPositions, keys: Tensor, queries: Array, device: torch.device
) -> Votes:
    """What the nearest entries of other groups say at `queries` (n,), on the host."""
    groups, values = torch.from_numpy(keyed.groups), torch.from_numpy(keyed.right)
    starts = range(0, len(keys), _CHUNK_ROWS)

    def chunks() -> Iterator[KeyChunk]:
        for start in starts:
            piece = slice(start, start + _CHUNK_ROWS)
            yield KeyChunk.of(start, keys[piece].to(device), groups[piece])

    found = [
        nearest(
            keys[rows].to(device),
            chunks(),
            lambda ids: keys[ids.cpu()].to(device),
            k=NEIGHBOURS,
            exclude=groups[rows].to(device),
        )
        for rows in torch.split(torch.from_numpy(queries), _QUERIES_AT_ONCE)
    ]
    distances, ids = (torch.cat(parts).cpu() for parts in zip(*found, strict=True))
    # At the temperature of calibration, so that keys of all scales vote alike.
    median = distances[torch.from_numpy(keyed.wrong[queries]), 0].double().median().item()
    temperature = max(median * TEMPERATURE_SCALE, float(np.finfo(np.float32).tiny))
    # A missing neighbour reads some value, which does not count.
    return Votes.count(Neighbours(distances, ids, values[ids]), temperature)


def _figures(
    keyed: KeyedPositions,
    queries: Array,
    votes: Votes,
    kind: KeyKind,
    transform: KeyTransform,
    dim: int,
    seed: int,
) -> tuple[KeyFigures, Array]:
    """The figures, as yet of the best keys, and the drawn areas."""
    predicted, right = keyed.predicted[queries], keyed.right[queries]
    wrong, token = predicted != right, votes.token.numpy()
    against = (1 - votes.share_of(torch.from_numpy(predicted))).numpy().round(_DIGITS)
    draws = drawn_areas(against, wrong, keyed.groups[queries], seed=seed)
    figures = KeyFigures(
        keys=str(kind),
        transform=str(transform),
        dim=dim,
        area=area_under_curve(against, wrong),
        interval=interval_of(draws),
        behind=0.0,
        behind_interval=(0.0, 0.0),
        mended=float((token == right)[wrong].mean()),
        spoilt=float((token != right)[~wrong].mean()),
    )
    return figures, draws
