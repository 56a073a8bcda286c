"""A run in pytest's processes: what each of them does, and what the one that reports does too.

With xdist there are workers, which evaluate problems, and a controller; else one process is both.
"""

import pickle
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from knm.bench.completions import CompletionService, Connect, Outcome
from knm.bench.engines import RunEngine, objection_to_set
from knm.bench.flags import usage_errors
from knm.bench.kept import FromBefore, KeptFiles
from knm.bench.published import compare_with_published
from knm.bench.reporter import Ending, RunReporter
from knm.bench.run import BenchRun, cache_directory
from knm.codec import to_json
from knm.engine import CompletionCache
from knm.judging import KeepingSandbox
from knm.problems import Problem
from knm.records import Request
from knm.report import ProblemResult, RunHeader, environment_info
from knm.serving import Dispatcher, Fleet, ServerGroup, end_ahead
from knm.serving.fleet import FOREIGN_CALLS

if TYPE_CHECKING:
    from knm.serving.relay import Relay

RUN: Final = pytest.StashKey[BenchRun]()
COMPLETIONS: Final = pytest.StashKey[CompletionService]()
KEPT: Final = pytest.StashKey[KeptFiles]()
JUDGE: Final = pytest.StashKey[KeepingSandbox]()
RESULT: Final = pytest.StashKey[ProblemResult]()
_PLAIN: Final = pytest.StashKey[dict[str, Any]]()
"""The result as JSON, which is asked for after each stage of its test."""
WITHHELD: Final = pytest.StashKey[str | None]()
WORKER_INPUT: Final = "knm"
WORKER_OUTPUT: Final = "knm_from_before"
PROBLEM: Final = "knm_problem"
"""The fixture of which each problem is a value."""


