"""`RunReporter` apart from models: a pytest run of its own, whose tests bring their results."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from knm.bench.reporter import junit_properties
from knm.report import finish_stream, load_report, stream_path
from knm.sandbox import Verdict
from tests.problems.problem_files import ROOT
from tests.report.builders import result, without_times

pytest_plugins = ["pytester"]

CONFTEST = """
from pathlib import Path
import pytest
from knm.codec import to_json
from knm.report import load_report, parse_condition
from knm.bench.reporter import BaselineCheck, Ending, RunReporter
from tests.report.builders import header, result
from knm.sandbox import Verdict

HERE = Path(__file__).parent
VERDICTS = {VERDICTS}

def pytest_addoption(parser):
    parser.addoption("--baseline")
    parser.addoption("--fail-on")
    parser.addoption("--faults-only", action="store_true")

@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    config.option.json_report = True
    config.option.json_report_file = str(HERE / "run.json")
    config.option.json_report_omit = ["collectors", "keywords", "traceback", "log"]
    if hasattr(config, "workerinput"):
        return
    given, name = config.getoption("baseline"), config.getoption("fail_on")
    baseline = given and BaselineCheck(load_report(given), name and parse_condition(name))
    make = lambda selected: header(selected=selected)
    next_one = lambda: [("next", "type me")]
    ending = Ending(baseline or None, config.getoption("faults_only"), next_one)
    path = HERE / "run.json"
    config.pluginmanager.register(RunReporter(config, path, make, VERDICTS, ending))

def pytest_generate_tests(metafunc):
    if "problem" in metafunc.fixturenames:
        metafunc.parametrize("problem", VERDICTS)

def pytest_json_runtest_metadata(item):
    name = getattr(item, "callspec", None) and item.callspec.params["problem"]
    return {{"knm": value(name)}} if name else {{}}

def value(name):
    return to_json(result(name, Verdict(VERDICTS[name])))

@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if report.when == "teardown" and hasattr(item, "callspec"):
        report.knm_result = value(item.callspec.params["problem"])
    return report

@pytest.fixture
def solved(problem):
    if VERDICTS[problem] == "not-judged":
        pytest.skip("not judged")
    if Verdict(VERDICTS[problem]).is_infrastructure:
        pytest.fail("a fault", pytrace=False)
    return VERDICTS[problem] == "accepted"
"""
TEST = """
import pytest

def test_problem(problem, solved):
    if not solved: pytest.fail("wrong", pytrace=False)
