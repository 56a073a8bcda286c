"""The pytest plugin: options, fixtures, and a run where a bench is asked for.

Thin: what a run is and does stands beside it. pytest loads this through `knm.bench.entry`, or as
`-p knm.bench.plugin`; where no bench is named it adds options and nothing else.
"""

import atexit
import gc
import pickle
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest

from knm.bench.asking import (
    NOT_NAMED,
    PLUGIN,
    TEST_FILES,
    TWIN,
    has_twin,
    named_benches,
    project_of,
)
from knm.bench.closing import next_commands
from knm.bench.completions import CompletionService
from knm.bench.engines import RunningEngine, find_engine
from knm.bench.flags import add_options, dest_of, usage_errors
from knm.bench.options import FAIL_ON, FAIL_ON_FAULT, OPTIONS, make_options
from knm.bench.reporter import BaselineCheck, Ending, junit_properties
from knm.bench.run import BenchRun, prepare_run
from knm.bench.workers import (
    COMPLETIONS,
    JUDGE,
    KEPT,
    RESULT,
    RUN,
    WITHHELD,
    WORKER_INPUT,
    BenchController,
    BenchWorker,
)
from knm.errors import UserError, named
from knm.judging import decode, evaluate, render_failure
from knm.options import RunOptions
from knm.problems import Problem
from knm.report import ProblemResult, load_report, parse_condition
from knm.sandbox import Sandbox, Verdict
from knm.serving import end_ahead, start_ahead

NOT_JUDGED: Final = "not judged: decode only"
"""Why a problem's test is skipped."""

_OMITTED: Final = ("collectors", "keywords", "log", "streams", "traceback")


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Register the options of `knm.bench.options.OPTIONS`."""
    add_options(parser, pluginmanager)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check the run's options and switch the JSON report on, if the bench is asked for."""
    root = _project(config)
    if root is None:
        end_ahead()
        return
    if not hasattr(config.option, "json_report"):
        raise pytest.UsageError(
            "the bench reports through the plugin pytest-json-report, which is switched off or not "
            "installed: leave out -p no:pytest_jsonreport, unset PYTEST_DISABLE_PLUGIN_AUTOLOAD, "
            "or add -p pytest_jsonreport.plugin"
        )
    # Looking for garbage among the modules of a model library takes a second of a process's end.
    atexit.register(gc.freeze)
    given = {option.name: getattr(config.option, dest_of(option)) for option in OPTIONS}
    with usage_errors(config):
        plugin = _prepare(config, root, make_options(given))
    config.option.json_report = True
    config.option.json_report_omit = [*config.option.json_report_omit, *_OMITTED]
    # Workers of xdist see neither the options nor why the plugin was loaded.
    config.option.plugins = list(dict.fromkeys([*config.option.plugins, PLUGIN]))
    config.pluginmanager.register(plugin, "knm-bench")


def _prepare(config: pytest.Config, root: Path, options: RunOptions) -> BenchWorker:
    if hasattr(config, "workerinput"):
        problem_set = pickle.loads(config.workerinput[WORKER_INPUT]["problem_set"])
        return BenchWorker(prepare_run(options, root, problem_set), config)
    collectonly = config.option.collectonly
    if options.engine is None and not collectonly:
        start_ahead()
    else:
        end_ahead()
    run = prepare_run(options, root)
    ending = _ending(options)
    engine = find_engine(options, root)
    if isinstance(engine, RunningEngine):
        run = run.of_model(engine.configuration.model)
    if not collectonly:
        junit = config.getoption("xmlpath", None)
        run = run.claim_results(junit and Path(junit))
    config.option.json_report_file = None if collectonly else str(run.results)
    config.option.json_report_indent = 1
    config.option.json_report_verbosity = -1
    arguments = [str(argument) for argument in config.invocation_params.args]
    ending = replace(ending, commands=lambda: next_commands(options, run.results, arguments))
    return BenchController(run, engine, ending, config)


