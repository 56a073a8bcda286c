import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from knm.datastore import Datastore, OutcomePolicy, TrialsInfo
from knm.datastore.store import hash_content
from knm.errors import UserError
from tests.datastore.tiny import mine_tiny, tiny_model, without_likely


@pytest.fixture
def store(tmp_path) -> Datastore:
    return mine_tiny(tmp_path / "store")


def edit_manifest(store: Datastore, **changes) -> None:
    path = store.path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_the_manifest_survives_a_round_trip(store):
    store.manifest.save(store.path)
    assert Datastore.open(store.path).manifest == store.manifest


def test_the_manifest_states_what_the_datastore_is(store):
    data = json.loads((store.path / "manifest.json").read_text())
    assert (data["format_version"], data["likely"]) == (6, True)
    assert data["model"]["weights_hash"] == "weights-0"
    assert (data["key_kind"], data["layer"], data["key_dtype"]) == ("final-norm", None, "float16")
    assert (data["dim"], data["count"], data["distance"]) == (32, len(store), "l2")
    assert data["corpus_hash"] == "corpus"
    assert data["mining"]["positions"] == "all"
    assert set(data["packages"]) == {"knm", "numpy", "torch", "transformers"}


@pytest.mark.parametrize(
    ("field", "value", "what"),
    [
        ("weights_hash", "others", "weights 'weights-0' .*'others'"),
        ("tokenizer_hash", "others", "tokenizer 'tokenizer' .*'others'"),
        ("config_hash", "others", r"config\.json 'config' .*'others'"),
        ("hidden_size", 99, "hidden size 32 .*99"),
    ],
)
def test_a_datastore_of_another_model_is_refused_naming_both_sides(store, field, value, what):
    with pytest.raises(UserError, match=what):
        Datastore.open(store.path, expect=replace(tiny_model().identity, **{field: value}))


def test_a_datastore_from_before_configurations_counted_is_opened(store):
    model = json.loads((store.path / "manifest.json").read_text())["model"]
    older = {name: model[name] for name in model.keys() - {"config_hash", "generation_hash"}}
    edit_manifest(store, model=older)
    opened = Datastore.open(store.path, expect=tiny_model().identity)
    assert opened.manifest.model.config_hash is None


def test_other_end_tokens_leave_a_datastore_what_it_is(store):
    Datastore.open(store.path, expect=replace(tiny_model().identity, generation_hash="others"))


def test_the_same_model_under_another_name_is_accepted(store):
    Datastore.open(store.path, expect=replace(tiny_model().identity, name="elsewhere"))


def test_another_key_kind_is_refused_naming_both(store):
    with pytest.raises(UserError, match=r"'final-norm'.*'last-layer'"):
        Datastore.open(store.path, key_kind="last-layer")


def test_a_missing_datastore_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: no datastore here.*knm mine"):
        Datastore.open(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name", ["keys.npy", "vals.npy", "provenance.npy", "likely.npy", "records.jsonl"]
)
def test_a_missing_file_is_named(store, name):
    (store.path / name).unlink()
    with pytest.raises(UserError, match=name):
        Datastore.open(store.path)


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (7, "format 7 is newer than this knm reads"),
        (2, "format 2 is of an earlier knm.*remove the directory and mine again"),
    ],
)
def test_other_formats_are_refused(store, version, message):
    edit_manifest(store, format_version=version)
    with pytest.raises(UserError, match=message):
        Datastore.open(store.path)


@pytest.mark.parametrize(
    "changes", [{"key_dtype": "float8"}, {"model": {"name": "x"}}, {"surprise": 1}]
)
def test_a_malformed_manifest_is_refused(store, changes):
    edit_manifest(store, **changes)
    with pytest.raises(UserError, match=r"manifest\.json: not a valid datastore manifest"):
        Datastore.open(store.path)


