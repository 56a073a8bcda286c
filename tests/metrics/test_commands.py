import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import load_corpus, save_corpus
from knm.packaged import EMBEDDED_CORPUS
from knm.retrieval import read_preset

BENCH = "embedded"


def run(*arguments):
    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture
def corpus(tmp_path, dev_records):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, dev_records[:2])
    return path


def test_eval_shows_the_model_and_each_preset(corpus, small_store):
    presets = [word for name in ("v1", "dense") for word in ("--knn-preset", name)]
    common = ["eval", "--corpus", corpus, "--datastore", small_store.path, *presets]
    document = json.loads(run(*common, "--next-line", 2, "--json").stdout)
    assert [entry["name"] for entry in document["results"]] == ["LM", "v1", "dense"]
    lm, v1, dense = document["results"]
    assert lm["preset"] is None
    assert v1["mean_weight"] == 0.25
    assert (
        dense["all"]["right"] == lm["all"]["right"] + dense["all"]["gained"] - dense["all"]["lost"]
    )
    assert {entry["next_line"]["cases"] for entry in document["results"]} == {2}
    shown = run(*common)
    for word in ("perplexity", "keyword", "dense", "a gate that knew"):
        assert word in shown.stdout
    assert "stand in the datastore" not in shown.stderr


def test_eval_says_how_many_records_the_datastore_was_mined_from(
    tmp_path, dev_records, small_store
):
    path = tmp_path / "corpus.jsonl"
    save_corpus(path, [*load_corpus(EMBEDDED_CORPUS / "train.jsonl")[9:11], dev_records[0]])
    shown = run(
        *("eval", "--corpus", path, "--datastore", small_store.path, "--knn-preset", "dense")
    )
    assert "1 of 3 records, or their tasks, stand in the datastore" in shown.stderr


def test_eval_of_the_model_alone_needs_no_datastore(corpus):
    document = json.loads(run("eval", "--corpus", corpus, "--json").stdout)
    (lm,) = document["results"]
    assert lm["oracle"] is None
    assert document["datastore"] is None


def test_eval_compares_keys(tmp_path, dev_records):
    save_corpus(tmp_path / "corpus.jsonl", dev_records[2:])
    common = ["eval", "--keys", "final-norm,layer-2", "--corpus", tmp_path / "corpus.jsonl"]
    several = [*common, "--transforms", "none,whitened-cosine-8"]
    document = json.loads(run(*several, "--json").stdout)
    found = document["results"]
    assert sorted((one["keys"], one["transform"], one["dim"]) for one in found) == [
        ("final-norm", "none", 320),
        ("final-norm", "whitened-cosine-8", 8),
        ("layer-2", "none", 320),
        ("layer-2", "whitened-cosine-8", 8),
    ]
    areas = [one["area"] for one in found]
    assert areas == sorted(areas, reverse=True)
    assert document["problems"] == 2
    assert document["asked"] == [document["mistakes"]] * 2
    assert document["kept_bytes"] == document["entries"] * 2 * 320 * 4
    shown = run(*several).stdout
    assert f"asked at {document['mistakes']} of" in shown
    assert [line.split()[:2] for line in shown.splitlines()[-4:]] == [
        [one["keys"], one["transform"]] for one in found
    ]


def test_keys_of_one_problem_are_not_compared(corpus):
    # Two programs, of one composition.
    refused = run("eval", "--keys", "final-norm", "--corpus", corpus)
    assert "fewer than two problems" in str(refused.exception)


def test_keys_too_narrow_for_a_transform_are_told(corpus):
    refused = run("eval", "--keys", "layer-2", "--corpus", corpus, "--transforms", "pca-321")
    assert "--transforms pca-321: keys have 320 dimensions" in str(refused.exception)


def test_sweep_writes_a_preset_and_a_picture(corpus, small_store, tmp_path):
    space, out = tmp_path / "space.yaml", tmp_path / "out"
    space.write_text("preset: dense\nspace: {weight: [0.3, 0.6], k: [2, 4]}")
    common = ["sweep", space, "--out", out, "--corpus", corpus, "--datastore", small_store.path]
    assert "4 configurations, 0 of them" in run(*common).stdout
    assert read_preset(out / "winner.yaml").lmbda in {0.3, 0.6}
    assert (out / "heatmap.svg").read_text().startswith("<svg")
    document = json.loads(run(*common, "--json").stdout)
    assert document["resumed"] == 4
    assert document == json.loads((out / "sweep.json").read_text())


def test_a_preset_that_a_sweep_varies_is_not_replaced_by_its_winner(corpus, tmp_path):
    preset, space = tmp_path / "winner.yaml", tmp_path / "space.yaml"
    preset.write_text("extends: dense\n")
    space.write_text(f"preset: {preset}\nspace: {{weight: [0.3, 0.6]}}")
    process = run("sweep", space, "--out", tmp_path, "--corpus", corpus)
    assert "winner.yaml would be written over, and it is read" in str(process.exception)
    assert preset.read_text() == "extends: dense\n"


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--finalists", "2", "--problems", BENCH], "belongs to the bench"),
        (["--finalists", "2"], "go together"),
        (["--problems", BENCH], "go together"),
        (["--axes", "weight,colour"], "--axes weight,colour: give two different ones"),
        (["--datastore", "nowhere"], "--datastore nowhere"),
    ],
)
def test_sweep_refuses(arguments, complaint, tmp_path):
    space = tmp_path / "space.yaml"
    space.write_text("space: {weight: [0.3, 0.6]}")
    refused = run("sweep", space, "--out", tmp_path / "out", *arguments)
    assert complaint in str(refused.exception)
    assert not (tmp_path / "out").exists()


def test_sweep_refuses_the_test_split(tmp_path):
    from knm.packaged import EMBEDDED_CORPUS

    space = tmp_path / "space.yaml"
    space.write_text("space: {weight: [0.3]}")
    test = EMBEDDED_CORPUS / "test.jsonl"
    refused = run("sweep", space, "--out", tmp_path / "out", "--corpus", test)
    assert "packaged test split" in str(refused.exception)


def test_the_example_space_can_be_read():
    from knm.metrics import read_space

    space = read_space(Path(__file__).parents[2] / "examples" / "sweep.yaml", "embedded")
    assert len(list(space.grid())) == 4 * 5 * 2
