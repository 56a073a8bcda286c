"""What is wrong with a command line is told at once: no command imports a model library first."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.problems.problem_files import ROOT

REFUSED: dict[str, tuple[list[str], str]] = {
    name: (name.split()[:words] + arguments.split(), message)
    for name, words, arguments, message in (
        ("mine positions", 1, "--out {new} --positions bad", "--positions bad"),
        ("mine key kind", 1, "--out {new} --key-kind bad", "--key-kind bad"),
        ("mine key dtype", 1, "--out {new} --key-dtype bad", "--key-dtype bad"),
        ("mine dtype", 1, "--out {new} --dtype bad", "--dtype bad"),
        ("mine model", 1, "--out {new} --model bad", "--model bad"),
        ("mine corpus", 1, "--out {new} --corpus {none}", "{none}: no such file"),
        ("mine corpus is a directory", 1, "--out {new} --corpus {here}", "cannot be read"),
        ("mine prompt", 1, "--out {new} --prompt bad", "prompt template 'bad' is neither"),
        ("mine prompt's text", 1, "--out {new} --prompt " + "x" * 300, "is neither a file nor"),
        ("mine stride", 1, "--out {new} --stride 4", "--stride"),
        ("mine raw stride", 1, "--out {new} --format raw --stride 0", "--stride 0"),
        ("mine over its corpus", 1, "--out {here} --corpus {corpus}", "--out {here}: holds"),
        ("mine over its model", 1, "--out {model} --model {model}", "--out {model}: is read"),
        ("mine into a file", 1, "--out {corpus}", "--out {corpus} is a file"),
        ("mine below a file", 1, "--out {corpus}/x", "cannot be written"),
        ("info", 1, "{none}", "{none}: no datastore here"),
        ("calibrate", 1, "{none}", "{none}: no datastore here"),
        ("index datastore", 1, "{none} --kind ivf", "{none}: no datastore here"),
        ("index option", 1, "{none} --kind flat --m 4", "--m 4: not an option"),
        ("datastore merge", 2, "{none} {none} --out {new}", "{none}: no datastore here"),
        ("datastore filter", 2, "{none} --out {new}", "{none}: no datastore here"),
        ("datastore dedup", 2, "{none} --out {new}", "{none}: no datastore here"),
        ("datastore sample", 2, "{none} --out {new}", "{none}: no datastore here"),
        ("datastore pca", 2, "{none} --out {new} --dim 2", "{none}: no datastore here"),
        ("datastore condense", 2, "{none} --out {new}", "{none}: no datastore here"),
        ("finetune epochs", 1, "--out {new} --epochs 0", "--epochs 0"),
        ("finetune corpus", 1, "--out {new} --corpus {none}", "{none}: no such file"),
        ("finetune model", 1, "--out {new} --model bad", "--model bad"),
        ("finetune over its model", 1, "--out {model} --model {model}", "--out {model}: is read"),
        ("train recipe", 1, "--out {new} --recipe bad", "--recipe bad"),
        ("train over a model", 1, "--out {model}", "--overwrite"),
        ("audit rows", 1, "--out {new} --rows bad", "--rows bad"),
        ("audit positions", 1, "--out {new} --positions bad", "--positions bad"),
        ("audit recipe", 1, "--out {new} --recipe bad", "--recipe bad"),
        ("audit dtype", 1, "--out {new} --dtype bad", "--dtype bad"),
        ("audit models", 1, "--out {new} --models bad", "--model bad"),
        ("audit over its corpus", 1, "--out {here} --corpus {corpus}", "--out {here}: holds"),
        ("serve dtype", 1, "--dtype bad", "--dtype bad"),
        ("serve model", 1, "--model bad", "--model bad"),
        ("serve datastore", 1, "--knn --datastore bad", "--datastore bad"),
        ("serve preset", 1, "--knn --knn-preset bad", "--knn-preset bad"),
        ("serve preset file", 1, "--knn --knn-preset {none}.yaml", "{none}.yaml: no such file"),
        ("eval preset", 1, "--knn-preset trusted --knn-preset bad", "--knn-preset bad"),
        ("audit preset", 1, "--out {new} --preset bad", "--preset bad"),
        ("sweep space", 1, "{none} --out {new}", "{none}: no such file"),
        ("serve knn", 1, "--knn-k 4", "--knn-k"),
        ("eval corpus", 1, "--corpus {none}", "{none}: no such file"),
        ("eval model", 1, "--model bad", "--model bad"),
        ("eval keys", 1, "--keys final-norm,bad", "--keys bad"),
        ("eval keys and lines", 1, "--keys layer-1 --next-line 2", "--next-line: not with"),
        (
            "eval keys and preset",
            1,
            "--keys layer-1 --knn-preset v1",
            "--knn-preset: not with --keys",
        ),
        ("eval keys twice", 1, "--keys layer-1,layer-1", "--keys layer-1,layer-1: names one"),
        ("eval transforms", 1, "--keys layer-1 --transforms pca", "--transforms: 'pca' is none"),
        ("eval transforms alone", 1, "--transforms none", "--keys KIND"),
        ("eval dtype", 1, "--dtype bad", "--dtype bad"),
        ("sweep corpus", 1, "{space} --out {new} --corpus {none}", "{none}: no such file"),
        ("sweep finalists", 1, "{space} --out {new} --finalists 2", "--finalists"),
        ("sweep over its file", 1, "{here}/winner.yaml --out {here}", "winner.yaml would be"),
        ("explain", 1, "{none} x", "{none}"),
    )
}

SCRIPT = """
import json, sys
sys.modules.update(dict.fromkeys(("torch", "transformers", "faiss")))
from typer.testing import CliRunner
from knm.cli import app
for arguments in json.load(sys.stdin):
    print(json.dumps(repr(CliRunner().invoke(app, arguments).exception)))
"""


@pytest.fixture(scope="module")
def places(tmp_path_factory) -> dict[str, Path]:
    here = tmp_path_factory.mktemp("here")
    for name in ("corpus.jsonl", "winner.yaml"):
        (here / name).write_text("")
    model = here / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    return {
        "here": here,
        "new": here / "new",
        "none": here / "none",
        "corpus": here / "corpus.jsonl",
        "model": model,
        "space": ROOT / "examples/sweep.yaml",
    }


@pytest.fixture(scope="module")
def answers(places) -> dict[str, str]:
    """What each command says in a process that has no model library."""
    lines = [[word.format(**places) for word in words] for words, _ in REFUSED.values()]
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps(lines),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return dict(zip(REFUSED, map(json.loads, process.stdout.splitlines()), strict=True))


@pytest.mark.parametrize("name", REFUSED)
def test_bad_options_are_refused_without_a_model_library(answers, places, name):
    assert answers[name].startswith("UserError(")
    assert REFUSED[name][1].format(**places) in answers[name]


def test_refused_commands_leave_nothing_behind(answers, places):
    assert answers
    assert not places["new"].exists()
