"""A study from its plan to its report: every step in turn, what is finished is not done again."""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from knm.bench.run import prepare_run
from knm.corpora import (
    CorpusRecord,
    Purged,
    drop_foreign,
    first_passed,
    keep_passed,
    stream_corpus,
)
from knm.corpora.decontamination import normalize_statement
from knm.errors import UserError
from knm.option_fields import spell_flag
from knm.options import RunOptions
from knm.outputs import check_output_directory, file_named, shown_path
from knm.packaged import find_corpus
from knm.problems import ProblemSet, Selection, load_problems, problems_path
from knm.report import Report, summarize
from knm.report.text import interval, pass_at_1
from knm.study.data import SourceLine, describe_corpus, describe_problems
from knm.study.plan import LM, TUNED, RowPlan, StudyPlan
from knm.study.rows import RowRunner
from knm.study.stores import BuiltStore, StoreBuilder

if TYPE_CHECKING:
    from knm.metrics.space import Point
    from knm.models import LoadedModel, ModelIdentity

ROWS: Final = "rows"
STORES: Final = "stores"
GRID: Final = "grid"


@dataclass(frozen=True)
class Tried:
    """A point of the grid by its settings, and its run over the dev problems."""

    name: str
    settings: Mapping[str, Any]
    report: Report


@dataclass(frozen=True)
class Tuning:
    """What the grid came to: the LM alone on the dev problems, every point, and the best."""

    baseline: Report
    tried: tuple[Tried, ...]
    winner: Tried


@dataclass(frozen=True)
class StudyOutcome:
    """All that a study found.

    `foreign` is, of each corpus, how many programs it holds and what of them is in another
    language's syntax. `rows` begin with the LM alone; `skipped` says why others are not there.
    """

    plan: StudyPlan
    identity: "ModelIdentity"
    data: tuple[SourceLine, ...]
    foreign: Mapping[str, tuple[int, Purged]]
    stores: tuple[BuiltStore, ...]
    rows: tuple[Report, ...]
    tuning: Tuning | None
    skipped: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """The figures as plain JSON."""
        return {
            "model": asdict(self.identity),
            "rows": {row.path.stem: summarize(row.results).to_json() for row in self.rows},
            "dev": self.tuning
            and {
                report.path.stem: summarize(report.results).to_json()
                for report in (self.tuning.baseline, *(one.report for one in self.tuning.tried))
            },
            "foreign": {name: found.to_json() for name, (_, found) in self.foreign.items()},
            "datastores": {
                store.name: {"entries": store.entries, "dropped": dict(store.dropped)}
                for store in self.stores
            },
            "winner": self.tuning and self.tuning.winner.name,
            "skipped": dict(self.skipped),
        }


@dataclass(frozen=True)
class _Problems:
    """A problem set, and the part of it that is run."""

    whole: ProblemSet
    selected: ProblemSet

    @classmethod
    def load(cls, name: str, limit: int | None) -> "_Problems":
        whole = load_problems(name)
        return cls(whole, whole if limit is None else load_problems(name, Selection(limit)))


