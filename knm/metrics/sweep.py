"""`knm sweep`: settings tried by token metrics, the best of them by Pass@1; resumable."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from knm.codec import to_json
from knm.corpora import CorpusRecord, corpus_hash
from knm.datastore import Datastore
from knm.errors import UserError
from knm.hashing import hash_json
from knm.journal import Journal
from knm.judging.trials import TrialSettings, run_trial
from knm.metrics.scoring import Objective, Scorer, Scores
from knm.metrics.searching import Search
from knm.metrics.space import Choices, Point, Space
from knm.metrics.subject import determinants
from knm.models import LoadedModel
from knm.problems import ProblemSet, PromptTemplate
from knm.progress import progress_bar
from knm.retrieval import Preset, Retriever

# Configurations that are scored together: what a killed sweep loses at most.
_TOGETHER: Final = 8


@dataclass(frozen=True)
class Tried:
    """A configuration and its scores."""

    point: Point
    scores: Scores
    objective: float

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "values": dict(self.point.values),
            "preset": self.point.preset.to_json(),
            "objective": self.objective,
            "scores": to_json(self.scores),
        }


@dataclass(frozen=True)
class Passed:
    """What a decoded and judged problem set came to."""

    passed: int
    counted: int

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {"passed": self.passed, "counted": self.counted}


@dataclass(frozen=True)
class SweepResult:
    """All configurations, best first, and Pass@1 of the finalists and of the LM alone.

    `finals` has an entry for each of the first of `tried`, or none. `resumed` were measured by an
    earlier call, `left_out` contradict themselves.
    """

    tried: tuple[Tried, ...]
    finals: tuple[Passed, ...]
    baseline: Passed | None
    objective: Objective
    resumed: int
    left_out: int

    @property
    def winner(self) -> Tried:
        """Of the finalists the one that passes most, else the best by the objective."""
        ranks = range(len(self.finals)) if self.finals else range(1)
        return self.tried[max(ranks, key=lambda rank: (self._passed(rank), -rank))]

    def _passed(self, rank: int) -> int:
        return self.finals[rank].passed if self.finals else 0

    def preset(self, name: str) -> Preset:
        """The winner as a preset of its own."""
        return replace(self.winner.point.preset, name=name)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "objective": {"name": self.objective.name, "loss_weight": self.objective.loss_weight},
            "winner": self.winner.to_json(),
            "tried": [tried.to_json() for tried in self.tried],
            "finalists": [final.to_json() for final in self.finals],
            "baseline": None if self.baseline is None else self.baseline.to_json(),
            "resumed": self.resumed,
            "left_out": self.left_out,
        }


@dataclass(frozen=True)
class Finals:
    """On which problems, and how, the best `count` configurations are decoded and judged."""

    problems: ProblemSet
    count: int
    sandbox: str
    settings: TrialSettings
    workers: int | None = None


@dataclass(frozen=True)
class SweepData:
    """What a sweep measures on: with a configuration, it determines the outcome.

    `asked` are prompts of the whole corpus that `records` are some of.
    """

    loaded: LoadedModel
    records: tuple[CorpusRecord, ...]
    template: PromptTemplate
    batch_tokens: int
    asked: tuple[str, ...]

    def determinants(
        self, preset: Preset | None = None, store: Datastore | None = None
    ) -> dict[str, Any]:
        """All that figures on it depend on, of the LM alone or corrected; plain JSON for keys."""
        return {**self._hashes, **determinants(self.loaded, preset, store)}

    @cached_property
    def _hashes(self) -> dict[str, Any]:
        return {
            "corpus": corpus_hash(self.records),
            "asked": hash_json(self.asked),
            "prompt": self.template.content_hash,
        }


class Sweep:
    """A space, the data it is measured on and the journal of what was."""

    def __init__(
        self, space: Space, data: SweepData, stores: dict[str, Path], journal: Journal
    ) -> None:
        """`stores` are the space's datastores by name.

        Raises:
            UserError: one of them is missing or does not belong to the model.
        """
        most = _most_neighbours(space)
        self._data = data
        self._journal = journal
        self._scorer = Scorer(
            data.loaded, data.records, data.template, stores, most, data.batch_tokens, data.asked
        )
        self._resumed = 0

    def run(
        self, search: Search, objective: Objective, finals: Finals | None = None
    ) -> SweepResult:
        """Try what `search` proposes, then decode the best; what the journal knows is not redone.

        Raises:
            UserError: a configuration does not fit its datastore or the model, or as `run_trial`.
        """
        tried: list[Tried] = []
        self._resumed = 0
        with progress_bar(label="configurations") as bar:
            while points := search.ask(_TOGETHER):
                group = [
                    Tried(point, scores, objective(scores))
                    for point, scores in zip(points, self._score(points), strict=True)
                ]
                search.tell([one.objective for one in group])
                tried += group
                bar.update(len(group))
        if not tried:
            raise UserError("the space holds no configuration that is possible")
        tried.sort(key=lambda one: -one.objective)  # stable: the first of equals stays first
        passed, baseline = [], None
        if finals is not None:
            baseline = self._decode(None, finals, "LM alone")
            for rank, one in enumerate(tried[: finals.count], start=1):
                passed.append(self._decode(one.point, finals, f"finalist {rank}"))
        return SweepResult(
            tuple(tried), tuple(passed), baseline, objective, self._resumed, search.left_out
        )

    def _score(self, points: Sequence[Point]) -> list[Scores]:
        """Scores in the points' order, from the journal where it has them."""
        keys = [self._key(point) for point in points]
        missing: dict[str, dict[str, Point]] = defaultdict(dict)
        for key, point in zip(keys, points, strict=True):
            if self._journal.get(key) is None:
                missing[point.datastore][key] = point
            else:
                self._resumed += 1
        for new in missing.values():
            for (key, point), scores in zip(
                new.items(), self._scorer.score(list(new.values())), strict=True
            ):
                self._journal.put(
                    key,
                    {
                        "values": dict(point.values),
                        "preset": point.preset.to_json(),
                        "scores": to_json(scores),
                    },
                )
        return [Scores(**self._entry(key)["scores"]) for key in keys]

    def _decode(self, point: Point | None, finals: Finals, label: str) -> Passed:
        problems = finals.problems
        key = hash_json(
            {
                "point": None if point is None else self._key(point),
                "data": self._data.determinants(),
                "problems": problems.content_hash,
                "settings": to_json(finals.settings),
                "sandbox": finals.sandbox,
            }
        )
        if self._journal.get(key) is None:
            retriever = None
            if point is not None:
                store = self._scorer.stores[point.datastore]
                retriever = Retriever(store, point.preset, device=self._data.loaded.device)
                retriever.withhold_from(finals.settings.sample_prompts(problems))
            trial = run_trial(
                problems.problems,
                self._data.loaded,
                retriever,
                finals.sandbox,
                finals.settings,
                workers=finals.workers,
                label=label,
            )
            totals = Passed(trial.totals.passed, trial.totals.counted)
            self._journal.put(key, {"problems": problems.name, "pass": totals.to_json()})
        return Passed(**self._entry(key)["pass"])

    def _key(self, point: Point) -> str:
        store = self._scorer.stores[point.datastore]
        return hash_json(self._data.determinants(point.preset, store))

    def _entry(self, key: str) -> dict[str, Any]:
        entry = self._journal.get(key)
        assert entry is not None
        return entry


def _most_neighbours(space: Space) -> int:
    axis = space.axes.get("k")
    if axis is None:
        return space.base.k
    return int(max(axis.values) if isinstance(axis, Choices) else axis.high)
