"""The bench as a user runs it: real pytest processes, the embedded model, the real sandbox."""

import json
import re
import shlex
import shutil
import sqlite3
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

import knm.bench.run
from knm.bench.asking import NOT_NAMED
from knm.cli import app
from knm.codec import to_json
from knm.engine import describe_setup
from knm.options import ServedEngineOptions
from knm.records import MOST_CHANGES
from knm.report import finish_stream, load_report, stream_path, validate_document
from knm.sandbox.local import LocalSandbox
from tests.bench.processes import engine_server, run_bench, run_pytest, session_cache
from tests.bench.test_engines import EMBEDDED
from tests.problems.problem_files import short_records, without_tests, write_problems
from tests.report.builders import without_times
from tests.serving import scripted

pytest_plugins = ["pytester", "tests.bench.here"]

SETTINGS = ("--max-new-tokens", "96", "--batch-size", "3")


@pytest.fixture(scope="module")
def problems(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("problems")
    return write_problems(directory / "set.jsonl", short_records(6))


PROCESSES = ("controller", "gw0", "gw1")


@pytest.fixture(scope="module")
def baseline(problems, tmp_path_factory) -> tuple[subprocess.CompletedProcess[str], Path]:
    results = tmp_path_factory.mktemp("baseline") / "base.json"
    process = run_bench(
        *("--problems", problems, "--results", results, "-p", "tests.bench.probe", *SETTINGS),
        environment={"KNM_PROBE": str(results.parent)},
    )
    return process, results


def outcomes(path: Path) -> dict[str, tuple[str | None, str]]:
    """Completion and verdict by id, of a report that has to be valid."""
    assert list(validate_document(json.loads(path.read_text()))) == []
    return {
        result.question_id: (result.text, result.verdict) for result in load_report(path).results
    }


def test_each_problem_is_one_test_and_passes_if_its_program_is_accepted(baseline):
    process, results = baseline
    report = json.loads(results.read_text())
    assert len(report["tests"]) == 6
    for test in report["tests"]:
        accepted = test["metadata"]["knm"]["samples"][0]["judgement"]["verdict"] == "accepted"
        assert test["outcome"] == ("passed" if accepted else "failed")
    assert process.returncode == 1
    assert {"passed", "failed"} == {test["outcome"] for test in report["tests"]}


def test_the_summary_shows_pass_at_1_and_where_the_report_is(baseline):
    process, results = baseline
    assert "Pass@1" in process.stdout
    assert str(results) in process.stdout


def test_a_failure_line_shows_verdict_and_class(baseline):
    process, results = baseline
    failed = [result for result in load_report(results).results if not result.accepted]
    assert failed
    for result in failed:
        line = f"test_problem[{result.question_id}] - Failed: {result.judgement.label}"
        assert line in process.stdout


def test_the_stream_beside_the_report_would_have_made_the_same_report(baseline):
    _, results = baseline
    written = json.loads(results.read_text())
    finished = finish_stream(stream_path(results))
    assert finished["tests"] == written["tests"]
    assert finished["knm"] == written["knm"]
    assert finished["exitcode"] == written["exitcode"]


def test_the_run_shows_how_far_and_how_well_it_goes(baseline):
    process, _ = baseline
    assert "knm: 3 of 6 · Pass@1 " in process.stdout
    assert re.search(r"knm: 6 of 6 · Pass@1 .* tokens/s", process.stdout)


def test_the_model_library_is_left_to_the_engine(baseline):
    _, results = baseline
    figures = json.loads((results.parent / "controller.json").read_text())
    assert "transformers" not in figures["heavy"]


def test_the_report_says_what_ran(baseline):
    _, results = baseline
    section = json.loads(results.read_text())["knm"]
    assert section["configuration"]["model"] == "embedded"
    assert section["configuration"]["max_new_tokens"] == 96
    assert section["environment"]["sandbox"]["interpreter"].startswith("LuaJIT 2.1")
    assert section["totals"]["problems"] == 6


def test_two_workers_give_the_same_completions_and_verdicts(baseline, problems, tmp_path):
    _, results = baseline
    served = ServedEngineOptions(max_new_tokens=96, batch_size=3)
    parallel = tmp_path / "parallel.json"
    junit = tmp_path / "junit.xml"
    comparison = ("--knm-baseline", results, "--knm-fail-on", "any-loss", "--junitxml", junit)
    with engine_server(served) as url:
        process = run_bench(
            *("--problems", problems, "--results", parallel, "-n", "2", "--fresh", *SETTINGS),
            *("--engine", url, *comparison, "-p", "tests.bench.probe"),
            environment={"KNM_PROBE": str(tmp_path), "KNM_PROBE_FILE": str(problems)},
        )
    assert outcomes(parallel) == outcomes(results)
    assert "noise floor: the same run twice differs on 0 of 6" in process.stdout
    assert "any-loss: no" in process.stdout
    assert process.returncode == 0  # problems fail, and no more of them than before
    figures = {name: json.loads((tmp_path / f"{name}.json").read_text()) for name in PROCESSES}
    # The controller reads the set; a worker opens it for the tests of each problem that it judges.
    assert figures["controller"]["opened"] == 1
    assert sum(figures[name]["opened"] for name in PROCESSES[1:]) == 6
    properties = {
        (entry.get("name"), entry.get("value"))
        for entry in ElementTree.parse(junit).iter("property")
    }
    assert ("knm.counted", "6") in properties
    assert ("knm.verdict", "accepted") in properties


def test_a_repeated_run_judges_nothing_and_writes_the_same_report(
    baseline, problems, bench_here, monkeypatch, tmp_path
):
    _, results = baseline
    again = tmp_path / "again.json"

    def run_it(*_arguments, **_settings):
        raise AssertionError("judged already")

    monkeypatch.setattr(LocalSandbox, "judge", run_it)
    run = bench_here("--problems", problems, "--results", again, *SETTINGS)
    run.stdout.fnmatch_lines(["6 completions and 6 verdicts were kept from before; --fresh *"])
    first, second = (json.loads(path.read_text()) for path in (results, again))
    assert without_times(second["tests"]) == without_times(first["tests"])
    assert without_times(second["knm"]) == without_times(first["knm"])


@pytest.mark.parametrize("workers", ["0", "1"])
def test_what_is_said_while_a_test_runs_is_seen(baseline, problems, tmp_path, workers):
    """pytest takes what is printed meanwhile for the test's, and drops it if that passes."""
    kept = shutil.copytree(session_cache(), tmp_path / "kept")
    with sqlite3.connect(kept / "judgements.sqlite") as connection:
        connection.execute("update judgements set judgement = '{}'")
    run = run_bench(
        *("--problems", problems, "--results", tmp_path / "r.json", "-n", workers, *SETTINGS),
        environment={"KNM_CACHE_DIR": str(kept)},
    )
    output = run.stdout + run.stderr
    told = [
        line
        for line in output.splitlines()
        if "some judgements cannot be read and are made" in line
    ]
    assert len(told) == 1
    assert outcomes(tmp_path / "r.json") == outcomes(baseline[1])


@pytest.mark.parametrize("selection", [(), ("--limit", "4"), ("-k", "a or b")])
def test_what_was_decoded_only_is_judged_elsewhere_into_the_same_report(
    baseline, problems, bench_here, monkeypatch, tmp_path, selection
):
    whole, decoded, judged = (tmp_path / f"{name}.json" for name in ("whole", "decoded", "judged"))
    common = ("--problems", problems, *selection, *SETTINGS)
    bench_here(*common, "--results", whole)
    with monkeypatch.context() as patch:
        patch.setattr(knm.bench.run, "open_sandbox", lambda *_, **__: pytest.fail("a sandbox"))
        run = bench_here(*common, "--results", decoded, "--decode-only")
    assert run.ret == pytest.ExitCode.OK
    (command,) = [line for line in run.outlines if line.startswith("judge ")]
    words = shlex.split(command.removeprefix("judge"))
    assert words[-1] == str(decoded)
    assert list(validate_document(json.loads(decoded.read_text()))) == []

    told = CliRunner().invoke(app, [*words[1:], "--out", str(judged)])
    assert told.exit_code == 0, told.output
    ours, theirs = load_report(whole), load_report(judged)
    assert without_times(to_json(theirs.results)) == without_times(to_json(ours.results))
    assert [each.generation_seconds for each in theirs.results] == [
        each.generation_seconds for each in ours.results
    ]
    ours.section["environment"] = theirs.section["environment"] = None
    assert without_times(theirs.section) == without_times(ours.section)
    outcomes = [
        [(test["nodeid"], test["outcome"]) for test in json.loads(path.read_text())["tests"]]
        for path in (whole, judged)
    ]
    assert outcomes[0] == outcomes[1]

    collected = ("--problems", problems, "--out", tmp_path / "own.jsonl")
    for refusing in (
        ("diff", whole, decoded),
        ("report", decoded),
        ("report", "show", decoded),
        ("corpus", "collect", decoded, *collected),
    ):
        refused = CliRunner().invoke(app, [*map(str, refusing)])
        assert f"{decoded}: not judged: the run only decoded; `knm judge" in str(refused.exception)


def test_weight_0_gives_the_baseline_and_the_default_weight_intervenes(
    baseline, problems, small_datastore, bench_here, tmp_path
):
    _, results = baseline
    unweighted, corrected = tmp_path / "w0.json", tmp_path / "knn.json"
    common = ("--problems", problems, "--knn", "--datastore", small_datastore, *SETTINGS)
    served = ServedEngineOptions(
        max_new_tokens=96, batch_size=3, knn=True, datastore=str(small_datastore)
    )
    with engine_server(replace(served, knn_lambda=0.0)) as url:
        bench_here(*common, "--knn-lambda", "0", "--results", unweighted, "--engine", url)
    with engine_server(served) as url:
        bench_here(*common, "--results", corrected, "--engine", url)
    assert outcomes(unweighted) == outcomes(results)
    assert outcomes(corrected) != outcomes(results)
    changes = [result.interventions for result in load_report(corrected).results]
    assert all(knn is not None and knn.searched == knn.steps for knn in changes)
    assert any(knn is not None and knn.argmax_changes for knn in changes)
    assert all(
        knn is not None and len(knn.changes) == min(knn.argmax_changes, MOST_CHANGES)
        for knn in changes
    )


@pytest.fixture(scope="module")
def small_datastore(tmp_path_factory) -> Path:
    directory: Path = tmp_path_factory.mktemp("store") / "small"
    mined = CliRunner().invoke(app, ["mine", "--out", str(directory), "--limit", "20"])
    assert mined.exit_code == 0, mined.output
    return directory


def test_k_selects_by_id(bench_here):
    shown = bench_here("-k", "abc305", "--collect-only", "-q").outlines
    selected = [line for line in shown if "::" in line]
    assert selected == ["bench/test_problems.py::test_problem[abc305_a]"]


def test_a_broken_problem_is_an_error_and_not_a_failure(bench_here, tmp_path):
    records = [*short_records(1), without_tests("untested")]
    path, results = write_problems(tmp_path / "set.jsonl", records), tmp_path / "r.json"
    with scripted.serving(scripted.ScriptedEngine(), configuration=describe_setup(EMBEDDED)) as url:
        run = bench_here(
            *("--problems", path, "--results", results, "--engine", url),
            *("--max-new-tokens", EMBEDDED.generation.max_new_tokens),
        )
    report = json.loads(results.read_text())
    by_id = {test["metadata"]["knm"]["question_id"]: test["outcome"] for test in report["tests"]}
    assert by_id["untested"] == "error"
    assert report["knm"]["totals"]["infrastructure"] == 1
    assert "broken-problem" in run.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--model", "nope"), "--model nope"),
        (("--knn", "--datastore", "nope"), "--datastore nope"),
        (("--knn", "--knn-k", "0"), "--knn-k 0"),
        (("--sandbox", "nope"), "nope"),
        (("--decode-only", "--sandbox", "nope"), "unknown sandbox 'nope'"),
        (("--decode-only", "--language", "java"), "neither run nor judged"),
        (("--knm-baseline", "nope.json"), "nope.json"),
        (("--knm-fail-on", "regression"), "--knm-baseline"),
        (("--knm-baseline", "results/baseline.json", "--knm-fail-on", "x"), "regression, any-loss"),
        (("--knm-baseline", "results/baseline.json", "--limit", "3"), "hashes.problem_set"),
        (("--samples", "4"), "--temperature"),
        (("--engine", "http://127.0.0.1:9"), "cannot be reached"),
        (("-p", "no:pytest_jsonreport"), "-p no:pytest_jsonreport"),
        (("--decode-only", "--knm-baseline", "results/baseline.json"), "use `knm diff` once"),
        (("--results", "README.md/r.json"), "README.md/r.json cannot be written"),
        (("--results", "datastore"), "--results: datastore is a directory"),
        (("--results", "new.jsonl"), "--results: new.jsonl would be written twice"),
        (("--knm-baseline", "results/knn.json", "--results", "results/knn.json"), "written over"),
    ],
)
def test_bad_input_stops_the_run_with_a_usage_error(arguments, message, bench_here):
    run = bench_here(*arguments)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    shown = run.stderr.str() + run.stdout.str()
    assert message in shown
    assert "Traceback" not in shown


