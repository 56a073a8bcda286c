"""What is looked at in a configuration of vLLM, and what is left out of it."""

import json
import shutil
from types import SimpleNamespace

import pytest
import torch

from knm.errors import UserError
from knm.packaged import EMBEDDED_MODEL
from knm.serving.vllm.configuration import ROWS, check_configuration, make_check
from knm.serving.vllm.settings import read_settings
from tests.datastore.tiny import without_likely


def configuration(model=EMBEDDED_MODEL, **changes):
    """The fields of a `VllmConfig` that are read; `changes` by names, with __ for dots."""
    made = SimpleNamespace(
        use_v2_model_runner=False,
        speculative_config=None,
        lora_config=None,
        model_config=SimpleNamespace(
            model=str(model),
            tokenizer=str(model),
            revision=None,
            tokenizer_revision=None,
            dtype=torch.float32,
            logits_processors=None,
        ),
        parallel_config=SimpleNamespace(tensor_parallel_size=1),
        scheduler_config=SimpleNamespace(async_scheduling=None),
    )
    for name, value in changes.items():
        *path, last = name.split("__")
        place = made
        for part in path:
            place = getattr(place, part)
        setattr(place, last, value)
    return made


def settings_of(store, preset):
    settings = read_settings({"KNM_DATASTORE": str(store.path), "KNM_PRESET": preset})
    assert settings is not None
    return settings


@pytest.mark.parametrize(
    ("preset", "left"), [("trusted", False), ("dense", None)], ids=["reads text", "does not"]
)
def test_steps_wait_for_each_other_where_a_preset_reads_the_text(small_store, preset, left):
    made = configuration()
    check_configuration(settings_of(small_store, preset), made)
    assert made.scheduler_config.async_scheduling is left


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"use_v2_model_runner": True}, "VLLM_USE_V2_MODEL_RUNNER"),
        ({"speculative_config": "some"}, "--speculative-config"),
        ({"lora_config": "some"}, "--enable-lora"),
        ({"model_config__revision": "v2"}, "--revision"),
        ({"scheduler_config__async_scheduling": True}, "--async-scheduling"),
    ],
    ids=str,
)
def test_what_would_be_corrected_wrongly_is_refused(small_store, changes, told):
    with pytest.raises(UserError, match=told):
        check_configuration(settings_of(small_store, "trusted"), configuration(**changes))


def test_a_divided_head_is_not_asked_about_stored_keys(small_store, tmp_path):
    divided = configuration(parallel_config__tensor_parallel_size=2)
    check_configuration(settings_of(small_store, "dense"), divided)
    with pytest.raises(UserError, match="'ft2ra' asks the output head.*--tensor-parallel-size"):
        check_configuration(settings_of(small_store, "ft2ra"), divided)
    check_configuration(settings_of(small_store, "residual"), divided)
    older = without_likely(small_store, tmp_path / "older")
    with pytest.raises(UserError, match="'residual' asks the output head.*mine the datastore"):
        check_configuration(settings_of(older, "residual"), divided)


def test_a_datastore_of_another_model_is_refused(small_store, tmp_path):
    shutil.copytree(EMBEDDED_MODEL, tmp_path / "model")
    file = tmp_path / "model/config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "rms_norm_eps": 1e-3}))
    with pytest.raises(UserError, match=r"config\.json"):
        check_configuration(settings_of(small_store, "dense"), configuration(tmp_path / "model"))


def test_vllms_own_look_at_an_architecture_goes_first(small_store, monkeypatch):
    seen = []

    class Own:
        @staticmethod
        def verify_and_update_model_config(model_config):
            seen.append(model_config.logits_processors)

    ours = make_check("Qwen3ForCausalLM", Own)
    plain, corrected = configuration().model_config, configuration().model_config
    monkeypatch.delenv("KNM_DATASTORE", raising=False)
    monkeypatch.delenv("KNM_PRESET", raising=False)
    ours.verify_and_update_model_config(plain)
    monkeypatch.setenv("KNM_DATASTORE", str(small_store.path))
    ours.verify_and_update_model_config(corrected)
    assert seen == [None, None]
    assert (plain.logits_processors, corrected.logits_processors) == (None, [ROWS])
    with pytest.raises(UserError, match="GemmaForCausalLM is not corrected"):
        make_check("GemmaForCausalLM", None).verify_and_update_model_config(plain)
