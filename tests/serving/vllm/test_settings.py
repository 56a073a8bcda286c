import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.models import identify_model
from knm.packaged import EMBEDDED_MODEL
from knm.serving.vllm.architectures import ARCHITECTURES, check_architecture
from knm.serving.vllm.settings import check_identity, open_retriever, read_settings


def test_an_environment_that_names_no_datastore_asks_for_nothing():
    assert read_settings({}) is None
    assert read_settings({"KNM_DATASTORE": "", "KNM_KNN_K": "7"}) is None


def test_settings_are_the_twins_of_the_benchs_options(tmp_path):
    settings = read_settings(
        {
            "KNM_DATASTORE": str(tmp_path),
            "KNM_PRESET": "dense",
            "KNM_KNN_K": "7",
            "KNM_KNN_LAMBDA": "0.5",
            "KNM_KNN": "0",
        }
    )
    assert settings is not None
    assert settings.datastore == tmp_path
    options = settings.options
    assert (options.knn_preset, options.knn_k, options.knn_lambda) == ("dense", 7, 0.5)
    long = read_settings({"KNM_DATASTORE": str(tmp_path), "KNM_KNN_PRESET": "v1"})
    assert long is not None
    assert long.options.knn_preset == "v1"


@pytest.mark.parametrize(
    ("given_too", "told"),
    [
        ({"KNM_KNN_LAMBDA": "much"}, "KNM_KNN_LAMBDA=much: expected float"),
        ({"KNM_KNN_K": "0"}, "KNM_KNN_K=0: must be at least 1"),
        (
            {"KNM_PRESET": "v1", "KNM_KNN_PRESET": "v2"},
            "KNM_PRESET=v1 and KNM_KNN_PRESET=v2 contradict each other",
        ),
        ({"KNM_DATASTORE": "/no/such/place"}, "KNM_DATASTORE=/no/such/place: no such directory"),
        ({"KNM_DATASTORE": "", "KNM_PRESET": "v1"}, "no effect without KNM_DATASTORE"),
    ],
)
def test_wrong_settings_are_refused_by_name(given_too, told, tmp_path):
    with pytest.raises(UserError, match=told):
        read_settings({"KNM_DATASTORE": str(tmp_path), **given_too})


@given(st.dictionaries(st.sampled_from(["KNM_KNN_K", "KNM_KNN_GATE", "KNM_PRESET"]), st.text()))
def test_whatever_stands_in_the_environment_is_read_or_refused(environment):
    try:
        settings = read_settings({"KNM_DATASTORE": str(Path.cwd()), **environment})
    except UserError:
        return
    assert settings is not None


def test_an_architecture_that_cannot_be_corrected_is_not_served_uncorrected():
    for name in ARCHITECTURES:
        check_architecture(name)
    with pytest.raises(UserError, match="GemmaForCausalLM is not corrected in vLLM"):
        check_architecture("GemmaForCausalLM")


def test_a_datastore_of_another_model_or_of_other_keys_is_refused(small_store, tmp_path):
    settings = read_settings({"KNM_DATASTORE": str(small_store.path)})
    assert settings is not None
    model = str(EMBEDDED_MODEL)
    identity = check_identity(settings, model, model, "float32")
    assert open_retriever(settings, identity).datastore.path == small_store.path
    keyed = tmp_path / "keyed"
    shutil.copytree(small_store.path, keyed)
    manifest = (keyed / "manifest.json").read_text()
    (keyed / "manifest.json").write_text(manifest.replace('"final-norm"', '"last-layer"'))
    with pytest.raises(UserError, match=r"its keys are 'last-layer'.*or use `knm serve`"):
        open_retriever(replace(settings, datastore=keyed), identity)
    other = tmp_path / "model"
    other.mkdir()
    for file in EMBEDDED_MODEL.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    (other / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(UserError, match="weights"):
        open_retriever(settings, identify_model(str(other), "float32"))
    config = (other / "tokenizer_config.json").read_text()
    (other / "tokenizer_config.json").write_text(config + "\n")
    with pytest.raises(UserError, match=r"--tokenizer .*: not the tokenizer of"):
        check_identity(settings, model, str(other), "float32")