class Study:
    """One study: checked, then run into a directory of its own."""

    def __init__(
        self, plan: StudyPlan, out: Path, notify: Callable[[str], None] = lambda _: None
    ) -> None:
        """Check all that can be wrong before a model is loaded.

        Raises:
            UserError: something is missing, malformed or does not fit together, or `out` holds what
                is read; the grid's problems are among those that are reported.
        """
        self.plan, self.out, self._notify = plan, out, notify
        settings = plan.settings
        from knm.models import check_dtype, find_model, identify_model, resolve_placement

        check_dtype(settings.dtype)
        inputs = [settings.problems, settings.dev_problems]
        read = [name and problems_path(name) for name in inputs]
        files = [plan.path, settings.corpus_path, file_named(settings.prompt)]
        check_output_directory("--out", out, [*read, *files, find_model(settings.model)])
        self._placement = resolve_placement(settings.device, settings.dtype)
        self._identity = identify_model(settings.model, self._placement.dtype)
        self._problems = _Problems.load(settings.problems, settings.limit)
        with prepare_run(self._options(), Path.cwd(), self._problems.selected).open_sandbox():
            pass  # what cannot judge says so before anything is mined
        self._dev = None
        if plan.grid is not None and settings.dev_problems is not None:
            self._dev = _Problems.load(settings.dev_problems, settings.limit)
            _refuse_shared(self._problems.whole, self._dev.whole)
            prepare_run(self._options(settings.dev_problems), Path.cwd(), self._dev.selected)
            self._points()
        self._runner = RowRunner(lambda: self.loaded, notify, settings.workers)
        self._skipped: dict[str, str] = {}

    @cached_property
    def loaded(self) -> "LoadedModel":
        """The model, loaded when a step first needs it."""
        from knm.models import load_model

        placement = self._placement
        return load_model(self.plan.settings.model, dtype=placement.dtype, device=placement.device)

    def run(self) -> StudyOutcome:
        """Do what is not done, and read back what is.

        Raises:
            UserError: a datastore or the row of the LM alone cannot be made, or `out` holds what
                was made of something else. Other rows are skipped, and told of.
        """
        stores = self._stores()
        rows = [self._row(LM, self._options(), self._problems.selected)]
        for row in self.plan.rows:
            rows += self._try_row(row, stores)
        tuning = self._tune(stores)
        if tuning is not None:
            rows += self._try_row(self._tuned(tuning), stores)
        return StudyOutcome(
            self.plan,
            self._identity,
            tuple(self._data()),
            self._foreign(),
            tuple(stores.values()),
            tuple(rows),
            tuning,
            self._skipped,
        )

    @cached_property
    def _corpora(self) -> dict[str, tuple[CorpusRecord, ...]]:
        """What datastores are made of, of every corpus by the name of its file."""
        own = (find_corpus(store.corpus) for store in self.plan.datastores.values() if store.corpus)
        paths = dict.fromkeys([self.plan.settings.corpus_path, *own])
        limit = self.plan.settings.records
        names = [path.name for path in paths]
        return {
            path.name if names.count(path.name) == 1 else str(path): keep_passed(
                first_passed(stream_corpus(path), limit), path
            )
            for path in paths
        }

    def _foreign(self) -> dict[str, tuple[int, Purged]]:
        """What of each corpus is in another language's syntax, if a datastore leaves that out."""
        if not any(store.drop_python for store in self.plan.datastores.values()):
            return {}
        return {
            name: (len(records), drop_foreign(records)) for name, records in self._corpora.items()
        }

    def _data(self) -> list[SourceLine]:
        from knm.models.tokenization import token_counter

        count = token_counter(self.plan.settings.model)
        lines: list[SourceLine] = []
        for name, records in self._corpora.items():
            lines += describe_corpus(name, records, count)
        lines += describe_problems("problems", self._problems.selected, count)
        if self._dev is not None:
            lines += describe_problems("dev problems", self._dev.selected, count)
        return lines

    def _stores(self) -> dict[str, BuiltStore]:
        sets = tuple(each.whole for each in (self._problems, self._dev) if each is not None)
        builder = StoreBuilder(
            self.plan, self.out / STORES, sets, self._identity, lambda: self.loaded
        )
        stores = {}
        for name in self.plan.datastores:
            stores[name] = builder.build(name)
            self._notify(f"datastore {name}: {stores[name].entries:,} entries")
        return stores

    def _options(self, problems: str | None = None, **knn: Any) -> RunOptions:
        settings = self.plan.settings
        return settings.run_options(problems or settings.problems, **knn)

    def _row(self, name: str, options: RunOptions, problems: ProblemSet) -> Report:
        report = self._runner.run(options, problems, self.out / ROWS / f"{name}.json")
        self._tell(name, report)
        return report

    def _try_row(self, row: RowPlan, stores: Mapping[str, BuiltStore]) -> list[Report]:
        name = str(row.name)
        options = self._options(
            knn=True, knn_preset=row.preset, datastore=str(stores[row.datastore].path)
        )
        rows = []
        with self._skipping(name):
            rows.append(self._row(name, options, self._problems.selected))
        return rows

    @contextmanager
    def _skipping(self, name: str) -> Iterator[None]:
        """Where a run that cannot be is noted and told of, and the study goes on."""
        try:
            yield
        except UserError as reason:
            self._skipped[name] = reason.worded(spell_flag)
            self._notify(f"{name}: skipped: {self._skipped[name]}")

    def _points(self) -> "dict[str, Point]":
        """The grid by the names of its points.

        Raises:
            UserError: naming the plan: an unknown setting, or values that contradict each other.
        """
        from knm.metrics import parse_space

        grid, where = self.plan.grid, f"{self.plan.path}: grid"
        assert grid is not None
        space = parse_space({"preset": grid.preset, "space": grid.space}, where, grid.datastore)
        try:
            points = [space.point(values) for values in space.grid()]
        except UserError as error:
            raise UserError(f"{where}: {error}") from None
        return {_name_of(point.settings): point for point in points}

    def _tune(self, stores: Mapping[str, BuiltStore]) -> Tuning | None:
        """Every point of the grid over the dev problems; the best is chosen by Pass@1 there."""
        from knm.retrieval import write_preset

        grid, dev, place = self.plan.grid, self._dev, self.out / GRID
        if grid is None or dev is None:
            return None
        problems, named = dev.selected, self.plan.settings.dev_problems
        baseline = self._runner.run(self._options(named), problems, place / f"{LM}.json")
        self._tell(f"{LM} on dev", baseline)
        tried = []
        for name, point in self._points().items():
            preset = place / f"{name}.yaml"
            write_preset(preset, replace(point.preset, name=name))
            options = self._options(
                named,
                knn=True,
                knn_preset=str(preset),
                datastore=str(stores[grid.datastore].path),
            )
            with self._skipping(f"{name} on dev"):
                report = self._runner.run(options, problems, place / f"{name}.json")
                self._tell(f"{name} on dev", report)
                tried.append(Tried(name, point.settings, report))
        return Tuning(baseline, tuple(tried), max(tried, key=_goodness)) if tried else None

    def _tuned(self, tuning: Tuning) -> RowPlan:
        """The row of the settings that the grid chose."""
        assert self.plan.grid is not None
        preset = self.out / GRID / f"{tuning.winner.name}.yaml"
        return RowPlan(preset=str(preset), datastore=self.plan.grid.datastore, name=TUNED)

    def _tell(self, name: str, report: Report) -> None:
        totals = summarize(report.results)
        told = f"{name}: {pass_at_1(totals)}"
        if totals.counted:
            told += f", 95 % interval {interval(totals.interval)}"
        if totals.infrastructure:
            told += f"; {totals.infrastructure} not counted: run it again"
        self._notify(told)