class BenchWorker:
    """Evaluates problems: in xdist's workers, and in the only process where there are none."""

    def __init__(self, run: BenchRun, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        self._kept: KeptFiles | None = None
        self._completions: CompletionService | None = None
        self._in_test = False
        self._unsaid: deque[str] = deque()
        config.stash[RUN] = run

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each problem."""
        if PROBLEM in metafunc.fixturenames:
            problems = self._run.problem_set.problems
            ids = [problem.question_id for problem in problems]
            metafunc.parametrize(PROBLEM, problems, ids=ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask for the completions of all selected problems, those that are not kept already."""
        if self._config.option.collectonly:
            return
        problems = _selected(session.items)
        self._config.stash[WITHHELD] = self._withheld()
        requests = [
            request
            for problem in problems
            for request in self._run.requests(problem, self._config.stash[WITHHELD])
        ]
        self._config.stash[KEPT] = self._open_kept()
        self._completions = self._ask(requests, self._open_kept().completions)
        self._config.stash[COMPLETIONS] = self._completions
        end_ahead()  # what has not been taken by now is not needed: all completions were kept

    def pytest_sessionfinish(self) -> None:
        """Tell the process that reports what was kept from before."""
        if self._completions is not None and hasattr(self._config, "workeroutput"):
            self._config.workeroutput[WORKER_OUTPUT] = to_json(self._from_before())

    def _from_before(self) -> FromBefore:
        completions = self._completions.from_cache if self._completions is not None else 0
        judge = self._config.stash.get(JUDGE, None)
        return FromBefore(completions, 0 if judge is None else judge.from_before)

    def _withheld(self) -> str | None:
        """Why the datastore is not for the problem set; None if it is."""
        given: str | None = self._config.workerinput[WORKER_INPUT]["withheld"]  # type: ignore[attr-defined]
        return given

    def _ask(self, requests: list[Request], cache: CompletionCache) -> CompletionService:
        given = self._config.workerinput[WORKER_INPUT]  # type: ignore[attr-defined]
        group = ServerGroup.from_json(given["engine"])
        return CompletionService(
            requests, group.configuration, self._dispatcher(group), cache, since=given["since"]
        )

    def _times(self) -> tuple[float, float]:
        """Since when something counts that was kept, and when the run began."""
        given = self._config.workerinput[WORKER_INPUT]  # type: ignore[attr-defined]
        return given["since"], given["began"]

    def _dispatcher(self, group: ServerGroup) -> Connect:
        """What has requests completed by servers, for whom it tells of the outcomes."""
        calls = self._run.options.engine_requests or FOREIGN_CALLS
        fleet = Fleet(group.servers, self._say)
        model = group.configuration.model
        return lambda deliver: Dispatcher(fleet, model, deliver, foreign_calls=calls)

    def _open_kept(self) -> KeptFiles:
        if self._kept is None:
            directory = cache_directory(self._run.root)
            self._kept = KeptFiles(directory, self._run.options, *self._times(), self._say)
        return self._kept

    def _say(self, line: str) -> None:
        """Tell the user something, of a run in progress too.

        What is printed while a test runs, pytest takes for the test's; that waits for its end.
        """
        self._unsaid.append(line)
        if threading.current_thread() is threading.main_thread() and not self._in_test:
            self._say_what_waited()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self) -> Generator[None, object, object]:
        """Say what there was to say while a test ran."""
        self._in_test = True
        try:
            return (yield)
        finally:
            self._in_test = False
            self._say_what_waited()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        """Say it at once where tests run in other processes."""
        if not self._in_test:
            self._say_what_waited()

    def _say_what_waited(self) -> None:
        while self._unsaid:
            self._print(f"knm: {self._unsaid.popleft()}")

    def _print(self, line: str) -> None:
        print(line, file=sys.stderr)

    def pytest_unconfigure(self) -> None:
        """Give up what is outstanding; what has come is kept."""
        if self._completions is not None:
            self._completions.close()
        if self._kept is not None:
            self._kept.close()

    def pytest_json_runtest_metadata(self, item: pytest.Item) -> dict[str, Any]:
        """Put the result into the JSON report."""
        outcome = _plain_result(item)
        return {} if outcome is None else {"knm": outcome}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand the result to the process that reports; xdist carries the attribute over."""
        report = yield
        outcome = _plain_result(item)
        if outcome is not None and report.when == "teardown":
            report.knm_result = outcome  # type: ignore[attr-defined]
        return report


class BenchController(BenchWorker):
    """Prepares a run and its engine; a `RunReporter` gathers its results and reports them."""

    def __init__(
        self,
        run: BenchRun,
        engine: RunEngine,
        ending: Ending,
        config: pytest.Config,
    ) -> None:
        super().__init__(run, config)
        self._engine = engine
        self._relay: Relay | None = None
        self._objection: str | None = None
        self._began = time.time()
        self._of_workers: list[FromBefore] = []
        self._sandbox_info: dict[str, str] = {}
        self._reporter = RunReporter(config, run.results, self._header, run.problem_set.ids, ending)
        config.pluginmanager.register(self._reporter, "knm-reporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Make what the run needs, and fail now rather than in the first problem."""
        if self._config.option.collectonly:
            return
        with usage_errors(self._config):
            if not self._run.options.decode_only:  # and then any machine will do
                with self._run.open_sandbox() as sandbox:
                    self._sandbox_info = sandbox.describe()
            self._engine.prepare(self._say)
            self._objection = objection_to_set(self._engine.configuration, self._run.sample_prompts)
            if self._objection is not None:
                self._say(
                    f"{self._objection}: it is not used (presets with a weight of their own, such "
                    "as --knn-preset dense, use it)"
                )
            published = compare_with_published(self._run.options)
            if published is not None:
                self._say(published)
            self._reporter.check_baseline()
            self._open_kept()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where the engine is, which serves them all, and the problems.

        A set is gigabytes to read, and what is kept of it, the tests left where they are, is small.
        """
        node.workerinput[WORKER_INPUT] = {
            "problem_set": pickle.dumps(self._run.problem_set),
            "engine": to_json(self._for_workers()),
            "since": self._times()[0],
            "began": self._began,
            "withheld": self._withheld(),
            "root": str(self._run.root),
        }

    def _ask(self, requests: list[Request], cache: CompletionCache) -> CompletionService:
        def connect(deliver: Callable[[Request, Outcome], None]) -> Dispatcher:
            return self._dispatcher(self._engine.servers())(deliver)

        return CompletionService(
            requests, self._engine.configuration, connect, cache, since=self._times()[0]
        )

    def _times(self) -> tuple[float, float]:
        return (self._began if self._run.options.fresh else 0.0), self._began

    def _for_workers(self) -> ServerGroup:
        """Where workers of xdist find the engine: one server of ours that serves them all."""
        group = self._engine.servers()
        if len(group.servers) == 1 and group.configuration.verified:
            return group
        if self._relay is None:
            from knm.serving.relay import Relay

            self._relay = Relay(self._dispatcher(group), group.configuration)
        return replace(group, servers=(self._relay.server,))

    def _withheld(self) -> str | None:
        return self._objection

    def _header(self, selected: int | None) -> RunHeader:
        return RunHeader(
            configuration=self._run.configuration(self._engine.configuration),
            hashes=self._run.hashes(self._engine.configuration),
            environment={
                **environment_info(self._run.root),
                "sandbox": self._sandbox_info,
                "engines": self._engine.described(),
            },
            selected=selected,
            created=time.time(),
        )

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Gather what a worker of xdist found kept."""
        found = getattr(node, "workeroutput", {}).get(WORKER_OUTPUT)
        if found is not None:
            self._of_workers.append(FromBefore(**found))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what was kept, and what the engine said if it was in trouble."""
        self._say_what_waited()
        told = str(FromBefore.of_all(self._of_workers or [self._from_before()]))
        if told:
            terminalreporter.write_line(told)
        for line in self._engine.trouble():
            terminalreporter.write_line(f"engine: {line}")

    def pytest_unconfigure(self) -> None:
        """End the engine that was this run's own."""
        super().pytest_unconfigure()
        if self._relay is not None:
            self._relay.close()
        self._engine.close()
        end_ahead()

    def _print(self, line: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line)
            reporter.flush()  # what it tells of takes long, and a pipe keeps lines back


def _plain_result(item: pytest.Item) -> dict[str, Any] | None:
    """The result of an item's problem as JSON; None while there is none."""
    if RESULT not in item.stash:
        return None
    if _PLAIN not in item.stash:
        item.stash[_PLAIN] = to_json(item.stash[RESULT])
    return item.stash[_PLAIN]


def _selected(items: Iterable[pytest.Item]) -> list[Problem]:
    """The problems of the selected tests, in their order.

    Raises:
        pytest.UsageError: two tests are of one problem.
    """
    tests: dict[str, str] = {}
    problems = []
    for item in items:
        callspec = getattr(item, "callspec", None)
        problem = None if callspec is None else callspec.params.get(PROBLEM)
        if not isinstance(problem, Problem):
            continue
        if problem.question_id in tests:
            raise pytest.UsageError(
                f"{item.nodeid} and {tests[problem.question_id]} are tests of one problem, "
                "and a run has one of each: name one bench, and let one test ask for knm_result"
            )
        tests[problem.question_id] = item.nodeid
        problems.append(problem)
    return problems
