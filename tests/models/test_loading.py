import json
import logging
import re
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from knm.errors import UserError
from knm.models import load_bare, load_model, resolve_placement
from knm.models.identity import find_model
from knm.packaged import EMBEDDED

EMBEDDED_DIRECTORY = find_model(EMBEDDED)


def test_the_embedded_model_is_small_and_in_evaluation_mode(embedded):
    parameters = sum(weight.numel() for weight in embedded.model.parameters())
    assert 10e6 < parameters < 12e6
    assert not embedded.model.training
    assert embedded.model.dtype == torch.float32
    assert embedded.identity.hidden_size == embedded.model.config.hidden_size
    assert embedded.identity.vocab_size == embedded.model.get_output_embeddings().weight.shape[0]


def test_the_number_format_can_be_chosen():
    loaded = load_model(dtype="bfloat16", device="cpu")
    assert loaded.model.dtype == torch.bfloat16
    assert loaded.identity.dtype == "bfloat16"


def test_files_that_are_no_weights_are_named(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 4, "vocab_size": 4}')
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be loaded as a causal LM"):
        load_model(str(tmp_path), device="cpu")


def copied(directory, change):
    """The embedded model, of whose tensors or settings something is changed."""
    shutil.copytree(EMBEDDED_DIRECTORY, directory, dirs_exist_ok=True)
    weights, config = directory / "model.safetensors", directory / "config.json"
    tensors, settings = load_file(weights), json.loads(config.read_text())
    change(tensors, settings)
    save_file(tensors, weights, metadata={"format": "pt"})
    config.write_text(json.dumps(settings))
    return str(directory)


@pytest.fixture
def library_says(caplog):
    """What the model library has logged; nothing of it reaches the root logger."""
    logger = logging.getLogger("transformers")
    logger.addHandler(caplog.handler)
    yield lambda: caplog.text
    logger.removeHandler(caplog.handler)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            lambda tensors, _: tensors.pop("model.layers.1.mlp.up_proj.weight"),
            "model.layers.1.mlp.up_proj.weight is missing;",
        ),
        # The library draws norms as ones, without a random number that would show it.
        (lambda tensors, _: tensors.pop("model.norm.weight"), "model.norm.weight is missing;"),
        (
            lambda _, config: config.update(tie_word_embeddings=False),
            "lm_head.weight is missing;",
        ),
        (
            lambda tensors, _: [tensors.pop(name) for name in [*tensors] if ".layers.7." in name],
            ", and 8 more; is the download",
        ),
        (
            lambda _, config: config.update(vocab_size=2000),
            "model.embed_tokens.weight is [2048, 320], not [2000, 320]",
        ),
    ],
)
def test_weights_that_do_not_fit_are_named_and_never_drawn_at_random(
    change, told, tmp_path, library_says
):
    name = copied(tmp_path, change)
    placement = resolve_placement("cpu", None)
    assert load_bare(name, placement) is None
    with pytest.raises(UserError, match=re.escape(told)):
        load_model(name, device="cpu")
    assert library_says() == ""  # what is told once needs no table before it


def test_tensors_that_are_not_used_are_still_warned_of(tmp_path, library_says):
    name = copied(tmp_path, lambda tensors, _: tensors.update(spare=torch.zeros(1)))
    load_model(name, device="cpu")
    assert re.search("LOAD REPORT.*spare.*UNEXPECTED", library_says(), re.DOTALL)
