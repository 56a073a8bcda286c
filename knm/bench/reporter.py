"""The pytest side of reports: what a run shows, streams, writes and concludes.

Registered beside the bench's plugin in the process that reports. Knows tests by their results
alone, and nothing of models.
"""

from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from knm.codec import to_json
from knm.errors import UserError
from knm.outputs import shown_path
from knm.report import (
    Condition,
    ProblemResult,
    Report,
    ReportDiff,
    ResultStream,
    RunHeader,
    RunningTotals,
    diff_reports,
    portable_test,
    read_result,
    refuse_unlike,
    render_diff,
    render_summary,
    stream_path,
    summarize,
)


@dataclass(frozen=True)
class BaselineCheck:
    """What a run is compared with at its end; `condition` may fail it."""

    report: Report
    condition: Condition | None = None


@dataclass(frozen=True)
class Ending:
    """What is concluded of a run at its end, and what its last lines name.

    With `faults_only` problems that fail are data: they leave the exit status as it would be
    without. `commands` tells what to type next: what for, and the command.
    """

    baseline: BaselineCheck | None = None
    faults_only: bool = False
    commands: Callable[[], Iterable[tuple[str, str]]] = tuple


def junit_properties(result: ProblemResult) -> list[tuple[str, object]]:
    """What JUnit XML says of a problem beside its outcome."""
    return [
        ("knm.verdict", result.verdict.value),
        ("knm.error_class", result.judgement.error_class or ""),
        ("knm.tests", f"{result.judgement.tests_passed}/{result.judgement.tests_total}"),
        ("knm.completion_tokens", result.completion_tokens),
    ]


