"""Tiny random models in GGUF files, as converters write them."""

import json
from pathlib import Path
from typing import Any

import gguf
import torch
from transformers import AutoModelForCausalLM, PreTrainedModel, PreTrainedTokenizerFast

from knm.models.tokenizer_training import train_tokenizer
from tests.engine.random_models import random_model

PARTS = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
WHOLE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def tiny_tokenizer(vocab_size: int = 300) -> PreTrainedTokenizerFast:
    return train_tokenizer(["print the sum of two", "local a = io.read('*n')"] * 4, vocab_size)


def write_gguf(
    path: Path,
    kind: str = "qwen2",
    *,
    split_count: int | None = None,
    rope_scaling: str | None = None,
) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Write a model file; returns the model and the tokenizer that are in it."""
    tokenizer = tiny_tokenizer()
    model = _plain_model(kind, len(tokenizer))
    config = model.config
    writer = gguf.GGUFWriter(path, kind)
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if kind == "qwen3":
        writer.add_key_length(config.head_dim)
        writer.add_value_length(config.head_dim)
    if split_count is not None:
        writer.add_uint16("split.count", split_count)
    if rope_scaling is not None:
        writer.add_string(f"{kind}.rope.scaling.type", rope_scaling)
    _write_tokenizer(writer, tokenizer)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue
        writer.add_tensor(_name(name), _stored(name, weight, kind, config).contiguous().numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return model, tokenizer


def _plain_model(kind: str, vocab_size: int) -> PreTrainedModel:
    """A random one, without the scaled rotations that the format keeps in a tensor of their own."""
    config = random_model(kind).model.config
    config.rope_parameters = {"rope_type": "default", "rope_theta": 10_000.0}
    config.vocab_size = vocab_size
    torch.manual_seed(0)
    return AutoModelForCausalLM.from_config(config).eval()


def _write_tokenizer(writer: gguf.GGUFWriter, tokenizer: PreTrainedTokenizerFast) -> None:
    model = json.loads(tokenizer.backend_tokenizer.to_str())["model"]
    tokens = [token for token, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    special = {str(token) for token in tokenizer.added_tokens_decoder.values()}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types(
        [gguf.TokenType.CONTROL if token in special else gguf.TokenType.NORMAL for token in tokens]
    )
    writer.add_token_merges([" ".join(pair) for pair in model["merges"]])
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_chat_template(tokenizer.chat_template)


def _name(name: str) -> str:
    if name in WHOLE:
        return WHOLE[name]
    _, _, layer, part, suffix = name.split(".", 3)[:3] + name.split(".", 3)[3].rsplit(".", 1)
    return f"blk.{layer}.{PARTS[part]}.{suffix}"


def _stored(name: str, weight: torch.Tensor, kind: str, config: Any) -> torch.Tensor:
    """A weight as the format has it: Llama's rotary halves are interleaved there."""
    heads = {
        "q_proj": config.num_attention_heads,
        "k_proj": config.num_key_value_heads,
    }.get(name.split(".")[-2])
    if kind != "llama" or heads is None:
        return weight
    rows = weight.shape[0] // heads // 2
    return weight.reshape(heads, 2, rows, -1).swapaxes(1, 2).reshape(weight.shape)
