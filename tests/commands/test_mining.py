import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import Outcome, load_corpus, save_corpus
from knm.datastore import Datastore
from knm.packaged import EMBEDDED_CORPUS
from knm.retrieval import Retriever
from tests.datastore.trials import drawn_problems, write_trials

ROOT = Path(__file__).parents[2]
FEW = ["--limit", "4", "--positions", "mistakes+correct:0.3", "--batch-tokens", "400"]


def mine(directory: Path, *options: str):
    return CliRunner().invoke(app, ["mine", "--out", str(directory), *options])


def test_torchrun_makes_the_datastore_of_a_single_process(tmp_path):
    alone = json.loads(mine(tmp_path / "alone", *FEW, "--json").stdout)
    command = ["-m", "knm.cli", "mine", "--out", str(tmp_path / "shared"), *FEW, "--json"]
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--standalone",
            "--nproc-per-node",
            "2",
            *command,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    shared = json.loads(run.stdout)
    assert shared["content_hash"] == alone["content_hash"]
    assert shared["count"] == alone["count"] > 0


def test_what_was_mined_is_told_to_people(tmp_path):
    options = ["--limit", "3", "--format", "raw", "--block-tokens", "64", "--stride", "32"]
    shown = mine(tmp_path / "store", *options, "--capacity", "50", "--key-kind", "layer-2")
    assert shown.exit_code == 0, shown.output
    words = shown.stdout.split()
    assert "full at --capacity" in shown.stdout
    assert words[words.index("entries") + 1] == "50"
    assert "layer-2, 320 x float16" in shown.stdout
    assert "left out" in shown.stdout
    for name in ("keyword", "operator", "identifier", "from grammar", "tokens/s"):
        assert name in shown.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--positions", "some"], "--positions some"),
        (["--key-kind", "first"], "--key-kind first"),
        (["--stride", "4"], "use --format raw"),
        (["--format", "raw", "--prompt", "task"], "use --format chat"),
        (["--format", "raw", "--stride", "2000"], "--stride 2000"),
        (["--knn-preset", "nearly"], "--knn-preset nearly: unknown"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_a_model_is_loaded(tmp_path, options, message):
    refused = mine(tmp_path / "store", *options, "--model", "no/such/model/at-all")
    assert message in str(refused.exception)
    assert not (tmp_path / "store").exists()


def test_a_datastore_knows_the_preset_that_it_is_for(tmp_path):
    store = tmp_path / "store"
    mined = mine(store, *FEW, "--knn-preset", "residual")
    assert mined.exit_code == 0, mined.output
    assert re.search(r"^preset +residual$", mined.stdout, re.M)
    assert Retriever(Datastore.open(store)).preset.name == "residual"
    assert Retriever(Datastore.open(store), "dense").preset.name == "dense"
    shown = CliRunner().invoke(app, ["info", str(store)])
    assert "residual, if nobody says another" in shown.stdout
    # It can be named later, and stays.
    content = Datastore.open(store).content_hash
    for options, preset in (([], "residual"), (["--knn-preset", "dense"], "dense"), ([], "dense")):
        assert mine(store, *FEW, *options).exit_code == 0
        assert Retriever(Datastore.open(store)).preset.name == preset
    assert Datastore.open(store).content_hash == content


@pytest.mark.parametrize(
    ("preset", "message"),
    [
        ("outcome", "it asks for trials"),
        ("gentle", None),
        ("mine.yaml", "name a preset of the package"),
    ],
)
def test_a_preset_that_a_datastore_could_not_be_for_is_refused(
    tmp_path, monkeypatch, preset, message
):
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text("extends: dense")
    made = mine(tmp_path / "store", *FEW, "--knn-preset", preset)
    assert (message is None) == (made.exit_code == 0)
    assert message is None or message in str(made.exception)


def test_what_the_problem_set_asks_for_is_left_out_by_default(tmp_path):
    records = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:3]
    problem = {
        "question_id": "p",
        "question_content": records[1].statement,
        "private_test_cases": "[]",
    }
    problems = tmp_path / "set.jsonl"
    problems.write_text(json.dumps(problem) + "\n")
    few = ["--limit", "3", "--problems", str(problems), "--json"]
    clean = json.loads(mine(tmp_path / "clean", *few).stdout)
    whole = json.loads(mine(tmp_path / "whole", *few, "--no-decontaminate").stdout)
    noted = clean["mining"]["decontamination"]
    assert noted["removed"] == 1
    assert noted["records"][0]["record"] == records[1].id
    assert whole["mining"]["decontamination"] is None
    assert Datastore.open(tmp_path / "clean").record_ids == (records[0].id, records[2].id)
    assert clean["count"] < whole["count"]


def test_programs_that_failed_are_left_out_and_told(tmp_path):
    records = load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:3]
    verdicts = ("accepted", "wrong-output", "accepted")
    outcomes = [
        replace(record, outcome=Outcome(verdict))
        for record, verdict in zip(records, verdicts, strict=True)
    ]
    save_corpus(tmp_path / "all.jsonl", outcomes)
    save_corpus(tmp_path / "passed.jsonl", [records[0], records[2]])
    told = mine(tmp_path / "all", "--corpus", str(tmp_path / "all.jsonl"))
    assert "1 records left out: their programs did not pass" in told.stdout
    mine(tmp_path / "passed", "--corpus", str(tmp_path / "passed.jsonl"))
    mine(tmp_path / "two", "--corpus", str(tmp_path / "all.jsonl"), "--limit", "2")
    stores = (Datastore.open(tmp_path / name) for name in ("all", "passed", "two"))
    assert len({store.content_hash for store in stores}) == 1


def test_trials_are_mined_and_told(embedded, tmp_path):
    problems = drawn_problems(6)
    path = write_trials(tmp_path / "trials.jsonl", problems, embedded)
    options = ["--trials", str(path), "--dim", "5", "--price", "1.5"]
    shown = mine(tmp_path / "store", *options)
    assert shown.exit_code == 0, shown.output
    assert f"{sum(len(p.trials) for p in problems)} in programs of 6 problems" in shown.stdout
    assert "none that is worth it" in shown.stdout
    again = json.loads(mine(tmp_path / "store", *options, "--json").stdout)
    assert again["trials"]["problems"] == 6
    assert (again["dim"], again["mining"]["trials"]["price"]) == (5, 1.5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--dim", "5"], "--dim 5: of trials alone"),
        (["--price", "0"], "--price 0.0: of trials alone"),
        (["--trials", "T", "--limit", "3"], "--limit 3: of a corpus"),
        (["--trials", "T", "--no-decontaminate"], "--no-decontaminate: of a corpus"),
        (["--trials", "T", "--positions", "mistakes"], "--positions mistakes: of a corpus"),
        (["--trials", "T", "--dim", "0"], "--dim 0: must be at least 1"),
        (["--trials", "T", "--price", "-1"], "--price -1.0: must be 0 or above"),
        (["--trials", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_options_of_trials_and_corpora_do_not_mix(options, message, tmp_path):
    path = write_trials(tmp_path / "trials.jsonl", drawn_problems(2))
    given = [str(path) if option == "T" else option for option in options]
    refused = mine(tmp_path / "store", *given)
    assert refused.exit_code != 0
    assert message in str(refused.exception or refused.output)
    assert not (tmp_path / "store").exists()