@pytest.mark.parametrize("text", ["[]", "{}", "{"])
def test_what_is_no_manifest_is_refused(store, text):
    (store.path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.json: not"):
        Datastore.open(store.path)


def test_files_that_contradict_the_manifest_are_refused(store):
    np.save(store.path / "vals.npy", store.values[:-1])
    with pytest.raises(UserError, match=r"vals\.npy: holds"):
        Datastore.open(store.path)


def test_likely_tokens_that_are_cut_off_or_of_another_shape_are_refused(store):
    path = store.path / "likely.npy"
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    with pytest.raises(UserError, match=r"likely\.npy: damaged: .*mine the datastore again"):
        Datastore.open(store.path)
    np.save(path, np.zeros((len(store), 8), np.int32))
    with pytest.raises(UserError, match=r"likely\.npy: holds .*mine the datastore again"):
        Datastore.open(store.path)


def test_likely_tokens_are_part_of_the_content(store):
    path = store.path / "likely.npy"
    other = np.load(path)
    other["tokens"][3, 7] += 1
    np.save(path, other)
    assert hash_content(store.path, store.manifest) != store.content_hash


def test_a_store_of_the_format_before_likely_tokens_keeps_its_hash_and_has_none(store, tmp_path):
    older = without_likely(store, tmp_path / "older")
    assert older.likely is None
    assert hash_content(older.path, older.manifest) == older.content_hash != store.content_hash
    again = mine_tiny(older.path)  # it is finished, and left alone
    assert (again.content_hash, again.likely) == (older.content_hash, None)


def test_rows_past_the_count_do_not_exist_for_a_reader(store):
    edit_manifest(store, count=5)
    short = Datastore.open(store.path)
    assert len(short) == len(short.keys) == len(short.values) == len(short.provenance) == 5


def test_the_content_hash_changes_with_the_content_alone(store, tmp_path):
    again = mine_tiny(tmp_path / "again", corpus_hash="the same examples from elsewhere")
    other = mine_tiny(tmp_path / "other", loaded=tiny_model(seed=1))
    assert again.content_hash == store.content_hash != other.content_hash


def test_records_that_are_none_are_named(store):
    (store.path / "records.jsonl").write_text('{"id": "a"}\n{"name": "b"}\n')
    with pytest.raises(UserError, match=r"records\.jsonl:2: not a record"):
        len(Datastore.open(store.path).records)


def test_a_file_that_a_record_names_as_its_language_is_its_name_alone(store, tmp_path):
    path = store.path / "records.jsonl"
    origins = [json.loads(line) for line in path.read_text().splitlines()]
    origins[0]["language"] = str(tmp_path / "own.yaml")
    path.write_text("".join(f"{json.dumps(origin)}\n" for origin in origins))
    assert Datastore.open(store.path).records[0].language == "own"
    assert Datastore.open(store.path).content_hash == store.content_hash


def test_a_store_of_the_format_before_trials_is_read_as_one_without_any(store):
    stored = np.load(store.path / "provenance.npy")
    names = [name for name in stored.dtype.names if name not in ("outcome", "crash")]
    older = np.zeros(len(stored), [(name, stored.dtype[name]) for name in names])
    for name in names:
        older[name] = stored[name]
    np.save(store.path / "provenance.npy", older)
    edit_manifest(store, format_version=3, likely=False)
    opened = Datastore.open(store.path)
    assert opened.manifest.trials is None
    assert opened.provenance.dtype == store.provenance.dtype
    assert np.array_equal(opened.provenance, stored)
    edit_manifest(store, format_version=3, likely=False, content_hash=None)
    with pytest.raises(UserError, match="format 3: remove the directory"):
        mine_tiny(store.path)


def test_what_a_manifest_says_of_trials_survives_a_round_trip(store):
    policy = OutcomePolicy(32, 0.4, 16.0, 0.3, 0.02, 0.1, 90, 20, 9, 2, 2.0)
    for trials in (TrialsInfo(90, 30, 20, 5, 4, policy), TrialsInfo(90, 30, 20, 5, 4, None)):
        replace(store.manifest, trials=trials).save(store.path)
        assert Datastore.open(store.path).manifest.trials == trials


def test_opening_and_checking_options_load_no_model_library():
    script = (
        "import sys, knm.datastore as d, knm.datastore.edit, knm.datastore.filter; "
        "d.Datastore, d.MiningOptions(), d.IndexOptions(), d.build_index, d.CorpusExamples; "
        "print(sorted({'torch', 'transformers', 'faiss'} & sys.modules.keys()))"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
