import json
import shutil
from pathlib import Path

import pytest

from knm.errors import UserError
from knm.models import EMBEDDED, find_model, identify_model

FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "chat_template.jinja")


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
    for name in FILES[1:]:
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