def _ending(options: RunOptions) -> Ending:
    fail_on, path = options.knm_fail_on, options.knm_baseline
    if options.decode_only and path is not None:
        raise UserError(
            f"{named('decode_only')}: there will be no verdicts to compare with "
            f"{named('knm_baseline')} {path}; leave that out, and use `knm diff` once they are "
            "judged"
        )
    condition = None if fail_on in (None, *FAIL_ON) else parse_condition(str(fail_on))
    if condition is not None and path is None:
        raise UserError(
            f"{named('knm_fail_on')} {fail_on} has no effect without {named('knm_baseline')}: add "
            f"{named('knm_baseline')} FILE, or choose {' or '.join(FAIL_ON)}"
        )
    baseline = None if path is None else BaselineCheck(load_report(path), condition)
    return Ending(baseline, faults_only=fail_on == FAIL_ON_FAULT)


def _project(config: pytest.Config) -> Path | None:
    """The project of the bench that the arguments name; None where they name none.

    It need not be pytest's root: a path that is an option's value can move that elsewhere.

    Raises:
        pytest.UsageError: an option that is only for a bench is there, and no bench.
    """
    if hasattr(config, "workerinput"):
        root = config.workerinput.get(WORKER_INPUT, {}).get("root")
        return root and Path(root)
    directory = config.invocation_params.dir
    asked = has_twin(config.invocation_params.args)
    for deep in (False, True) if asked else (False,):
        for bench in named_benches(config.args, directory, deep=deep):
            return project_of(bench, directory)
    if asked:
        raise pytest.UsageError(
            f"{TWIN}...: there is no bench in {' '.join(config.args)}; name the folder that holds "
            f"your {TEST_FILES[0]}, or use the package's: --pyargs knm.bench"
        )
    return None


@pytest.fixture(scope="session")
def knm_run(pytestconfig: pytest.Config) -> BenchRun:
    """The run that the options describe."""
    run = pytestconfig.stash.get(RUN, None)
    if run is None:
        pytest.fail(NOT_NAMED, pytrace=False)
    return run


@pytest.fixture(scope="session")
def knm_sandbox(knm_run: BenchRun, pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """The sandbox that judges, one for each process."""
    with usage_errors(pytestconfig):
        opened = knm_run.open_sandbox()
    with opened:
        yield opened


@pytest.fixture(scope="session")
def knm_completions(pytestconfig: pytest.Config) -> CompletionService:
    """What the model writes, with or without kNN."""
    return pytestconfig.stash[COMPLETIONS]


@pytest.fixture(scope="session")
def knm_judge(knm_sandbox: Sandbox, pytestconfig: pytest.Config) -> Sandbox:
    """The sandbox, which runs nothing again that it has judged in this run or in earlier ones."""
    with usage_errors(pytestconfig):
        pytestconfig.stash[JUDGE] = pytestconfig.stash[KEPT].around(knm_sandbox)
    return pytestconfig.stash[JUDGE]


@pytest.fixture
def knm_result(
    request: pytest.FixtureRequest,
    knm_problem: Problem,
    knm_run: BenchRun,
    knm_completions: CompletionService,
) -> ProblemResult:
    """The problem's completion, judged. A fault of ours is an error of the test.

    Where the run only decodes, there is no verdict and the test is skipped.
    """
    asked = knm_run.requests(knm_problem, request.config.stash[WITHHELD])
    language = knm_run.options.language
    if knm_run.options.decode_only:
        outcome = decode(knm_problem, asked, knm_completions, language)
    else:
        judge = request.getfixturevalue("knm_judge")  # which needs a sandbox
        outcome = evaluate(knm_problem, asked, knm_completions, judge, language)
    request.node.stash[RESULT] = outcome
    request.node.user_properties.extend(junit_properties(outcome))
    if outcome.verdict is Verdict.NOT_JUDGED:
        pytest.skip(NOT_JUDGED)
    if outcome.verdict.is_infrastructure:
        pytest.fail(render_failure(outcome), pytrace=False)
    return outcome


def assert_accepted(result: ProblemResult) -> None:
    """Fail the test unless the program passed all tests: with verdict, program and failing test."""
    __tracebackhide__ = True
    if not result.accepted:
        pytest.fail(render_failure(result), pytrace=False)
