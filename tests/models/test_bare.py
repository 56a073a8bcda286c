"""A model read without the model library's classes: the same decoder as with them, to the bit."""

import json
import subprocess
import sys
from dataclasses import fields

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from knm.engine.architectures import read_decoder
from knm.engine.stopping import end_tokens
from knm.models import load_bare, load_model, resolve_placement
from knm.models.bare import read_bare
from knm.packaged import EMBEDDED
from tests.problems.problem_files import ROOT

SMALL = {
    "vocab_size": 97,
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 100,
    "max_position_embeddings": 300,
    "sliding_window": None,
}
MODELS = {
    "llama": lambda **more: LlamaForCausalLM(LlamaConfig(**SMALL, **more)),
    "mistral": lambda **more: MistralForCausalLM(MistralConfig(**SMALL, **more)),
    "qwen2": lambda **more: Qwen2ForCausalLM(Qwen2Config(**SMALL, **more)),
    "qwen3": lambda **more: Qwen3ForCausalLM(Qwen3Config(**SMALL, head_dim=32, **more)),
}


def save(kind, directory, **more):
    torch.manual_seed(3)
    model = MODELS[kind](rms_norm_eps=3e-5, **more).to(torch.bfloat16)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)  # norms and biases are not all ones and zeros then
    model.save_pretrained(directory)


def tensors_in(value) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, tuple):
        return [found for each in value for found in tensors_in(each)]
    if hasattr(value, "__dataclass_fields__"):
        return tensors_in(tuple(getattr(value, field.name) for field in fields(value)))
    return []


def same(one, other) -> bool:
    """Whether two decoders are equal in every tensor's bits and every setting."""
    mine, yours = tensors_in(one), tensors_in(other)
    assert len(mine) > 10
    plain = [
        [
            getattr(decoder, field.name)
            for field in fields(decoder)
            if not tensors_in(getattr(decoder, field.name))
        ]
        for decoder in (one, other)
    ]
    return plain[0] == plain[1] and all(map(torch.equal, mine, yours)) and len(mine) == len(yours)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("kind", sorted(MODELS))
def test_the_decoder_is_that_of_the_library_s_model(kind, dtype, tied, tmp_path):
    save(kind, tmp_path, tie_word_embeddings=tied)
    number = getattr(torch, dtype)
    bare = read_bare(tmp_path, number)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=number)
    assert bare is not None
    assert same(read_decoder(bare), read_decoder(model))


def test_the_embedded_model_too_and_it_ends_alike():
    bare = load_bare(EMBEDDED, resolve_placement("cpu", None))
    whole = load_model(EMBEDDED, device="cpu")
    assert bare is not None
    assert bare.identity == whole.identity
    assert end_tokens(bare) == end_tokens(whole)
    assert same(read_decoder(bare.model), read_decoder(whole.model))
    assert bare.tokenizer.encode("local x = 1") == whole.tokenizer.encode("local x = 1")


@pytest.mark.parametrize(
    "change",
    [
        {"attention_bias": True},
        {"mlp_bias": True},
        {"rope_parameters": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 2.0}},
    ],
)
def test_what_it_does_not_know_is_left_to_the_library(change, tmp_path):
    save("llama", tmp_path, **change)
    assert read_bare(tmp_path, torch.float32) is None


@pytest.mark.parametrize(
    "change",
    [
        # whose tensors are of other shapes then: the library refuses them
        {"vocab_size": 96},
        {"hidden_size": 96},
        {"num_attention_heads": 8},
        {"num_key_value_heads": 4},
        {"intermediate_size": 96},
        {"head_dim": 64},
        # by which the library reads other tensors, or reads them otherwise
        {"attention_bias": True},
        {"mlp_bias": True},
        {"quantization_config": {"quant_method": "fp8"}},
        {"transformers_weights": "others.safetensors"},
    ],
)
def test_so_are_settings_that_the_tensors_do_not_fit(change, tmp_path):
    save("llama", tmp_path)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    assert read_bare(tmp_path, torch.float32) is None


def test_so_is_a_model_with_an_adapter_beside_it(tmp_path):
    save("llama", tmp_path)
    assert read_bare(tmp_path, torch.float32) is not None
    (tmp_path / "adapter_config.json").write_text("{}")
    assert read_bare(tmp_path, torch.float32) is None


def test_so_is_a_file_that_lacks_a_tensor_or_is_none(tmp_path):
    save("qwen3", tmp_path)
    weights = tmp_path / "model.safetensors"
    tensors = load_file(weights)
    del tensors["model.layers.1.mlp.up_proj.weight"]
    save_file(tensors, weights)
    assert read_bare(tmp_path, torch.float32) is None
    weights.write_bytes(b"nothing")
    assert load_bare(str(tmp_path), resolve_placement("cpu", "float32")) is None


def test_an_engine_that_only_writes_never_loads_the_library_s_models():
    code = f"""
import sys
from knm.engine import EngineSetup, GenerationOptions, open_writer
from knm.models import resolve_placement
from knm.records import Request
setup = EngineSetup({EMBEDDED!r}, resolve_placement("cpu", None), GenerationOptions(4, 1))
engine = open_writer(setup).engine
engine.submit_all([Request("a", "local", chat=False)])
while engine.busy:
    done = [event.completion for event in engine.step()]
assert done[0].completion_tokens == 4
assert "transformers.modeling_utils" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
