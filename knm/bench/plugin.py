"""The pytest plugin: options, one test per problem, fixtures, report and summary.

Thin: what a run is and does stands beside it. The plugin is at work only when tests below
`bench/` are asked for; elsewhere it adds options and nothing else.
"""

import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from knm.bench.completions import CompletionService, Connect, Outcome
from knm.bench.engines import RunEngine, RunningEngine, find_engine, objection_to_set
from knm.bench.options import OPTIONS, addoption_arguments, make_options
from knm.bench.reporter import BaselineCheck, RunReporter, junit_properties
from knm.bench.run import BenchRun, cache_directory, prepare_run
from knm.codec import to_json
from knm.engine import CompletionCache
from knm.errors import UserError
from knm.judging import evaluate, render_failure
from knm.options import RunOptions, flags_of, naming_flags
from knm.problems import Problem
from knm.records import Request
from knm.report import ProblemResult, RunHeader, environment_info, load_report, parse_condition
from knm.sandbox import Sandbox
from knm.serving import Dispatcher, Fleet, ServerGroup
from knm.serving.fleet import FOREIGN_CALLS

if TYPE_CHECKING:
    from knm.serving.relay import Relay

BENCH_DIRECTORY: Final = "bench"
BENCH_TESTS: Final = "test_problems.py"
_RUN = pytest.StashKey[BenchRun]()
_COMPLETIONS = pytest.StashKey[CompletionService]()
_RESULT = pytest.StashKey[ProblemResult]()
_WITHHELD = pytest.StashKey[str | None]()
WORKER_INPUT: Final = "knm"
WORKER_OUTPUT: Final = "knm_from_cache"
_OMITTED = ("collectors", "keywords", "log", "streams", "traceback")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options of `knm.bench.options.OPTIONS`."""
    group = parser.getgroup("knm", "kNN-corrected code generation bench")
    for option in OPTIONS:
        group.addoption(option.flag, **addoption_arguments(option))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the run's options and switch the JSON report on, if the bench is asked for."""
    root = _project(config)
    if root is None:
        return
    if not hasattr(config.option, "json_report"):
        raise pytest.UsageError(
            "the bench reports through the plugin pytest-json-report, which is switched off or not "
            "installed: leave out -p no:pytest_jsonreport, unset PYTEST_DISABLE_PLUGIN_AUTOLOAD, "
            "or add -p pytest_jsonreport.plugin"
        )
    given = {option.name: config.getoption(option.name) for option in OPTIONS}
    with _usage_errors():
        plugin = _prepare(config, root, make_options(given))
    config.option.json_report = True
    config.option.json_report_omit = [*config.option.json_report_omit, *_OMITTED]
    config.pluginmanager.register(plugin, "knm-bench")


@contextmanager
def _usage_errors() -> Iterator[None]:
    """What a user can mend ends the run without a traceback, and names pytest's options."""
    try:
        with naming_flags(flags_of(RunOptions)):
            yield
    except UserError as error:
        raise pytest.UsageError(str(error)) from None


def _prepare(config: pytest.Config, root: Path, options: RunOptions) -> "BenchWorker":
    run = prepare_run(options, root)
    if hasattr(config, "workerinput"):
        return BenchWorker(run, config)
    baseline = _baseline(run)
    engine = find_engine(options, root)
    if isinstance(engine, RunningEngine):
        run = run.of_model(engine.configuration.model)
    collectonly = config.option.collectonly
    if not collectonly:
        junit = config.getoption("xmlpath", None)
        run = run.claim_results(junit and Path(junit))
    config.option.json_report_file = None if collectonly else str(run.results)
    config.option.json_report_indent = 1
    config.option.json_report_verbosity = -1
    return BenchController(run, engine, baseline, config)


def _baseline(run: BenchRun) -> BaselineCheck | None:
    options = run.options
    if options.knm_baseline is None:
        return None
    condition = None if options.knm_fail_on is None else parse_condition(options.knm_fail_on)
    return BaselineCheck(load_report(options.knm_baseline), condition)


