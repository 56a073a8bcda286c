"""One engine, many workers: equal completions whatever runs together, and none decoded twice."""

import json
import os
import signal
import sqlite3
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch

from knm.options import ServedEngineOptions
from knm.report import load_report, read_stream, stream_path
from tests.bench.processes import engine_server, run_bench, start_bench
from tests.problems.problem_files import grammar_records, write_problems

pytest_plugins = ["pytester", "tests.bench.here"]

TOKENS = ("--max-new-tokens", "40")
COUNT = 6


@pytest.fixture(scope="module")
def url():
    with engine_server(ServedEngineOptions(max_new_tokens=40, batch_size=2)) as address:
        yield address


@pytest.fixture(scope="module")
def problems(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("problems")
    return write_problems(directory / "set.jsonl", grammar_records(COUNT))


@pytest.fixture
def common(url, problems):
    return ("--engine", url, "--problems", problems, *TOKENS)


def decoded(url) -> int:
    """How many completions the server has made."""
    with urllib.request.urlopen(f"{url}/metrics") as response:
        lines = response.read().decode().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("knm_completions_total{"))


def completions(path: Path) -> dict[str, str | None]:
    return {result.question_id: result.text for result in load_report(path).results}


@pytest.fixture(scope="module")
def full(url, problems, tmp_path_factory) -> dict[str, str | None]:
    directory = tmp_path_factory.mktemp("full")
    run_bench(
        *("--engine", url, "--problems", problems, *TOKENS, "--results", directory / "r.json"),
        environment={"KNM_CACHE_DIR": str(directory)},
    )
    found = completions(directory / "r.json")
    assert len(found) == COUNT
    return found


def test_a_problem_alone_gives_what_it_gives_among_others(full, common, bench_here, tmp_path):
    name = list(full)[2]
    bench_here("-k", name, "--results", tmp_path / "r.json", "--fresh", *common)
    assert completions(tmp_path / "r.json") == {name: full[name]}


def test_two_workers_in_another_order_decode_everything_once_and_hold_no_model(
    full, common, url, tmp_path
):
    before = decoded(url)
    run_bench(
        *("-n", "2", "--results", tmp_path / "r.json", "-p", "tests.bench.probe", *common),
        environment={
            "KNM_CACHE_DIR": str(tmp_path),
            "KNM_PROBE": str(tmp_path),
            "KNM_REVERSED": "1",
        },
    )
    assert completions(tmp_path / "r.json") == full
    assert decoded(url) - before == COUNT
    for worker in ("gw0", "gw1"):
        figures = json.loads((tmp_path / f"{worker}.json").read_text())
        assert figures["heavy"] == []
        assert figures["peak_mb"] < 300


