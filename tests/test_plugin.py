"""The bench as a user runs it: real pytest processes, the embedded model, the real sandbox."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from knm.report import load_report, read_stream, stream_path
from tests.harness.problem_files import ROOT, grammar_records, without_tests, write_problems
from tests.harness.processes import run_bench

SETTINGS = ("--max-new-tokens", "160", "--batch-size", "2")


@pytest.fixture(scope="module")
def problems(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("problems")
    return write_problems(directory / "set.jsonl", grammar_records(6))


@pytest.fixture(scope="module")
def baseline(problems, tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    results = tmp_path_factory.mktemp("baseline") / "base.json"
    return run_bench("--problems", problems, "--results", results, *SETTINGS), results


def outcomes(path: Path) -> dict[str, tuple[str | None, str]]:
    return {
        result.question_id: (result.completion, result.verdict)
        for result in load_report(path).results
    }


def test_each_problem_is_one_test_and_passes_if_its_program_is_accepted(baseline):
    process, results = baseline
    report = json.loads(results.read_text())
    assert len(report["tests"]) == 6
    for test in report["tests"]:
        accepted = test["metadata"]["knm"]["verdict"] == "accepted"
        assert test["outcome"] == ("passed" if accepted else "failed")
    assert process.returncode == 1
    assert {"passed", "failed"} == {test["outcome"] for test in report["tests"]}


def test_the_summary_shows_pass_at_1_and_where_the_report_is(baseline):
    process, results = baseline
    assert "Pass@1" in process.stdout
    assert str(results) in process.stdout


def test_a_failure_line_shows_verdict_and_class(baseline):
    process, results = baseline
    for result in load_report(results).results:
        if not result.accepted:
            label = f" ({result.error_class})" if result.error_class else ""
            line = f"test_problem[{result.question_id}] - Failed: {result.verdict}{label}"
            assert line in process.stdout


def test_results_are_streamed_beside_the_report(baseline):
    _, results = baseline
    streamed = {result.question_id for result in read_stream(stream_path(results))}
    assert streamed == set(outcomes(results))


def test_the_report_says_what_ran(baseline):
    _, results = baseline
    section = json.loads(results.read_text())["knm"]
    assert section["configuration"]["model"] == "embedded"
    assert section["configuration"]["max_new_tokens"] == 160
    assert section["environment"]["sandbox"]["interpreter"].startswith("LuaJIT 2.1")
    assert section["totals"]["problems"] == 6


def test_two_workers_give_the_same_completions_and_verdicts(baseline, problems, tmp_path):
    _, results = baseline
    parallel = tmp_path / "parallel.json"
    run_bench("--problems", problems, "--results", parallel, "-n", "2", "--fresh", *SETTINGS)
    assert outcomes(parallel) == outcomes(results)


def test_weight_0_gives_the_baseline_and_the_default_weight_intervenes(
    baseline, problems, small_datastore, tmp_path
):
    _, results = baseline
    unweighted, corrected = tmp_path / "w0.json", tmp_path / "knn.json"
    common = ("--problems", problems, "--knn", "--datastore", small_datastore, *SETTINGS)
    run_bench(*common, "--knn-lambda", "0", "--results", unweighted)
    run_bench(*common, "--results", corrected)
    assert outcomes(unweighted) == outcomes(results)
    changes = [result.knn for result in load_report(corrected).results]
    assert all(knn is not None and knn["searched"] == knn["steps"] for knn in changes)
    assert any(knn is not None and knn["argmax_changes"] for knn in changes)


@pytest.fixture(scope="module")
def small_datastore(tmp_path_factory) -> Path:
    directory: Path = tmp_path_factory.mktemp("store") / "small"
    command = [sys.executable, "-m", "knm.cli", "mine", "--out", str(directory), "--limit", "40"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return directory


def test_k_selects_by_id():
    process = run_bench("-k", "abc305", "--collect-only", "-q")
    selected = [line for line in process.stdout.splitlines() if "::" in line]
    assert selected == ["bench/test_problems.py::test_problem[abc305_a]"]


def test_a_broken_problem_is_an_error_and_not_a_failure(tmp_path):
    records = [*grammar_records(1), without_tests("untested")]
    path, results = write_problems(tmp_path / "set.jsonl", records), tmp_path / "r.json"
    process = run_bench("--problems", path, "--results", results, *SETTINGS)
    report = json.loads(results.read_text())
    by_id = {test["metadata"]["knm"]["question_id"]: test["outcome"] for test in report["tests"]}
    assert by_id["untested"] == "error"
    assert report["knm"]["totals"]["infrastructure"] == 1
    assert "broken-problem" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "nope"), "--model nope"),
        (("--knn", "--datastore", "nope"), "--datastore nope"),
        (("--knn", "--knn-k", "0"), "--knn-k 0"),
        (("--sandbox", "nope"), "nope"),
        (("--samples", "4"), "--temperature"),
        (("--engine", "http://127.0.0.1:9"), "cannot be reached"),
    ],
)
def test_bad_input_stops_the_run_with_a_usage_error(arguments, message):
    process = run_bench(*arguments)
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in process.stderr + process.stdout
    assert "Traceback" not in process.stderr + process.stdout
