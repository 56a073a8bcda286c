import pytest
import torch

from knm.errors import UserError
from knm.models import load_model


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