def kept(directory: Path, what: str = "completions") -> int:
    path = directory / f"{what}.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as connection:
        try:
            return int(connection.execute(f"select count(*) from {what}").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


def test_a_run_that_is_killed_goes_on_where_it_was(full, common, url, tmp_path):
    environment = {"KNM_CACHE_DIR": str(tmp_path)}
    before = decoded(url)
    with start_bench(*common, "--results", tmp_path / "r.json", environment=environment) as run:
        while not kept(tmp_path):
            assert run.poll() is None
            time.sleep(0.02)
        run.kill()
        run.communicate()
    assert 0 < kept(tmp_path) < COUNT
    there, judged = kept(tmp_path), kept(tmp_path, "judgements")
    again = run_bench(*common, "--results", tmp_path / "r.json", environment=environment)
    assert completions(tmp_path / "r.json") == full
    verdicts = f" and {judged} verdicts" if judged else ""
    assert f"{there} completions{verdicts} were kept from before" in again.stdout
    # The batch that was being decoded when the run was killed is lost, and nothing else.
    assert decoded(url) - before <= COUNT + 2


@pytest.mark.parametrize("workers", ["0", "2"])
def test_an_interrupted_run_reports_what_it_had(full, common, workers, tmp_path):
    environment = {"KNM_CACHE_DIR": str(tmp_path)}
    results = tmp_path / "r.json"
    arguments = (*common, "-n", workers, "--results", results)
    with start_bench(*arguments, environment=environment) as run:
        while not stream_path(results).exists() or not read_stream(stream_path(results)).results:
            assert run.poll() is None
            time.sleep(0.02)
        os.killpg(run.pid, signal.SIGINT)
        run.communicate(timeout=30)
    assert run.returncode == pytest.ExitCode.INTERRUPTED
    found = completions(results)
    assert 0 < len(found) < COUNT
    assert found.items() <= full.items()


def test_samples_are_all_judged_and_do_not_depend_on_the_order(common, tmp_path):
    def run(order):
        directory = tmp_path / f"order{order}"
        directory.mkdir()
        results = directory / "r.json"
        sampling = ("--samples", "2", "--temperature", "2", "--top-p", "0.99", "--limit", "2")
        run_bench(
            *("--results", results, "-p", "tests.bench.probe", *sampling, *common),
            environment={
                "KNM_CACHE_DIR": str(directory),
                "KNM_PROBE": str(directory),
                "KNM_REVERSED": order,
            },
        )
        report = load_report(results)
        assert report.configuration["sampling"] == {"temperature": 2, "top_p": 0.99, "seed": 0}
        return {
            result.question_id: [sample.text for sample in result.samples]
            for result in report.results
        }

    with ThreadPoolExecutor() as pool:
        forwards, backwards = pool.map(run, ("", "1"))
    assert forwards == backwards
    for first, second in forwards.values():
        assert first != second


def test_a_server_that_does_not_fit_stops_the_run_naming_both(common, bench_here):
    run = bench_here(*common, "--batch-size", "3")
    assert run.ret == pytest.ExitCode.USAGE_ERROR
    assert "--batch-size: the run has 3, the server 2" in run.stderr.str()


def children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def is_engine(pid: int) -> bool:
    try:
        return b"knm.serving.child" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:  # ended since it was listed
        return False


def test_an_engine_that_dies_turns_the_rest_into_errors_at_once(problems, tmp_path):
    results = tmp_path / "r.json"
    environment = {"KNM_CACHE_DIR": str(tmp_path)}
    arguments = ("--problems", problems, "--results", results, *TOKENS)
    with start_bench(*arguments, environment=environment) as run:
        while not (engines := [child for child in children(run.pid) if is_engine(child)]):
            assert run.poll() is None
            time.sleep(0.02)
        os.kill(engines[0], signal.SIGKILL)
        started = time.monotonic()
        stdout, _ = run.communicate(timeout=120)
    assert time.monotonic() - started < 60
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    tests = json.loads(results.read_text())["tests"]
    assert {test["outcome"] for test in tests} == {"error"}
    assert {result.verdict for result in load_report(results).results} == {"engine-fault"}
    assert "engine-fault" in stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_of_two_engines_one_that_is_killed_changes_no_completion(full, problems, workers, tmp_path):
    results = tmp_path / "r.json"
    environment = {"KNM_CACHE_DIR": str(tmp_path)}
    arguments = ("--devices", "cpu,cpu", "--batch-size", "2", "--problems", problems, *TOKENS)
    with start_bench(
        *arguments, "-n", workers, "--results", results, environment=environment
    ) as run:
        while not kept(tmp_path):
            assert run.poll() is None
            time.sleep(0.02)
        assert kept(tmp_path) < COUNT
        engines = [child for child in children(run.pid) if is_engine(child)]
        assert len(engines) == 2
        os.kill(engines[1], signal.SIGKILL)
        stdout, stderr = run.communicate(timeout=120)
    assert completions(results) == full
    told = [line for line in (stdout + stderr).splitlines() if " is gone" in line]
    assert len(told) <= 1
    assert all("engine on cpu (2) is gone, the other one goes on: " in line for line in told)
    environment_told = json.loads(results.read_text())["knm"]["environment"]["engines"]
    assert environment_told == [{"device": "cpu", "verified": True}] * 2


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="takes two GPUs")
def test_engines_on_two_gpus_write_what_one_does(problems, tmp_path):
    found: list[Any] = []
    for devices in ("cuda:0", "cuda:0,cuda:1"):
        results = tmp_path / f"{len(found)}.json"
        arguments = ("--devices", devices, "--batch-size", "2", "--problems", problems, *TOKENS)
        environment = {"KNM_CACHE_DIR": str(tmp_path / str(len(found)))}
        run_bench(*arguments, "--results", results, environment=environment)
        found.append(completions(results))
    assert len(found[0]) == COUNT
    assert found[0] == found[1]


def test_a_cache_that_cannot_be_made_is_a_usage_error(common, tmp_path):
    (tmp_path / "file").write_text("")
    process = run_bench(*common, environment={"KNM_CACHE_DIR": str(tmp_path / "file")})
    assert process.returncode == pytest.ExitCode.USAGE_ERROR
    assert "KNM_CACHE_DIR" in process.stderr
    assert "Traceback" not in process.stderr + process.stdout