class RunReporter:
    """Gathers the results of a run; streams, shows and reports them."""

    def __init__(
        self,
        config: pytest.Config,
        path: Path,
        make_header: Callable[[int | None], RunHeader],
        problems: Collection[str],
        ending: Ending,
    ) -> None:
        """Hold the stream beside `path`, unless tests are only collected.

        `make_header` is called once, with the number of selected problems if it is known;
        `problems` are the ids of all that could be selected.

        Raises:
            UserError: the stream cannot be written.
        """
        self._config = config
        self._path = path
        self._make_header = make_header
        self._baseline = ending.baseline
        self._ending = ending
        # As pytest writes ids: a controller of xdist knows tests by their names alone.
        self._endings = tuple(
            f"[{question_id.encode('unicode_escape').decode('ascii')}]" for question_id in problems
        )
        self._header: RunHeader | None = None
        self._stream: ResultStream | None = None
        if not config.option.collectonly:
            self._stream = ResultStream(stream_path(path), self._run_header, fresh=True)
        self._running = RunningTotals(None)
        self._results: dict[str, ProblemResult] = {}
        self._tests: dict[str, dict[str, Any]] = {}
        self._failed: set[str] = set()
        self._over = False

    def check_baseline(self) -> None:
        """Refuse a baseline that this run cannot be compared with, before it begins.

        Raises:
            UserError: saying what differs.
        """
        if self._baseline is not None:
            report = self._baseline.report
            refuse_unlike(report, self._make_header(None), (report.path, "this run"))

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Count the selected problems."""
        self._select([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Count the selected problems: each worker of xdist collects all of them."""
        self._select(ids)

    def _select(self, ids: list[str]) -> None:
        self._running.selected = sum(map(self._is_problem, ids))
        terminal = self._terminal
        if terminal is not None and self._shows_progress:
            terminal.showfspath = False  # a file's name, to be followed by letters

    def _is_problem(self, nodeid: str) -> bool:
        return nodeid.endswith(self._endings)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Stream a result as it comes: the report itself is written only at the end."""
        if report.failed:
            self._failed.add(report.nodeid)
            if report.when == "call" and self._is_brief and self._is_problem(report.nodeid):
                # pytest's own mark of what need not be shown in full; the line in its short
                # summary stays, and so does the text in reports.
                report._pdbshown = True  # type: ignore[attr-defined]
        test = self._add_stage(report)
        value = getattr(report, "knm_result", None)
        if value is None:
            return
        del self._tests[report.nodeid]
        result = read_result(value, report.nodeid)
        self._results[report.nodeid] = result
        if self._stream is not None:
            self._stream.write(portable_test({**test, "metadata": {"knm": value}}))
        self._show_progress(result)

    def _add_stage(self, report: pytest.TestReport) -> dict[str, Any]:
        """The test as pytest-json-report describes it, up to this stage."""
        hook = self._config.hook
        test = self._tests.setdefault(
            report.nodeid,
            {"nodeid": report.nodeid, "lineno": report.location[1], "outcome": "passed"},
        )
        outcome = hook.pytest_report_teststatus(report=report, config=self._config)[0]
        if outcome not in ("passed", ""):
            test["outcome"] = outcome
        test[report.when] = hook.pytest_json_runtest_stage(report=report)
        return test

    def _run_header(self) -> RunHeader:
        if self._header is None:
            self._header = self._make_header(self._running.selected)
        return self._header

    @pytest.hookimpl(wrapper=True)
    def pytest_report_teststatus(
        self, report: pytest.TestReport
    ) -> Generator[None, tuple[Any, ...], tuple[Any, ...]]:
        """Leave a problem's letter out where lines about all of them tell more."""
        status = yield
        if self._shows_progress and self._is_problem(report.nodeid):
            return status[0], "", ""
        return status

    def _show_progress(self, result: ProblemResult) -> None:
        before = self._running.decile
        self._running.add(result)
        terminal = self._terminal
        if terminal is None or terminal.verbosity < 0:
            return
        if self._is_live:
            terminal.rewrite(self._running.line(), erase=True)
        elif self._running.decile > before:
            self._begin_line(terminal)
            terminal.write_line(f"knm: {self._running.line()}")

    def _begin_line(self, terminal: Any) -> None:
        terminal.ensure_newline()  # which knows of no letters that came from workers
        writer = self._config.get_terminal_writer()
        if writer.width_of_current_line:
            writer.line()

    @property
    def _shows_progress(self) -> bool:
        """Whether lines about all problems stand for the letters of each, while tests run."""
        terminal = self._terminal
        return terminal is not None and terminal.verbosity == 0 and not self._over

    @property
    def _is_live(self) -> bool:
        """Whether one line can be drawn over and over: on a terminal, while tests run."""
        return self._shows_progress and bool(self._terminal.isatty)

    @property
    def _is_brief(self) -> bool:
        """Whether a failure is told in one line, because nobody asked for more."""
        option = self._config.option
        return bool(option.verbose < 1 and option.tbstyle == "auto")

    @property
    def _terminal(self) -> Any:
        return self._config.pluginmanager.getplugin("terminalreporter")

    def pytest_json_modifyreport(self, json_report: dict[str, Any]) -> None:
        """Add the `knm` section, order the tests and leave out this machine's paths."""
        if self._config.option.collectonly:  # nothing ran, and a datastore need not be there
            return
        json_report["root"] = "."
        tests = sorted(json_report.get("tests", []), key=lambda test: test["nodeid"])
        json_report["tests"] = [portable_test(test) for test in tests]
        json_report["knm"] = self._run_header().section(self._ordered())
        diff = self._comparison
        if isinstance(diff, ReportDiff) and not diff.differences:
            json_report["knm"]["noise"] = to_json(diff.noise[0])

    def _ordered(self) -> tuple[ProblemResult, ...]:
        return tuple(sorted(self._results.values(), key=lambda result: result.question_id))

    # Around pytest's own, so that what a run came to is the last thing on the screen.
    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, None, None]:
        """Say what the run came to, in JUnit XML too, and conclude its exit status."""
        self._over = True
        self._add_suite_properties()
        passed = self._concludes_well()
        if passed is not None and self._only_problems_failed(session):
            session.exitstatus = pytest.ExitCode.OK if passed else pytest.ExitCode.TESTS_FAILED
        yield
        if self._terminal is not None:
            self._write_end(self._terminal)

    def _concludes_well(self) -> bool | None:
        """What the run's end says of problems that failed; None leaves it to pytest."""
        condition = self._baseline.condition if self._baseline else None
        if condition is None:
            return True if self._ending.faults_only else None
        diff = self._comparison
        return isinstance(diff, ReportDiff) and not condition.met_by(diff)

    def _only_problems_failed(self, session: pytest.Session) -> bool:
        counted = {
            nodeid
            for nodeid, result in self._results.items()
            if not result.verdict.is_infrastructure
        }
        usual = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
        return session.exitstatus in usual and self._failed <= counted

    def _add_suite_properties(self) -> None:
        totals = summarize(self._ordered())
        told = {
            "pass_at_1": totals.pass_at_1,
            "passed": totals.passed,
            "counted": totals.counted,
            "infrastructure": totals.infrastructure,
        }
        if totals.unjudged:
            told = {"not_judged": totals.unjudged}
        for plugin in self._config.pluginmanager.get_plugins():
            if hasattr(plugin, "add_global_property"):  # JUnit XML is asked for
                for name, value in told.items():
                    plugin.add_global_property(f"knm.{name}", str(value))

    @cached_property
    def _comparison(self) -> ReportDiff | UserError | None:
        """Of the baseline with this run, or why there is none; asked for when the run is over."""
        if self._baseline is None or not self._results:
            return None
        header, results = self._run_header(), self._ordered()
        run = Report(
            self._path, header.configuration, header.hashes, results, header.section(results)
        )
        try:
            return diff_reports(self._baseline.report, run)
        except UserError as error:
            return error

    def _write_end(self, terminal: pytest.TerminalReporter) -> None:
        """Pass@1, verdicts, error classes, kNN share, the report's place, and what to type next."""
        left = (self._running.selected or 0) - len(self._results)
        if self._config.option.collectonly or not (self._results or left):
            return
        if self._results and self._baseline is not None:
            self._write_comparison(terminal, self._baseline.condition)
        terminal.section("knm")
        if left:
            of = self._running.selected
            terminal.write_line(f"not run to the end: {left} of {of} problems")
        if self._results:
            totals, commands = summarize(self._ordered()), self._ending.commands()
            for line in render_summary(totals, shown_path(self._path), commands):
                terminal.write_line(line)

    def _write_comparison(
        self, terminal: pytest.TerminalReporter, condition: Condition | None
    ) -> None:
        diff = self._comparison
        terminal.section("knm baseline")
        if not isinstance(diff, ReportDiff):
            terminal.write_line(str(diff))
            return
        terminal.write_line(render_diff(diff))
        if condition is not None:
            terminal.write_line(f"\n{condition}: {'yes' if condition.met_by(diff) else 'no'}")

    def pytest_unconfigure(self) -> None:
        """Close the stream."""
        if self._stream is not None:
            self._stream.close()
