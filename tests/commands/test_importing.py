"""`knm datastore import` and `knm report import` through Typer's runner."""

import json

import numpy as np
from typer.testing import CliRunner

from knm.cli import app
from knm.datastore import Datastore
from knm.errors import UserError
from knm.models import identify_model
from knm.report import load_report


def knm(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_datastore_is_made_of_keys_and_values(tmp_path):
    identity = identify_model("embedded", "float32")
    keys, values, out = tmp_path / "keys.npy", tmp_path / "vals.npy", tmp_path / "out"
    draw = np.random.default_rng(0)
    np.save(keys, draw.standard_normal((200, identity.hidden_size)))
    np.save(values, draw.integers(0, identity.vocab_size, 200))
    common = (keys, values, "--model", "embedded", "--out", out)
    wrong = knm("datastore", "import", *common, "--key-kind", "final-norm+layer-1")
    assert isinstance(wrong.exception, UserError)
    assert "name the model and --key-kind" in str(wrong.exception)
    made = knm("datastore", "import", *common, "--key-kind", "final-norm", "--json")
    assert json.loads(made.stdout)["count"] == 200
    assert Datastore.open(out, expect=identity).manifest.key_kind == "final-norm"


def test_a_report_is_made_of_results_and_never_over_its_source(tmp_path):
    source = tmp_path / "eval_results_v1.json"
    source.write_text(json.dumps([{"task_id": "abc305_a", "passed": True}]))
    options = ("--model", "small", "--problems", "embedded")
    made = knm("report", "import", source, *options, "--out", tmp_path / "r.json")
    assert "100.0 % (1 of 1)" in made.stdout
    assert "185 problems of embedded have no result" in made.stdout
    assert load_report(tmp_path / "r.json").configuration["model"] == "small"
    again = knm("report", "import", source, "--out", source)
    assert isinstance(again.exception, UserError)


def test_a_corpus_is_made_of_a_checkout(tmp_path, sandbox):
    folder, out = tmp_path / "lib", tmp_path / "lib.jsonl"
    folder.mkdir()
    (folder / "a.lua").write_text("-- Adds.\nfunction add(a, b)\n  return a + b\nend\n")
    (folder / "b.lua").write_text("return 1\n")
    options = ("github", folder, "--out", out, "--licence", "MIT")
    shown = knm("corpus", "import", *options).stdout
    assert "left out        no function 1" in shown
    assert "with licence    1: MIT 1\n" in shown
    without = knm("corpus", "import", "github", folder, "--out", tmp_path / "without.jsonl").stdout
    assert "with licence    0\n" in without
    assert shown.splitlines()[-2].split() == ["source", "programs", "shortest", "longest", "mean"]
    assert shown.splitlines()[-1].split() == ["github:lib", "1", "38", "38", "38.0"]
    told = json.loads(knm("corpus", "import", *options, "--overwrite", "--json").stdout)
    assert (told["records"], told["licences"], told["path"]) == (1, {"MIT": 1}, str(out))
    assert "--overwrite" in str(knm("corpus", "import", *options).exception)
    assert knm("corpus", "stats", out).stdout.splitlines()[-1].split()[:2] == ["github:lib", "1"]
    asked = knm("corpus", "import", "codeforces", folder, "--out", tmp_path / "x.jsonl")
    assert "--sources: the API tells no programs" in str(asked.exception)
