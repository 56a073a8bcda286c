"""`knm datastore`, `knm index` and `knm info` over a datastore of the embedded model."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.datastore import Datastore, Manifest
from knm.datastore.manifest import Reliability
from knm.errors import UserError
from knm.packaged import EMBEDDED_CORPUS
from tests.datastore.tiny import without_likely
from tests.retrieval.stores import POLICY, saved, trials_of


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture(scope="module")
def mined(tmp_path_factory) -> Path:
    path: Path = tmp_path_factory.mktemp("mined")
    run("mine", "--out", path, "--limit", 4)
    return path


@pytest.fixture
def edit(mined, tmp_path):
    """Run an edit of the mined datastore; what it prints, and the result."""

    def apply(command: str, *arguments: object) -> tuple[dict[str, Any], Datastore]:
        out = tmp_path / command
        printed = run("datastore", command, mined, *arguments, "--out", out, "--json")
        return json.loads(printed), Datastore.open(out)

    return apply


def test_a_merge_names_its_parents(mined, tmp_path, edit):
    half = tmp_path / "half"
    run("datastore", "sample", mined, "--out", half, "--share", 0.5)
    shown, merged = edit("merge", half)
    parents = [parent["content_hash"] for parent in shown["lineage"][0]["parents"]]
    assert parents == [Datastore.open(path).content_hash for path in (mined, half)]
    assert len(merged) == sum(len(Datastore.open(path)) for path in (mined, half))


def test_a_filter_by_token_type_reads_the_tokenizer_of_the_model(mined, edit):
    shown, kept = edit("filter", "--token-type", "keyword", "--token-type", "literal")
    types = shown["token_types"]
    assert types["keyword"] > 0
    assert types["keyword"] + types["literal"] == len(kept) < len(Datastore.open(mined))


def test_lua_is_kept_when_python_is_dropped(mined, edit):
    corpus = EMBEDDED_CORPUS / "train.jsonl"
    shown, kept = edit("filter", "--drop-python", "--corpus", corpus)
    assert len(kept) == len(Datastore.open(mined))
    assert shown["lineage"][-1]["arguments"] == {
        "drop_foreign": True,
        "context": "corpus",
        "dropped": {},
    }


def test_the_records_of_a_list_are_left_out(mined, edit, tmp_path):
    blamed = tmp_path / "blamed.txt"
    ids = Datastore.open(mined).record_ids
    blamed.write_text(f"{ids[1]}\n{ids[2]}\n")
    shown, _ = edit("filter", "--drop-records", blamed)
    assert shown["records"] == len(ids) - 2
    with pytest.raises(UserError, match="no such file"):
        edit("filter", "--drop-records", tmp_path / "missing.txt")


def test_a_store_is_condensed_to_a_share(mined, edit):
    shown, kept = edit("condense", "--share", 0.5)
    whole = len(Datastore.open(mined))
    assert whole / 3 < len(kept) <= -(-whole // 2)
    assert shown["lineage"][-1]["operation"] == "condense"


def test_the_newest_records_are_kept(edit):
    shown, _ = edit("filter", "--newest", 1)
    assert shown["records"] == 1


def test_samples_are_drawn_by_entry_or_by_record(edit):
    assert len(edit("sample", "--count", 20)[1]) == 20
    with pytest.raises(UserError, match="must be from 1 to 4, the records"):
        edit("sample", "--count", 20, "--by", "record")


def test_a_dedup_drops_what_says_the_same(mined, edit):
    _, kept = edit("dedup", "--tolerance", 0.5)
    assert len(kept) < len(Datastore.open(mined))


def test_a_pca_is_shown_with_its_index(mined, edit):
    shown, reduced = edit("pca", "--dim", 16, "--whiten")
    assert (shown["dim"], shown["projection"]["dim"]) == (16, 16)
    printed = run("index", reduced.path, "--kind", "hnsw", "--ef", 60, "--m", 8)
    assert "index hnsw" in printed
    assert "m 8, ef 60" in printed
    assert f"pca, {Datastore.open(mined).manifest.dim} to 16 dimensions" in printed
    assert "by pca" in printed


def test_info_says_how_much_is_stored_and_of_what(mined):
    shown = json.loads(run("info", mined, "--json"))
    assert shown["utilisation"] == 1.0
    assert shown["records"] == 4
    assert sum(shown["token_types"].values()) == sum(shown["sources"].values()) == shown["count"]
    assert shown["bytes"]["keys.npy"] == (mined / "keys.npy").stat().st_size
    printed = run("info", mined)
    assert f"{sum(shown['bytes'].values()):,} bytes" in printed
    assert f"keyword {shown['token_types']['keyword']}" in printed


def test_info_says_whether_likely_tokens_are_stored(mined, tmp_path):
    assert json.loads(run("info", mined, "--json"))["likely"] is True
    assert "stored, as the LM said it at each entry" in run("info", mined)
    older = without_likely(Datastore.open(mined), tmp_path / "older")
    assert json.loads(run("info", older.path, "--json"))["likely"] is False
    assert "not stored: preset residual asks the output head" in run("info", older.path)


@pytest.mark.parametrize(
    ("weight", "fixed", "told"),
    [(0.9, 0.6, False), (0.5, 0.008, True), (0.0, 0.0, True)],
)
def test_info_names_another_preset_where_the_default_hardly_acts(
    mined, tmp_path, weight, fixed, told
):
    copy = tmp_path / "copy"
    shutil.copytree(mined, copy)
    manifest = Manifest.load(copy)
    assert manifest.calibration is not None
    trust = Reliability(weight, 100.0, fixed, broken=0.0, error_rate=0.1, sampled=100)
    replace(manifest, calibration=replace(manifest.calibration, reliability=trust)).save(copy)
    assert ("preset residual" in run("info", copy)) is told


def test_info_tells_trials_and_their_policy(tmp_path):
    keys = np.zeros((3, 4))
    for policy, told in (
        (POLICY, "measured +12 -3 of 100 problems, 40 written otherwise"),
        (None, "none that is worth it: the LM is left alone"),
    ):
        store = trials_of(keys, [1] * 3, [2] * 3, [1, 1, -1], [0, -1, 1], policy=policy)
        printed = run("info", saved(store, tmp_path / f"{policy is None}"))
        assert "3 of 1 problems: 2 gained, 1 lost; 1 mended a crash, 1 made one" in printed
        assert told in printed
        assert "mistakes" not in printed


@pytest.mark.parametrize(("name", "magic"), [("p.svg", b"<svg"), ("p.png", b"\x89PNG")])
def test_info_draws_a_picture(mined, tmp_path, name, magic):
    run("info", mined, "--picture", tmp_path / name)
    content = (tmp_path / name).read_bytes()
    assert content.startswith(magic)


def test_a_picture_of_an_unknown_format_is_refused(mined, tmp_path):
    with pytest.raises(UserError, match=r"must end in \.svg or \.png"):
        run("info", mined, "--picture", tmp_path / "p.gif")


def test_without_the_model_token_types_are_not_known(mined, tmp_path):
    moved = tmp_path / "moved"
    run("datastore", "sample", mined, "--out", moved, "--count", 9)
    manifest = json.loads((moved / "manifest.json").read_text())
    manifest["model"]["name"] = "no/where/at/all"
    (moved / "manifest.json").write_text(json.dumps(manifest))
    assert "token types  not known: --model no/where/at/all" in run("info", moved)
    assert json.loads(run("info", moved, "--json"))["token_types"] is None
    assert "keyword" in run("info", moved, "--model", "embedded")
