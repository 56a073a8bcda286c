"""The `knm` command, as a process and through Typer's runner."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import load_corpus
from knm.problems import load_problems
from tests.harness.problem_files import ROOT


def knm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "knm.cli", *arguments], cwd=ROOT, capture_output=True, text=True
    )


def test_a_user_error_is_one_line_and_status_2():
    process = knm("info", "no/such/datastore")
    assert process.returncode == 2
    assert process.stderr.startswith("knm: no/such/datastore")
    assert "Traceback" not in process.stderr


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


def test_generated_corpora_are_verified(tmp_path):
    path = tmp_path / "corpus.jsonl"
    CliRunner().invoke(app, ["corpus", "generate", "--out", str(path), "--count", "5"])
    assert all(record.extras["verified"] for record in load_corpus(path))


@pytest.mark.parametrize(
    "arguments",
    [
        ("problems", "generate", "--out", "x.jsonl", "--split", "train"),
        ("corpus", "generate", "--out", "x.jsonl", "--split", "bench"),
    ],
)
def test_splits_that_would_leak_are_refused(arguments):
    assert "--split" in str(CliRunner().invoke(app, list(arguments)).exception)