@pytest.mark.parametrize("results", ["set.json", "set.jsonl"])
def test_a_problem_file_is_never_written_over(tmp_path, results, bench_here):
    path = write_problems(tmp_path / "set.jsonl", short_records(1))
    before = path.read_bytes()
    run = bench_here("--problems", path, "--results", tmp_path / results)
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "set.jsonl would be written over, and it is read" in run.stderr.str()
    assert path.read_bytes() == before


def test_an_option_may_name_a_file_of_another_project(tmp_path):
    """pytest takes the first path that it finds, an option's value too, for where its root is."""
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    path = write_problems(tmp_path / "set.jsonl", short_records(2))
    results = tmp_path / "r.json"
    with scripted.serving(scripted.ScriptedEngine(), configuration=describe_setup(EMBEDDED)) as url:
        process = run_pytest(
            *("--problems", path, "bench", "--results", results, "--engine", url, "-n", "1"),
            *("--max-new-tokens", EMBEDDED.generation.max_new_tokens),
        )
    assert f"rootdir: {tmp_path}" in process.stdout
    ids = [test["nodeid"] for test in json.loads(results.read_text())["tests"]]
    names = sorted(record["question_id"] for record in short_records(2))
    assert ids == [f"bench/test_problems.py::test_problem[{name}]" for name in names]


def test_problems_that_are_not_named_say_how_they_are_run():
    # Without the conftest of the tests, which imports a model library.
    plugin = ("--noconftest", "-p", "knm.bench.plugin")
    process = run_pytest(".", "--ignore", "tests", "-k", "test_problem", *plugin)
    assert NOT_NAMED in process.stdout
    assert "KeyError" not in process.stdout
