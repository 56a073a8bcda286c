"""The `knm` command, as a process and through Typer's runner."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from knm.cli import app
from knm.engine import CompletionCache, completion_key
from knm.errors import UserError
from knm.judging import JudgementCache
from knm.options import RunOptions
from knm.problems import load_problems
from knm.records import Request
from knm.serving.process import listen
from tests.engine.configurations import CONFIGURATION, completion
from tests.problems.problem_files import ROOT


def knm(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "knm.cli", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )


def test_a_user_error_is_one_line_and_status_2():
    process = knm("info", "no/such/datastore")
    assert process.returncode == 2
    assert process.stderr.startswith("knm: no/such/datastore")
    assert "Traceback" not in process.stderr


def test_who_interrupts_is_told_what_becomes_of_it(tmp_path):
    out = tmp_path / "store"
    command = [sys.executable, "-m", "knm.cli", "mine", "--limit", "300", "--out", str(out)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as mining:
        deadline = time.monotonic() + 60
        while not (out / "manifest.json").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        mining.send_signal(signal.SIGINT)
        _, said = mining.communicate()
    assert mining.returncode == 130
    assert said == "knm: interrupted; what resumes goes on when the command is run again\n"


def test_mined_datastores_and_their_indexes_are_shown(tmp_path):
    directory = str(tmp_path / "store")
    runner = CliRunner()
    mined = runner.invoke(app, ["mine", "--out", directory, "--limit", "4", "--json"])
    manifest = json.loads(mined.stdout)
    assert manifest["count"] == manifest["capacity"] > 0
    indexed = runner.invoke(app, ["index", directory, "--kind", "flat"])
    assert "index flat" in indexed.stdout
    shown = runner.invoke(app, ["info", directory])
    assert f"{manifest['count']} of {manifest['count']} positions" in shown.stdout


def test_generated_problems_load_and_are_reproducible(tmp_path):
    runner = CliRunner()
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for path in paths:
        runner.invoke(
            app, ["problems", "generate", "--out", str(path), "--count", "5", "--seed", "9"]
        )
    assert len(load_problems(paths[0])) == 5
    assert paths[0].read_bytes() == paths[1].read_bytes()
    again = ["problems", "generate", "--out", str(paths[0]), "--count", "1"]
    assert "a.jsonl exists" in str(runner.invoke(app, again).exception)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    runner.invoke(app, [*again, "--overwrite"])
    assert len(load_problems(paths[0])) == 1


def test_splits_that_would_leak_are_refused():
    arguments = ["problems", "generate", "--out", "x.jsonl", "--split", "train"]
    assert "--split" in str(CliRunner().invoke(app, arguments).exception)


def test_the_cache_is_shown_and_pruned(tmp_path, monkeypatch):
    monkeypatch.setenv("KNM_CACHE_DIR", str(tmp_path))

    def told(*arguments: str) -> str:
        return CliRunner().invoke(app, ["cache", *arguments]).stdout

    cache = CompletionCache(tmp_path, print)
    for sample in range(3):
        request = Request("p", "prompt", sample=sample)
        key = completion_key(CONFIGURATION, request)
        cache.put(key, completion(request), CONFIGURATION)
    cache.close()
    with closing(JudgementCache(tmp_path, print)) as judgements:
        judgements.write("key", {})
    info = json.loads(told("info", "--json"))
    assert (info["completions"], info["by_model"]) == (3, {"embedded": 3})
    assert info["judgements"]["count"] == 1
    assert re.search(r"completions +3\n(.*\n)+verdicts +1\n", told("info"))
    assert json.loads(told("prune", "--older-than", "1", "--json")) == {"removed": 0, "left": 4}
    assert json.loads(told("prune", "--all", "--json")) == {"removed": 4, "left": 0}


@pytest.mark.parametrize("arguments", [(), ("--all", "--older-than", "3")])
def test_pruning_wants_to_know_what(arguments, tmp_path):
    process = knm("cache", "prune", *arguments, KNM_CACHE_DIR=str(tmp_path))
    assert process.returncode == 2
    assert "--older-than DAYS or --all" in process.stderr


def test_serving_others_needs_a_token():
    process = knm("serve", "--host", "0.0.0.0", KNM_ENGINE_TOKEN="")
    assert process.returncode == 2
    assert "KNM_ENGINE_TOKEN" in process.stderr


def test_a_taken_port_is_a_user_error():
    with listen("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        served = CliRunner().invoke(app, ["serve", "--port", str(port)])
    assert isinstance(served.exception, UserError)
    assert f"--port {port}: cannot listen there" in str(served.exception)


@pytest.mark.parametrize(("given", "found"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_threads_of_any_command_sleep_while_they_wait_unless_told_otherwise(given, found):
    """Those that spin made training five times as slow on two cores."""
    code = "import atexit, os, sys; from knm.cli import main; sys.argv = ['knm', '--version']\n"
    code += "atexit.register(lambda: print(os.environ['OMP_WAIT_POLICY'])); main()"
    environment = {name: os.environ[name] for name in os.environ if name != "OMP_WAIT_POLICY"}
    environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
    shown = subprocess.check_output([sys.executable, "-c", code], env=environment, cwd=ROOT)
    assert shown.split()[-1].decode() == found


def test_a_command_loads_no_other_and_nothing_that_it_does_not_use():
    code = "import atexit, sys; from knm.cli import main; "
    code += "atexit.register(lambda: print(sys.modules.keys())); main()"
    reports = ["results/baseline.json", "results/knn.json"]
    shown = subprocess.check_output(
        [sys.executable, "-c", code, "diff", *reports], cwd=ROOT, text=True
    )
    loaded = set(re.findall(r"'([\w.]+)'", shown.rpartition("dict_keys")[2]))
    assert {name for name in loaded if name.startswith("knm.commands.")} == {
        f"knm.commands.{name}" for name in ("output", "parameters", "reports")
    }
    assert "knm.report.diff" in loaded
    assert not loaded & {"numpy", "tqdm", "yaml", "knm.problems.loading", "knm.sandbox.local"}


def options_of(command: Any, *names: str) -> Iterator[tuple[str, str, Any]]:
    """Command, option and default, of a command and all below it."""
    for parameter in command.params:
        yield " ".join(names), str(parameter.name), parameter.default
    for name, inner in getattr(command, "commands", {}).items():
        yield from options_of(inner, *names, name)


def test_no_default_could_become_the_hub_id_of_somebody():
    found = list(options_of(get_command(app)))
    found += [("bench", name, value) for name, value in vars(RunOptions()).items()]
    where = {command for command, name, _ in found if name == "problems"}
    assert where >= {"judge", "audit", "mine", "bench", "corpus decontaminate"}
    hub_id = re.compile(r"[\w.-]+/[\w.-]+")
    assert [each for each in found if hub_id.fullmatch(str(each[2]))] == []


def test_outside_the_checkout_the_embedded_problems_are_there(tmp_path, monkeypatch):
    (problem, *_) = load_problems("embedded")
    row = {"question_id": problem.question_id, "solution": problem.extras["reference"]}
    (tmp_path / "mine.jsonl").write_text(json.dumps(row | {"reasoning": ""}) + "\n")
    monkeypatch.chdir(tmp_path)
    judged, mined = (
        CliRunner().invoke(app, [*arguments, "--json"])
        for arguments in (
            ("judge", "--completions", "mine.jsonl", "--limit", "3"),
            ("mine", "--out", "store", "--limit", "2"),
        )
    )
    assert json.loads(judged.stdout)["passed"] == 1
    cleaned = json.loads(mined.stdout)["mining"]["decontamination"]
    assert cleaned["problems"] == load_problems("embedded").name


def test_a_datastore_that_was_not_decontaminated_says_so(tmp_path):
    arguments = ["mine", "--out", str(tmp_path / "store"), "--limit", "2"]
    shown = CliRunner().invoke(app, [*arguments, "--no-decontaminate"])
    assert "not decontaminated" in shown.stdout
    kept = CliRunner().invoke(app, ["mine", "--out", str(tmp_path / "clean"), *arguments[3:]])
    assert "0 records, like problems" in kept.stdout
