import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import Outcome, load_corpus, save_corpus
from knm.models import load_model
from knm.packaged import EMBEDDED_CORPUS
from tests.audit.conftest import folder, tiny

__all__ = ["folder", "tiny"]


def test_a_copy_is_fine_tuned_on_the_packaged_corpus(tiny, tmp_path):
    copy = tmp_path / "copy"
    arguments = ("--model", str(tiny), "--limit", "4", "--epochs", "2", "--batch-size", "2")
    found = CliRunner().invoke(
        app,
        ["finetune", "--out", str(copy), *arguments, "--device", "cpu", "--json"],
        catch_exceptions=False,
    )
    assert json.loads(found.stdout)["steps"] == 4
    weights = [load_model(str(path)).identity.weights_hash for path in (tiny, copy)]
    assert weights[0] != weights[1]


def test_programs_that_failed_are_no_examples(tiny, tmp_path):
    first, *others = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:4]
    failed = [replace(record, outcome=Outcome("wrong-output")) for record in others]
    save_corpus(tmp_path / "corpus.jsonl", [first, *failed])
    command = ["finetune", "--model", str(tiny), "--corpus", str(tmp_path / "corpus.jsonl")]
    small = ["--epochs", "1", "--batch-size", "1", "--device", "cpu", "--json"]
    found = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "copy"), *small])
    assert "3 of 4 records left out: their programs failed" in found.stderr
    assert json.loads(found.stdout)["steps"] == 1
    second = others[0]
    save_corpus(tmp_path / "corpus.jsonl", [failed[1], first, failed[2], second])
    found = CliRunner().invoke(
        app, [*command, "--out", str(tmp_path / "two"), *small, "--limit", "2"]
    )
    assert "2 of 4 records left out: their programs failed" in found.stderr
    assert json.loads(found.stdout)["steps"] == 2
    save_corpus(tmp_path / "corpus.jsonl", failed)
    refused = CliRunner().invoke(app, [*command, "--out", str(tmp_path / "other"), *small])
    assert "none of 3 programs passed" in str(refused.exception)
    assert not (tmp_path / "other").exists()


def test_a_recurrent_model_is_trained_mined_and_measured(tmp_path):
    model, store = tmp_path / "rnn", tmp_path / "store"
    corpus = EMBEDDED_CORPUS / "dev.jsonl"

    def run(*arguments):
        given = [*map(str, arguments), "--corpus", str(corpus), "--limit", "4", "--json"]
        return json.loads(CliRunner().invoke(app, given, catch_exceptions=False).stdout)

    sizes = ("--hidden-size", 16, "--layers", 1, "--vocab-size", 300, "--epochs", 2)
    trained = run("train", "--architecture", "rnn", "--cell", "gru", *sizes, "--out", model)
    assert trained["examples"] == 4
    named = ("--model", model, "--device", "cpu")
    assert run("mine", *named, "--out", store)["count"] > 100
    found = run("eval", *named, "--datastore", store, "--knn-preset", "dense")
    lm, dense = (one["all"]["accuracy"] for one in found["results"])
    assert dense > lm


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cell", "gru"], "--cell gru: of an rnn alone"),
        (["--corpus", "x.jsonl"], "--corpus x.jsonl: of an rnn alone"),
        (["--architecture", "rnn", "--recipe", "tiny"], "--recipe tiny: an rnn has none"),
        (["--architecture", "rnn", "--corpus", "nowhere.jsonl"], "nowhere.jsonl"),
    ],
)
def test_options_of_the_other_architecture_are_refused(arguments, complaint, tmp_path):
    out = tmp_path / "model"
    refused = CliRunner().invoke(app, ["train", "--out", str(out), *arguments])
    assert complaint in str(refused.exception)
    assert not out.exists()
