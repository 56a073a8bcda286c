"""Scoring configurations at every token of a corpus, each neighbour searched once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from knm.corpora import CorpusRecord
from knm.datastore import Datastore
from knm.metrics.figures import group_of
from knm.metrics.measuring import measure
from knm.metrics.memory import SharedSearch
from knm.metrics.space import Point
from knm.metrics.states import Block, read_blocks, target_counts
from knm.metrics.sweep_options import ObjectiveKind
from knm.models import KeyKind, LoadedModel, encode_corpus
from knm.problems import PromptTemplate
from knm.retrieval import Retriever


@dataclass(frozen=True)
class Scores:
    """What a configuration makes of a corpus; `perplexity` is None where it is infinite."""

    positions: int
    accuracy: float
    perplexity: float | None
    gained: int
    lost: int
    mean_weight: float
    searched: float


@dataclass(frozen=True)
class Objective:
    """What a sweep maximises: one of `OBJECTIVES`.

    `loss_weight` is how many gained tokens make up for one that is lost.
    """

    name: str = ObjectiveKind.ACCURACY
    loss_weight: float = 3.0

    def __call__(self, scores: Scores) -> float:
        """More is better."""
        return OBJECTIVES[self.name](scores, self.loss_weight)


def _perplexity(scores: Scores, loss_weight: float) -> float:
    del loss_weight
    return -1e9 if scores.perplexity is None else -scores.perplexity


OBJECTIVES: Final[Mapping[str, Callable[[Scores, float], float]]] = {
    ObjectiveKind.ACCURACY: lambda scores, _: scores.accuracy,
    ObjectiveKind.PERPLEXITY: _perplexity,
    ObjectiveKind.NET_GAIN: lambda scores, loss_weight: (
        (scores.gained - loss_weight * scores.lost) / scores.positions
    ),
}


class Scorer:
    """A model and a corpus. The trunk reads the corpus once for each kind of key."""

    def __init__(
        self,
        loaded: LoadedModel,
        records: Sequence[CorpusRecord],
        template: PromptTemplate,
        stores: Mapping[str, Path],
        most_neighbours: int,
        batch_tokens: int,
        asked: Sequence[str],
    ) -> None:
        """`stores` are the datastores by name; `asked` are prompts of the records' whole corpus.

        Raises:
            UserError: one of them is missing or does not belong to the model.
        """
        self.loaded = loaded
        self.stores = {
            name: Datastore.open(path, expect=loaded.identity) for name, path in stores.items()
        }
        self._records = records
        self._template = template
        self._most = most_neighbours
        self._batch_tokens = batch_tokens
        self._asked = asked
        self._blocks: dict[KeyKind, list[Block]] = {}
        self._shared: dict[str, SharedSearch] = {}

    @cached_property
    def _examples(self) -> Sequence[Any]:
        return encode_corpus(self.loaded.tokenizer, self._records, self._template)

    def retriever(self, point: Point) -> Retriever:
        """A retriever of a configuration, which shares its searches with others."""
        name = point.datastore
        if name not in self._shared:
            self._shared[name] = SharedSearch(self.stores[name], self.loaded.device, self._most)
        retriever = self._shared[name].retriever(point.preset)
        retriever.withhold_from(self._asked)
        return retriever

    def score(self, points: Sequence[Point]) -> list[Scores]:
        """Score configurations over one datastore together: the LM's logits are computed once.

        Raises:
            UserError: a configuration does not fit its datastore or the model.
        """
        retrievers = [self.retriever(point) for point in points]
        (kind,) = {retriever.key_kind for retriever in retrievers}
        if kind not in self._blocks:
            self._blocks[kind] = list(
                read_blocks(self.loaded, self._examples, kind, batch_tokens=self._batch_tokens)
            )
        count = int(target_counts(self._examples).sum())
        lm, measured = measure(self.loaded, self._blocks[kind], retrievers, count)
        right = np.array([t for e in self._examples for t in e.ids[e.target_start :]])
        everywhere = np.ones(count, dtype=np.bool_)
        scores = []
        for one in measured:
            group = group_of(right, lm, one.corrected, everywhere)
            scores.append(
                Scores(
                    positions=group.positions,
                    accuracy=group.accuracy,
                    perplexity=group.perplexity,
                    gained=group.gained,
                    lost=group.lost,
                    mean_weight=float(one.weight.mean(dtype=np.float64)),
                    searched=float(one.searched.mean()),
                )
            )
        return scores