def _project(config: pytest.Config) -> Path | None:
    """The directory whose bench the arguments name; None where they name none.

    It need not be pytest's root: a path that is an option's value can move that elsewhere.
    """
    for argument in config.args:
        path = (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        for each in (path, *path.parents):
            if each.name == BENCH_DIRECTORY and (each / BENCH_TESTS).is_file():
                return each.parent
    return None


@pytest.fixture(scope="session")
def bench_run(pytestconfig: pytest.Config) -> BenchRun:
    """The run that the options describe."""
    run = pytestconfig.stash.get(_RUN, None)
    if run is None:
        pytest.fail("problems run where the bench is named: pytest bench", pytrace=False)
    return run


@pytest.fixture(scope="session")
def sandbox(bench_run: BenchRun) -> Iterator[Sandbox]:
    """The sandbox that judges, one for each process."""
    with naming_flags(flags_of(RunOptions)):
        opened = bench_run.open_sandbox()
    with opened:
        yield opened


@pytest.fixture(scope="session")
def completions(pytestconfig: pytest.Config) -> CompletionService:
    """What the model writes, with or without kNN."""
    return pytestconfig.stash[_COMPLETIONS]


@pytest.fixture
def result(
    request: pytest.FixtureRequest,
    problem: Problem,
    bench_run: BenchRun,
    completions: CompletionService,
    sandbox: Sandbox,
) -> ProblemResult:
    """The problem's completion, judged. A fault of ours is an error of the test."""
    requests = bench_run.requests(problem, request.config.stash[_WITHHELD])
    outcome = evaluate(problem, requests, completions, sandbox, bench_run.options.language)
    request.node.stash[_RESULT] = outcome
    request.node.user_properties.extend(junit_properties(outcome))
    if outcome.verdict.is_infrastructure:
        pytest.fail(render_failure(outcome), pytrace=False)
    return outcome


class BenchWorker:
    """Evaluates problems: in xdist's workers, and in the only process where there are none."""

    def __init__(self, run: BenchRun, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        self._cache: CompletionCache | None = None
        self._completions: CompletionService | None = None
        config.stash[_RUN] = run

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each problem."""
        if "problem" in metafunc.fixturenames:
            problems = self._run.problem_set.problems
            ids = [problem.question_id for problem in problems]
            metafunc.parametrize("problem", problems, ids=ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Ask for the completions of all selected problems, those that are not kept already."""
        if self._config.option.collectonly:
            return
        self._config.stash[_WITHHELD] = self._withheld()
        requests = [
            request
            for item in session.items
            if isinstance(item, pytest.Function)
            and isinstance(problem := _parameter(item, "problem"), Problem)
            for request in self._run.requests(problem, self._config.stash[_WITHHELD])
        ]
        self._completions = self._ask(requests, self._open_cache())
        self._config.stash[_COMPLETIONS] = self._completions

    def pytest_sessionfinish(self) -> None:
        """Tell the process that reports how many completions were kept from before."""
        if self._completions is not None and hasattr(self._config, "workeroutput"):
            self._config.workeroutput[WORKER_OUTPUT] = self._completions.from_cache

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

    def _dispatcher(self, group: ServerGroup) -> Connect:
        """What has requests completed by servers, for whom it tells of the outcomes."""
        calls = self._run.options.engine_requests or FOREIGN_CALLS
        fleet = Fleet(group.servers, self._say)
        model = group.configuration.model
        return lambda deliver: Dispatcher(fleet, model, deliver, foreign_calls=calls)

    def _open_cache(self) -> CompletionCache:
        if self._cache is None:
            self._cache = CompletionCache(cache_directory(self._run.root), self._say)
        return self._cache

    def _say(self, line: str) -> None:
        print(f"knm: {line}", file=sys.stderr)

    def pytest_unconfigure(self) -> None:
        """Give up what is outstanding; what has come is kept."""
        if self._completions is not None:
            self._completions.close()
        if self._cache is not None:
            self._cache.close()

    def pytest_json_runtest_metadata(self, item: pytest.Item) -> dict[str, Any]:
        """Put the result into the JSON report."""
        outcome = item.stash.get(_RESULT, None)
        return {} if outcome is None else {"knm": to_json(outcome)}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand the result to the process that reports; xdist carries the attribute over."""
        report = yield
        outcome = item.stash.get(_RESULT, None)
        if outcome is not None and report.when == "teardown":
            report.knm_result = to_json(outcome)  # type: ignore[attr-defined]
        return report


class BenchController(BenchWorker):
    """Prepares a run and its engine; a `RunReporter` gathers its results and reports them."""

    def __init__(
        self,
        run: BenchRun,
        engine: RunEngine,
        baseline: BaselineCheck | None,
        config: pytest.Config,
    ) -> None:
        super().__init__(run, config)
        self._engine = engine
        self._relay: Relay | None = None
        self._objection: str | None = None
        self._since = time.time() if run.options.fresh else 0.0
        self._from_cache: list[int] = []
        self._sandbox_info: dict[str, str] = {}
        self._reporter = RunReporter(config, run.results, self._header, baseline)
        config.pluginmanager.register(self._reporter, "knm-reporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Make what the run needs, and fail now rather than in the first problem."""
        if self._config.option.collectonly:
            return
        with _usage_errors():
            with self._run.open_sandbox() as sandbox:
                self._sandbox_info = sandbox.describe()
            done = self._engine.prepare()
            if done is not None:
                self._say(done)
            self._objection = objection_to_set(self._engine.configuration, self._run.sample_prompts)
            if self._objection is not None:
                self._say(
                    f"{self._objection}: it is not used (presets with a weight of their own, such "
                    "as --knn-preset dense, use it)"
                )
            self._reporter.check_baseline()
            self._open_cache()

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of xdist where the engine is: one serves them all."""
        node.workerinput[WORKER_INPUT] = {
            "engine": to_json(self._for_workers()),
            "since": self._since,
            "withheld": self._withheld(),
        }

    def _ask(self, requests: list[Request], cache: CompletionCache) -> CompletionService:
        def connect(deliver: Callable[[Request, Outcome], None]) -> Dispatcher:
            return self._dispatcher(self._engine.servers())(deliver)

        return CompletionService(
            requests, self._engine.configuration, connect, cache, since=self._since
        )

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
            self._from_cache.append(found)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which completions were kept, and what the engine said if it was in trouble."""
        if self._completions is not None:
            self._from_cache.append(self._completions.from_cache)
        # All workers ask for the same; the first to look found what was there before the run.
        kept = min(self._from_cache, default=0)
        if kept:
            terminalreporter.write_line(
                f"{kept} completions were kept from before; --fresh decodes them again"
            )
        for line in self._engine.trouble():
            terminalreporter.write_line(f"engine: {line}")

    def pytest_unconfigure(self) -> None:
        """End the engine that was this run's own."""
        super().pytest_unconfigure()
        if self._relay is not None:
            self._relay.close()
        self._engine.close()

    def _say(self, line: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(f"knm: {line}")


def _parameter(item: pytest.Function, name: str) -> object:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(name)
