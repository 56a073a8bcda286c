import shutil
from dataclasses import replace
from json import dumps, loads
from pathlib import Path

import numpy as np
import pytest

from knm.bench import find_engine, prepare_engine
from knm.bench.engines import OwnEngine
from knm.datastore import Manifest
from knm.engine import GenerationOptions, completion_key, describe_setup
from knm.engine.setup import EngineSetup
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.models import Placement, find_model, identify_model
from knm.options import RunOptions
from knm.records import Request
from tests.engine.configurations import with_datastore
from tests.problems.problem_files import ROOT
from tests.retrieval.stores import POLICY, saved, store_of, trials_of
from tests.serving import scripted

EMBEDDED = EngineSetup("embedded", Placement("cpu", "float32"), GenerationOptions(64, 4))


def test_knn_names_the_embedded_datastore_and_the_default_preset():
    setup = prepare_engine(RunOptions(knn=True), ROOT)
    assert setup.datastore == ROOT / "datastore/embedded"
    assert setup.datastore_name == "embedded"
    assert setup.preset is not None
    assert setup.preset.name == "trusted"


def test_overrides_reach_the_preset():
    options = RunOptions(knn=True, knn_preset="v2", knn_k=3, knn_lambda=0.5, knn_temperature=7.0)
    preset = prepare_engine(options, ROOT).preset
    assert preset is not None
    assert (preset.k, preset.lmbda, preset.temperature) == (3, 0.5, 7.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions(model="nope"), "model nope"),
        (RunOptions(dtype="int3"), "dtype int3"),
        (RunOptions(device="abacus"), "device abacus"),
        (RunOptions(knn=True, datastore="nope"), "datastore nope"),
        (RunOptions(knn=True, knn_preset="v9"), "preset v9"),
        (RunOptions(knn=True, knn_lambda=1.5), "lmbda 1.5"),
    ],
)
def test_what_is_not_there_is_named(options, message):
    with pytest.raises(UserError, match=message):
        find_engine(options, ROOT)


@pytest.fixture
def preset_file(tmp_path) -> str:
    path = tmp_path / "typed.yaml"
    lines = ["extends: bayes", "weight_options: {window: 8}", "token_types: [identifier, literal]"]
    path.write_text("\n".join(lines), encoding="utf-8")
    return str(path)


def test_a_setup_travels_as_json(preset_file):
    for preset in ("v3", preset_file):
        setup = prepare_engine(RunOptions(knn=True, knn_preset=preset), ROOT)
        assert EngineSetup.from_json(loads(dumps(setup.to_json()))) == setup


def test_a_preset_file_is_told_in_full_and_may_be_overridden(preset_file):
    setup = prepare_engine(RunOptions(knn=True, knn_preset=preset_file, knn_k=3), ROOT)
    assert setup.preset is not None
    told = setup.to_json()["preset"]
    assert (told["name"], told["k"], told["weight_kind"]) == ("typed", 3, "bayes")
    assert told["weight_options"] == {"window": 8, "prior": None}
    assert told["token_types"] == ["identifier", "literal"]
    assert told["temperature_scale"] == 0.1


def test_a_server_with_the_same_preset_file_serves_the_run(preset_file):
    options = RunOptions(knn=True, knn_preset=preset_file, datastore="own")
    preset = prepare_engine(replace(options, datastore=None), ROOT).to_json()["preset"]
    served = with_datastore(describe_setup(EMBEDDED), "own", preset, "trusted")
    with scripted.serving(scripted.ScriptedEngine(), configuration=served) as url:
        find_engine(replace(options, engine=url, max_new_tokens=64), ROOT)
        other = replace(options, engine=url, max_new_tokens=64, knn_preset="bayes")
        with pytest.raises(UserError, match=r"preset's token_types: the run has None, the server"):
            find_engine(other, ROOT)


def test_the_engine_of_a_run_is_described_without_being_started():
    engine = find_engine(RunOptions(device="cpu", max_new_tokens=32, batch_size=2), ROOT)
    assert isinstance(engine, OwnEngine)
    told: list[str] = []
    engine.prepare(told.append)
    assert told == []
    configuration = engine.configuration
    assert (configuration.max_new_tokens, configuration.batch_size) == (32, 2)
    assert (configuration.preset, configuration.datastore_hash) == (None, None)
    assert engine.trouble() == []
    engine.close()


@pytest.fixture(scope="module")
def url():
    configuration = describe_setup(EMBEDDED)
    with scripted.serving(scripted.ScriptedEngine(), configuration=configuration) as address:
        yield address


@pytest.fixture
def fitting(url) -> RunOptions:
    return RunOptions(engine=url, max_new_tokens=64)


def test_a_running_engine_that_fits_is_used(fitting):
    engine = find_engine(fitting, ROOT)
    assert engine.configuration == describe_setup(EMBEDDED)
    assert [server.url for server in engine.servers().servers] == [fitting.engine]
    engine.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "own/model"}, "--model: the run has own/model, the server embedded"),
        ({"dtype": "bfloat16"}, "--dtype: the run has bfloat16, the server float32"),
        ({"batch_size": 8}, "--batch-size: the run has 8, the server 4"),
        ({"max_new_tokens": 65}, "--max-new-tokens: the run has 65, the server at most 64"),
        ({"knn": True}, "--knn: the run has on, the server off"),
    ],
)
def test_a_running_engine_that_does_not_fit_is_refused_naming_both(fitting, change, message):
    with pytest.raises(UserError, match=message):
        find_engine(replace(fitting, **change), ROOT)