def command_of(plan: StudyPlan, out: Path) -> str:
    """The line to type for a study of this plan."""
    words = ["knm", "study", str(shown_path(plan.path))]
    for name, value in plan.typed.items():
        words += [spell_flag(name), str(value)]
    return shlex.join([*words, "--out", str(shown_path(out))])


def _name_of(settings: Mapping[str, Any]) -> str:
    """A point of a grid as a file's name."""
    told = "-".join(f"{key}={value}" for key, value in settings.items())
    return re.sub(r"[^\w.=-]", "", told)


def _goodness(tried: Tried) -> tuple[float, float]:
    """Pass@1, and among equals the share of tests passed; the first of equals in both is taken."""
    totals = summarize(tried.report.results)
    return totals.pass_at_1 or 0.0, totals.mean_test_pass_rate or 0.0


def _refuse_shared(reported: ProblemSet, dev: ProblemSet) -> None:
    """Refuse dev problems that are among the reported ones, by id or by statement."""
    ids = set(reported.ids)
    statements = {normalize_statement(problem.question_content) for problem in reported}
    for problem in dev:
        statement = normalize_statement(problem.question_content)
        if problem.question_id in ids or (statement and statement in statements):
            raise UserError(
                f"dev_problems {dev.name}: {problem.question_id} is also among the problems "
                f"{reported.name}, which would be reported with settings chosen for them; take it "
                "out of one of them"
            )