"""
OPTIONS = ["-p", "no:cacheprovider", "-p", "pytest_jsonreport.plugin", "-p", "xdist.plugin"]
COMMAND = [sys.executable, "-m", "pytest", *OPTIONS]
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(ROOT),
    "COLUMNS": "120",
    # Each of the many runs would pay for other plugins too.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
}


@pytest.fixture
def run(tmp_path, pytester, monkeypatch):
    """Run tests of the verdicts given; returns what came of it and the report's path.

    A run that has a terminal or workers is a process of its own, all others are in this one, which
    has imported what takes most of their time.
    """

    def start(verdicts: dict[str, str], *arguments: object, terminal: int | None = None):
        (tmp_path / "conftest.py").write_text(CONFTEST.format(VERDICTS=verdicts))
        (tmp_path / "test_bench.py").write_text(TEST)
        words = [*map(str, arguments)]
        if terminal is None and "-n" not in words:
            monkeypatch.chdir(tmp_path)
            for name, value in ENVIRONMENT.items():
                monkeypatch.setenv(name, value)
            done = pytester.runpytest_inprocess(*OPTIONS, *words, syspathinsert=False)
            process = subprocess.CompletedProcess(words, int(done.ret), done.stdout.str())
        else:
            process = subprocess.run(
                [*COMMAND, *words],
                cwd=tmp_path,
                env=ENVIRONMENT,
                stdout=subprocess.PIPE if terminal is None else terminal,
                stderr=subprocess.STDOUT,
                text=True,
            )
        return process, tmp_path / "run.json"

    return start


FAILED, PASSED = Verdict.TIMEOUT.value, Verdict.ACCEPTED.value


def baseline_of(run, verdicts: dict[str, str], path: Path) -> Path:
    run(verdicts)[1].rename(path)
    return path


def test_what_was_streamed_makes_the_same_report(run):
    _, path = run({"a": PASSED, "b": FAILED, "c": Verdict.SANDBOX_FAULT.value})
    written, finished = json.loads(path.read_text()), finish_stream(stream_path(path))

    assert finished["tests"] == written["tests"]
    assert finished["knm"] == written["knm"]
    assert [test["outcome"] for test in written["tests"]] == ["passed", "failed", "error"]


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_run_that_only_decodes_ends_well_and_shows_no_rate(run, tmp_path, workers):
    verdicts = {"a": Verdict.NOT_JUDGED.value, "b": Verdict.NOT_JUDGED.value}
    process, path = run(verdicts, "--junitxml", tmp_path / "junit.xml", *workers)
    written, finished = json.loads(path.read_text()), finish_stream(stream_path(path))

    assert process.returncode == 0
    assert "2 of 2 · " in process.stdout
    assert re.search(r"^not judged +2 of 2 problems, decoded only$", process.stdout, re.MULTILINE)
    assert "Pass@1" not in process.stdout
    assert (finished["tests"], finished["knm"]) == (written["tests"], written["knm"])
    assert written["exitcode"] == finished["exitcode"] == 0
    assert [test["outcome"] for test in written["tests"]] == ["skipped", "skipped"]
    assert str(tmp_path) not in path.read_text()
    properties = (tmp_path / "junit.xml").read_text()
    assert '<property name="knm.not_judged" value="2" />' in properties
    assert "pass_at_1" not in properties


def test_a_fault_of_the_engine_is_one_in_a_run_that_only_decodes(run):
    verdicts = {"a": Verdict.NOT_JUDGED.value, "b": Verdict.ENGINE_FAULT.value}
    process, path = run(verdicts)
    assert process.returncode == 1
    assert finish_stream(stream_path(path))["exitcode"] == 1


def test_identical_runs_write_the_same_but_for_times(run):
    verdicts = {"a": PASSED, "b": FAILED}
    first = json.loads(run(verdicts)[1].read_text())
    again = json.loads(run(verdicts)[1].read_text())

    assert without_times(first) == without_times(again)


@pytest.mark.parametrize("lines", [2, 6])
def test_a_run_killed_at_any_moment_is_finished_as_far_as_it_came(run, tmp_path, lines):
    verdicts = {f"q{number}": (PASSED, FAILED)[number % 2] for number in range(12)}
    whole = json.loads(run(verdicts)[1].read_text())
    stream = tmp_path / "run.jsonl"
    stream.unlink()
    (tmp_path / "test_bench.py").write_text(TEST + "    import time; time.sleep(0.1)\n")
    with subprocess.Popen(
        COMMAND, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL
    ) as process:
        while not stream.exists() or stream.read_bytes().count(b"\n") < lines:
            assert process.poll() is None
        process.kill()
    finished = finish_stream(stream)

    done = {test["nodeid"] for test in finished["tests"]}
    assert lines - 1 <= len(done) < 12
    assert without_times(finished["tests"]) == [
        without_times(test) for test in whole["tests"] if test["nodeid"] in done
    ]
    assert finished["knm"]["selected"] == 12
    assert finished["knm"]["totals"]["problems"] == len(done)


@pytest.mark.parametrize(
    ("verdicts", "condition", "status"),
    [
        ({"a": PASSED, "b": FAILED}, "regression", 0),
        ({"a": PASSED, "b": FAILED}, None, 1),
        ({"a": FAILED, "b": FAILED}, "regression", 1),
        ({"a": FAILED, "b": PASSED}, "regression", 0),
        ({"a": FAILED, "b": PASSED}, "any-loss", 1),
        ({"a": PASSED, "b": Verdict.SANDBOX_FAULT.value}, "regression", 1),
    ],
)
def test_the_condition_on_the_baseline_decides_the_exit_status(
    run, tmp_path, verdicts, condition, status
):
    baseline = baseline_of(run, {"a": PASSED, "b": FAILED}, tmp_path / "base.json")
    more = () if condition is None else ("--fail-on", condition)
    process, _ = run(verdicts, "--baseline", baseline, *more)

    assert process.returncode == status
    assert "= knm baseline =" in process.stdout
    if condition is not None:
        assert re.search(rf"^{condition}: (yes|no)$", process.stdout, re.MULTILINE)


def test_a_baseline_without_a_common_problem_fails_the_run_that_asked(run, tmp_path):
    baseline = baseline_of(run, {"a": PASSED}, tmp_path / "base.json")
    process, _ = run({"b": PASSED}, "--baseline", baseline, "--fail-on", "regression")

    assert process.returncode == 1
    assert "no problem in common" in process.stdout
    assert "INTERNALERROR" not in process.stdout


def test_another_test_that_fails_fails_the_run_whatever_the_baseline_says(run, tmp_path):
    baseline = baseline_of(run, {"a": FAILED}, tmp_path / "base.json")
    (tmp_path / "test_other.py").write_text("def test_other():\n    assert False\n")
    process, _ = run({"a": FAILED}, "--baseline", baseline, "--fail-on", "regression")

    assert process.returncode == 1


@pytest.mark.parametrize(
    ("verdict", "status"), [(FAILED, 0), (PASSED, 0), (Verdict.SANDBOX_FAULT.value, 1)]
)
def test_problems_that_fail_may_be_data_and_faults_never_are(run, verdict, status):
    process, path = run({"a": PASSED, "b": verdict}, "--faults-only")
    assert process.returncode == status
    assert load_report(path).section["totals"]["problems"] == 2


def test_another_test_that_fails_is_no_data(run, tmp_path):
    (tmp_path / "test_other.py").write_text("def test_other():\n    assert 'a' == 'other'\n")
    process, _ = run({"a": FAILED}, "--faults-only")
    assert process.returncode == 1
    assert "assert 'a' == 'other'" in process.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_a_failure_takes_one_line_and_the_run_ends_with_what_to_type(run, workers):
    shown = run({"a": FAILED, "b": FAILED}, *workers)[0].stdout
    assert shown.count("wrong") == 2
    assert "= FAILURES =" not in shown
    assert shown.splitlines()[-1].split() == ["next", "type", "me"]
    assert "_ test_problem[a] _" in run({"a": FAILED}, "-v", *workers)[0].stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")])
def test_progress_has_lines_of_its_own_in_a_log(run, tmp_path, workers):
    (tmp_path / "test_aa.py").write_text("def test_other():\n    pass\n")
    shown = run({f"q{number}": PASSED for number in range(5)}, *workers)[0].stdout
    lines = [line for line in shown.splitlines() if "of 5 ·" in line]
    assert len(lines) == 5
    assert all(line.startswith("knm: ") for line in lines)


def test_each_tenth_of_a_run_has_its_line_in_a_log(run):
    process, _ = run({f"q{number:02}": PASSED for number in range(30)})

    assert len(re.findall(r"^knm: \d+ of 30 · Pass@1", process.stdout, re.MULTILINE)) == 10
    assert "knm:" not in run({"a": PASSED}, "-q")[0].stdout


def test_on_a_terminal_one_line_is_drawn_over_and_over(run):
    controller, terminal = pty.openpty()
    run({"a": PASSED, "b": FAILED}, terminal=terminal)
    os.close(terminal)
    shown = b""
    while chunk := _read(controller):
        shown += chunk
    os.close(controller)

    assert "\r1 of 2 · Pass@1 100.0 % (1)" in shown.decode()
    assert "\r2 of 2 · Pass@1 50.0 % (1)" in shown.decode()
    assert "FAILED" in shown.decode().partition("short test summary")[2]


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # the other end is closed
        return b""


def test_junit_xml_says_what_the_run_came_to(run, tmp_path):
    run({"a": PASSED, "b": FAILED}, "--junitxml", tmp_path / "junit.xml")
    text = (tmp_path / "junit.xml").read_text()

    assert '<property name="knm.pass_at_1" value="0.5" />' in text


def test_junit_properties_of_a_problem():
    assert dict(junit_properties(result("a", Verdict.RUNTIME_ERROR, error_class="index-nil"))) == {
        "knm.verdict": "runtime-error",
        "knm.error_class": "index-nil",
        "knm.tests": "1/4",
        "knm.completion_tokens": 20,
    }


def test_with_workers_the_number_of_problems_is_known_too(run):
    process, path = run({"a": PASSED, "b": FAILED, "c": PASSED}, "-n", "2")

    assert "knm: 3 of 3 · Pass@1 66.7 % (2)" in process.stdout
    assert load_report(path).section["selected"] == 3


def test_the_summary_says_how_many_were_not_run(run):
    process, _ = run({"a": PASSED, "b": FAILED, "c": PASSED, "d": PASSED}, "-x")
    assert "not run to the end: 2 of 4 problems" in process.stdout
    process, _ = run({"a": PASSED, "b": FAILED})
    assert "not run" not in process.stdout
