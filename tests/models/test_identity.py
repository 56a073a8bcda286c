import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from transformers import (
    BloomConfig,
    CodeGenConfig,
    Gemma3Config,
    GPT2Config,
    GPTBigCodeConfig,
    GPTJConfig,
    MptConfig,
)

from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.models import find_model, identify_model
from knm.packaged import EMBEDDED

FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
)


@pytest.fixture
def model(tmp_path) -> Path:
    """A model directory whose weights are no weights: identity must not load them."""
    directory: Path = tmp_path / "model"
    directory.mkdir()
    for name in FILES:
        shutil.copy(find_model(EMBEDDED) / name, directory)
    (directory / "model.safetensors").write_bytes(b"not weights")
    return directory


def test_the_same_files_elsewhere_are_the_same_model(model, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(model, copy)
    first, second = (identify_model(str(path), "float32") for path in (model, copy))
    assert first.weights_hash == second.weights_hash
    assert first.tokenizer_hash == second.tokenizer_hash


def test_other_weights_are_another_model(model):
    before = identify_model(str(model), "float32")
    (model / "model.safetensors").write_bytes(b"other weights")
    after = identify_model(str(model), "float32")
    assert before.weights_hash != after.weights_hash
    assert before.tokenizer_hash == after.tokenizer_hash


def test_another_chat_template_is_another_tokenizer(model):
    before = identify_model(str(model), "float32")
    (model / "chat_template.jinja").write_text("{{ messages }}")
    after = identify_model(str(model), "float32")
    assert before.weights_hash == after.weights_hash
    assert before.tokenizer_hash != after.tokenizer_hash


def change(path: Path, **fields: Any) -> None:
    write_json(path, {**read_json(path), **fields})


HASHES = ("weights_hash", "config_hash", "generation_hash", "tokenizer_hash")


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("config.json", {"config_hash"}),
        ("generation_config.json", {"generation_hash"}),
        ("tokenizer_config.json", {"tokenizer_hash"}),
    ],
)
def test_other_settings_are_another_model(model, file, changed):
    before = identify_model(str(model), "float32")
    change(model / file, eos_token_id=0)
    after = identify_model(str(model), "float32")
    assert {name for name in HASHES if getattr(before, name) != getattr(after, name)} == changed


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ("model.safetensors.index.json", "config_hash"),
        ("added_tokens.json", "tokenizer_hash"),
        ("tokenizer.model", "tokenizer_hash"),
        ("additional_chat_templates/tools.jinja", "tokenizer_hash"),
    ],
)
def test_every_file_that_is_read_counts(model, file, field):
    before = identify_model(str(model), "float32")
    (model / file).parent.mkdir(exist_ok=True)
    (model / file).write_text("{}")
    after = identify_model(str(model), "float32")
    assert {name for name in HASHES if getattr(before, name) != getattr(after, name)} == {field}


def test_how_settings_are_written_and_by_which_version_does_not_count(model):
    before = identify_model(str(model), "float32")
    path = model / "config.json"
    settings = {**read_json(path), "transformers_version": "4.0.0"}
    path.write_text(json.dumps(dict(reversed(settings.items()))))
    assert identify_model(str(model), "float32") == before


def test_a_model_without_generation_config_has_no_hash_of_it(model):
    (model / "generation_config.json").unlink()
    assert identify_model(str(model), "float32").generation_hash is None


def test_an_adapter_is_refused_saying_how_to_merge_it(model):
    (model / "adapter_config.json").write_text("{}")
    with pytest.raises(UserError, match=r"holds an adapter .*merge_and_unload"):
        identify_model(str(model), "float32")


@pytest.mark.parametrize(
    "config",
    [
        GPT2Config(n_embd=48, vocab_size=100),
        GPTBigCodeConfig(n_embd=48, vocab_size=100),
        CodeGenConfig(n_embd=48, vocab_size=100),
        GPTJConfig(n_embd=48, vocab_size=100, n_head=4),
        MptConfig(d_model=48, vocab_size=100),
        BloomConfig(hidden_size=48, vocab_size=100),
        Gemma3Config(text_config={"hidden_size": 48, "vocab_size": 100}),
    ],
    ids=lambda config: config.model_type,
)
def test_sizes_are_found_by_whatever_name_an_architecture_has_for_them(model, config):
    config.save_pretrained(model)
    identity = identify_model(str(model), "float32")
    assert (identity.hidden_size, identity.vocab_size) == (48, 100)


@pytest.mark.parametrize("text", ["[]", "null", '"config"'])
def test_a_config_that_is_no_object_is_named(model, text):
    (model / "config.json").write_text(text)
    with pytest.raises(UserError, match=r"config\.json: expected a JSON object"):
        identify_model(str(model), "float32")


def test_what_one_side_does_not_know_is_no_difference(model):
    identity = identify_model(str(model), "float32")
    older = replace(identity, config_hash=None)
    assert list(older.differences(identity)) == []
    other = replace(identity, config_hash="other")
    assert list(other.differences(identity)) == [("config.json", "other", identity.config_hash)]
    assert list(other.differences(older)) == []


def test_files_of_the_hubs_cache_are_identified_by_their_blob(model):
    weights = model / "model.safetensors"
    plain = identify_model(str(model), "float32")
    blob = weights.rename(
        model / "b37b2bd95b81b8b1d7e1a3ad7bc5bf0b0a0c3b9f0c0f7d1a5e0a2e1a7d9b6c11"
    )
    weights.symlink_to(blob)
    linked = identify_model(str(model), "float32")
    assert linked.weights_hash != plain.weights_hash
    blob.write_bytes(b"changed behind its name")
    assert identify_model(str(model), "float32") == linked


@pytest.mark.parametrize(
    ("missing", "message"),
    [("config.json", "config.json"), ("model.safetensors", "no \\*.safetensors weights")],
)
def test_a_directory_that_lacks_a_part_is_named(model, missing, message):
    (model / missing).unlink()
    with pytest.raises(UserError, match=message):
        identify_model(str(model), "float32")


def test_a_directory_without_a_tokenizer_is_named(model):
    for name in FILES[2:]:
        (model / name).unlink()
    with pytest.raises(UserError, match="no tokenizer"):
        identify_model(str(model), "float32")


def test_a_config_of_something_else_is_named(model):
    (model / "config.json").write_text(json.dumps({"model_type": "toaster"}))
    with pytest.raises(UserError, match="hidden_size"):
        identify_model(str(model), "float32")


@pytest.mark.parametrize("name", ["nope", "no/such/place", "", "../nope"])
def test_an_unknown_name_is_refused_with_the_choices(name):
    with pytest.raises(UserError, match="embedded"):
        find_model(name)