def test_presets_and_datastores_have_to_be_the_servers(tmp_path):
    preset = prepare_engine(RunOptions(knn=True, knn_preset="v2"), ROOT).to_json()["preset"]
    configuration = with_datastore(describe_setup(EMBEDDED), "own", preset, "trusted")
    with scripted.serving(scripted.ScriptedEngine(), configuration=configuration) as url:
        options = RunOptions(
            engine=url, max_new_tokens=64, knn=True, knn_preset="v2", datastore="own"
        )
        find_engine(options, ROOT)
        with pytest.raises(UserError, match="preset's weight: the run has 0.5, the server 0.25"):
            find_engine(replace(options, knn_lambda=0.5), ROOT)
        with pytest.raises(UserError, match="--datastore: the run has other, the server own"):
            find_engine(replace(options, datastore="other"), ROOT)


def test_nobody_at_the_address_is_a_user_error():
    with pytest.raises(UserError, match="knm serve"):
        find_engine(RunOptions(engine="http://127.0.0.1:9"), ROOT)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json", "tokenizer_config.json"])
def test_every_file_of_the_model_decides_completions_and_has_to_be_the_servers(name, tmp_path):
    directory = tmp_path / "model"
    shutil.copytree(find_model("embedded"), directory)
    setup = replace(EMBEDDED, model=str(directory))
    before = describe_setup(setup)
    write_json(directory / name, {**read_json(directory / name), "repetition_penalty": 1.5})
    after = describe_setup(setup)
    request = Request("a", "Add.")
    assert completion_key(before, request) != completion_key(after, request)
    assert after.unapplied == ({} if name.startswith("token") else {"repetition_penalty": 1.5})
    with scripted.serving(scripted.ScriptedEngine(), configuration=before) as url:
        options = RunOptions(model=str(directory), engine=url, max_new_tokens=64)
        file = "tokenizer" if name.startswith("token") else name
        with pytest.raises(UserError, match=rf"{directory}, {file}: the run has \w+, the server"):
            find_engine(options, ROOT)


def own_stores(tmp_path) -> dict[str, str]:
    """Datastores of the embedded model: of tokens, and of trials with two policies."""
    identity, keys = identify_model("embedded", "float32"), np.zeros((1, 8))
    return {
        name: str(saved(store, tmp_path / name))
        for name, store in {
            "tokens": store_of(keys, model=identity),
            "trials": trials_of(keys, [1], [2], model=identity),
            "bold": trials_of(
                keys, [1], [2], model=identity, policy=replace(POLICY, threshold=0.01)
            ),
        }.items()
    }


def test_a_datastore_of_trials_has_a_default_preset_of_its_own(tmp_path):
    stores = own_stores(tmp_path)
    names = {}
    for name in stores:
        preset = prepare_engine(RunOptions(knn=True, datastore=stores[name]), ROOT).preset
        assert preset is not None
        names[name] = preset.name
    assert names == {"tokens": "trusted", "trials": "outcome", "bold": "outcome"}
    for name, asked, mend in (
        ("trials", "dense", "choose preset outcome"),
        ("tokens", "outcome", r"choose another preset \(trusted\)"),
    ):
        options = RunOptions(knn=True, datastore=stores[name], knn_preset=asked)
        with pytest.raises(UserError, match=mend):
            prepare_engine(options, ROOT)


def test_a_policy_decides_completions(tmp_path):
    stores = own_stores(tmp_path)
    hashes = {
        describe_setup(prepare_engine(RunOptions(knn=True, datastore=path), ROOT)).calibration
        for path in (stores["trials"], stores["bold"])
    }
    assert len(hashes) == 2


def test_a_server_with_trials_serves_a_run_that_names_no_preset(tmp_path):
    options = RunOptions(knn=True, datastore=own_stores(tmp_path)["trials"], max_new_tokens=64)
    configuration = describe_setup(prepare_engine(replace(options, batch_size=4), ROOT))
    with scripted.serving(scripted.ScriptedEngine(), configuration=configuration) as url:
        assert find_engine(replace(options, engine=url), ROOT).configuration == configuration
        with pytest.raises(UserError, match="preset's weight_kind"):
            find_engine(replace(options, engine=url, knn_preset="dense"), ROOT)


def test_a_server_serves_a_run_by_the_preset_that_the_datastore_is_for(tmp_path):
    path = Path(own_stores(tmp_path)["tokens"])
    replace(Manifest.load(path), preset="dense").save(path)
    options = RunOptions(knn=True, datastore=str(path), max_new_tokens=64)
    setup = prepare_engine(replace(options, batch_size=4), ROOT)
    assert setup.preset is not None
    assert setup.preset.name == "dense"
    with scripted.serving(scripted.ScriptedEngine(), configuration=describe_setup(setup)) as url:
        find_engine(replace(options, engine=url), ROOT)
        path.rename(tmp_path / "elsewhere")
        find_engine(replace(options, engine=url), ROOT)
        with pytest.raises(UserError, match="preset's weight_kind"):
            find_engine(replace(options, engine=url, knn_preset="trusted"), ROOT)
