"""The pytest plugin: options, one test per problem, fixtures, report and summary.

Thin: what a run is and does stands in `knm.harness`. The plugin is at work only when tests below
`bench/` are asked for; elsewhere it adds options and nothing else.
"""

import time
from collections.abc import Generator, Iterator
from functools import partial
from typing import Any

import pytest

from knm.errors import UserError
from knm.harness import (
    OPTIONS,
    BenchRun,
    CompletionService,
    Evaluation,
    evaluate,
    make_options,
    prepare_run,
    render_failure,
)
from knm.problems import Problem
from knm.report import RunHeader, environment_info, load_report, parse_condition, stream_path
from knm.reporting import BaselineCheck, RunReporter, junit_properties
from knm.sandbox import Sandbox

BENCH_DIRECTORY = "bench"
_RUN = pytest.StashKey[BenchRun]()
_COMPLETIONS = pytest.StashKey[CompletionService]()
_EVALUATION = pytest.StashKey[Evaluation]()
_OMITTED = ("collectors", "keywords", "log", "streams", "traceback")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the options of `knm.harness.OPTIONS`."""
    group = parser.getgroup("knm", "kNN-corrected code generation bench")
    for option in OPTIONS:
        text = f"{option.help} [env {option.variable}]"
        if option.type is bool:
            group.addoption(option.flag, action="store_true", default=None, help=text)
        else:
            group.addoption(
                option.flag, type=option.type, metavar=option.metavar, default=None, help=text
            )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the run's options and switch the JSON report on, if the bench is asked for."""
    if not _asks_for_bench(config):
        return
    given = {option.name: config.getoption(option.name) for option in OPTIONS}
    try:
        run = prepare_run(make_options(given), config.rootpath)
        baseline = None if hasattr(config, "workerinput") else _baseline(run)
    except UserError as error:
        raise pytest.UsageError(str(error)) from None
    config.option.json_report = True
    config.option.json_report_omit = [*config.option.json_report_omit, *_OMITTED]
    if hasattr(config, "workerinput"):
        config.pluginmanager.register(BenchWorker(run, config), "knm-bench")
        return
    config.option.json_report_file = None if config.option.collectonly else str(run.results)
    config.option.json_report_indent = 1
    config.option.json_report_verbosity = -1
    config.pluginmanager.register(BenchController(run, baseline, config), "knm-bench")


def _baseline(run: BenchRun) -> BaselineCheck | None:
    options = run.options
    if options.knm_baseline is None:
        return None
    condition = None if options.knm_fail_on is None else parse_condition(options.knm_fail_on)
    return BaselineCheck(load_report(options.knm_baseline), condition)


def _asks_for_bench(config: pytest.Config) -> bool:
    bench = config.rootpath / BENCH_DIRECTORY
    paths = [
        (config.invocation_params.dir / argument.partition("::")[0]).resolve()
        for argument in config.args
    ]
    return any(path == bench or bench in path.parents for path in paths)


@pytest.fixture(scope="session")
def bench_run(pytestconfig: pytest.Config) -> BenchRun:
    """The run that the options describe."""
    return pytestconfig.stash[_RUN]


@pytest.fixture(scope="session")
def sandbox(bench_run: BenchRun) -> Iterator[Sandbox]:
    """The sandbox that judges, one for each process."""
    with bench_run.open_sandbox() as opened:
        yield opened


@pytest.fixture(scope="session")
def completions(pytestconfig: pytest.Config) -> CompletionService:
    """What the model writes, with or without kNN; loads the model when first asked."""
    return pytestconfig.stash[_COMPLETIONS]


@pytest.fixture
def evaluation(
    request: pytest.FixtureRequest,
    problem: Problem,
    bench_run: BenchRun,
    completions: CompletionService,
    sandbox: Sandbox,
) -> Evaluation:
    """The problem's completion, judged. A fault of ours is an error of the test."""
    outcome = evaluate(problem, completions, sandbox, bench_run.options.language)
    request.node.stash[_EVALUATION] = outcome
    request.node.user_properties.extend(junit_properties(outcome.result))
    if outcome.result.verdict.is_infrastructure:
        pytest.fail(render_failure(outcome), pytrace=False)
    return outcome


class BenchWorker:
    """Evaluates problems: in xdist's workers, and in the only process where there are none."""

    def __init__(self, run: BenchRun, config: pytest.Config) -> None:
        self._run = run
        self._config = config
        config.stash[_RUN] = run

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make one test of each problem."""
        if "problem" in metafunc.fixturenames:
            problems = self._run.problem_set.problems
            ids = [problem.question_id for problem in problems]
            metafunc.parametrize("problem", problems, ids=ids)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Cut the selected problems into decoding batches."""
        selected: list[Problem] = [
            problem
            for item in session.items
            if isinstance(item, pytest.Function)
            and isinstance(problem := _parameter(item, "problem"), Problem)
        ]
        self._config.stash[_COMPLETIONS] = CompletionService(
            partial(self._run.open_engine, _worker_count(self._config)),
            self._run.prompt,
            selected,
            self._run.options.batch_size,
        )

    def pytest_json_runtest_metadata(self, item: pytest.Item) -> dict[str, Any]:
        """Put the result into the JSON report."""
        outcome = item.stash.get(_EVALUATION, None)
        return {} if outcome is None else {"knm": outcome.result.to_json()}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Hand the result to the process that reports; xdist carries the attribute over."""
        report = yield
        outcome = item.stash.get(_EVALUATION, None)
        if outcome is not None and report.when == "teardown":
            report.knm_result = outcome.result.to_json()  # type: ignore[attr-defined]
        return report


class BenchController(BenchWorker):
    """Prepares a run; a `RunReporter` gathers its results and reports them."""

    def __init__(
        self, run: BenchRun, baseline: BaselineCheck | None, config: pytest.Config
    ) -> None:
        super().__init__(run, config)
        self._sandbox_info: dict[str, str] = {}
        self._reporter = RunReporter(config, run.results, self._header, baseline)
        config.pluginmanager.register(self._reporter, "knm-reporter")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """Make what the run needs, and fail now rather than in the first problem."""
        if self._config.option.collectonly:
            return
        try:
            with self._run.open_sandbox() as sandbox:
                self._sandbox_info = sandbox.describe()
            if self._run.ensure_datastore():
                self._write(f"knm: mined the embedded datastore into {self._run.datastore}")
            self._reporter.check_baseline()
        except UserError as error:
            raise pytest.UsageError(str(error)) from None
        stream_path(self._run.results).unlink(missing_ok=True)

    def pytest_xdist_make_scheduler(self, config: pytest.Config, log: Any) -> Any:
        """Share out whole decoding batches, unless the user asks for another `--dist`."""
        from knm.harness.scheduling import BatchScheduling

        if config.getoption("dist") != "load":
            return None
        return BatchScheduling(config, log, self._run.options.batch_size)

    def _header(self, selected: int | None) -> RunHeader:
        return RunHeader(
            configuration=self._run.configuration,
            hashes=self._run.hashes(),
            environment={
                **environment_info(self._config.rootpath),
                "sandbox": self._sandbox_info,
            },
            selected=selected,
            created=time.time(),
        )

    def _write(self, line: str) -> None:
        reporter = self._config.pluginmanager.getplugin("terminalreporter")
        if reporter is not None:
            reporter.write_line(line)


def _worker_count(config: pytest.Config) -> int:
    """How many xdist processes share the machine, this one included."""
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    return workers


def _parameter(item: pytest.Function, name: str) -> object:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get(name)
