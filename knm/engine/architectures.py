"""Reading a Hugging Face causal LM as a `Decoder`: the allow-list of architectures.

Linear layers that share an input are fused; the model's own parameters become views of the fused
tensors, with the same values, so that nothing is held twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from knm.engine.decoder import Decoder, Layer, Linear, Norm, Rope

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_ROPE_TYPES: Final = ("default", "linear", "llama3", "yarn")
_ALIGNMENT: Final = 32  # elements; two AVX-512 vectors of float32


class UnsupportedModelError(Exception):
    """The model cannot be decoded by slots; the message says what stands against it."""


def read_decoder(model: PreTrainedModel) -> Decoder:
    """The model's weights in the form that slots decode.

    Raises:
        UnsupportedModelError: its architecture, or a feature that it uses, is not on the list.
    """
    kind = model.config.model_type
    if kind not in ARCHITECTURES:
        raise UnsupportedModelError(
            f"architecture {kind!r} is none of {', '.join(sorted(ARCHITECTURES))}"
        )
    with torch.no_grad():
        return ARCHITECTURES[kind](model)


def _llama_like(model: Any) -> Decoder:
    config, trunk = model.config, model.model
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or _slides(config):
        raise UnsupportedModelError("it attends within a sliding window")
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return Decoder(
        embedding=trunk.embed_tokens.weight.detach(),
        learned_positions=None,
        rope=_rope(trunk.rotary_emb, config, trunk.embed_tokens.weight),
        layers=tuple(_llama_layer(block, config) for block in trunk.layers),
        final_norm=_rms_norm(trunk.norm),
        head=_linear(model.lm_head),
        heads=config.num_attention_heads,
        key_value_heads=config.num_key_value_heads,
        head_dim=head_dim,
        attention_scale=head_dim**-0.5,
        activation=_activation(config.hidden_act),
        gated=True,
        max_positions=config.max_position_embeddings,
    )


def _slides(config: Any) -> bool:
    """Mistral has a window where it names one; Qwen only where it also switches it on."""
    return bool(getattr(config, "use_sliding_window", True)) and (
        getattr(config, "sliding_window", None) is not None
    )


def _llama_layer(block: Any, config: Any) -> Layer:
    attention, mlp = block.self_attn, block.mlp
    qk_norm = None
    if hasattr(attention, "q_norm"):
        weights = [attention.q_norm.weight] * config.num_attention_heads
        weights += [attention.k_norm.weight] * config.num_key_value_heads
        qk_norm = Norm(torch.stack(weights), None, attention.q_norm.variance_epsilon, centred=False)
    return Layer(
        attention_norm=_rms_norm(block.input_layernorm),
        qkv=_fused([attention.q_proj, attention.k_proj, attention.v_proj]),
        qk_norm=qk_norm,
        attention_out=_linear(attention.o_proj),
        mlp_norm=_rms_norm(block.post_attention_layernorm),
        up=_fused([mlp.gate_proj, mlp.up_proj], pad=True),
        down=_padded_input(_linear(mlp.down_proj)),
    )


def _gpt2(model: Any) -> Decoder:
    config, trunk = model.config, model.transformer
    if config.scale_attn_by_inverse_layer_idx or config.add_cross_attention:
        raise UnsupportedModelError("it scales attention by layer, or attends to an encoder")
    head_dim = config.n_embd // config.n_head
    return Decoder(
        embedding=trunk.wte.weight.detach(),
        learned_positions=trunk.wpe.weight.detach(),
        rope=None,
        layers=tuple(_gpt2_layer(block) for block in trunk.h),
        final_norm=_layer_norm(trunk.ln_f),
        head=_linear(model.lm_head),
        heads=config.n_head,
        key_value_heads=config.n_head,
        head_dim=head_dim,
        attention_scale=head_dim**-0.5 if config.scale_attn_weights else 1.0,
        activation=_activation(config.activation_function),
        gated=False,
        max_positions=config.n_positions,
    )


def _gpt2_layer(block: Any) -> Layer:
    up = _transposed(block.mlp.c_fc)
    return Layer(
        attention_norm=_layer_norm(block.ln_1),
        qkv=_transposed(block.attn.c_attn),
        qk_norm=None,
        attention_out=_transposed(block.attn.c_proj),
        mlp_norm=_layer_norm(block.ln_2),
        up=Linear(_pad_rows(up.weight), None if up.bias is None else _pad_rows(up.bias)),
        down=_padded_input(_transposed(block.mlp.c_proj)),
    )


def _rms_norm(module: Any) -> Norm:
    return Norm(module.weight.detach(), None, module.variance_epsilon, centred=False)


def _layer_norm(module: Any) -> Norm:
    return Norm(module.weight.detach(), module.bias.detach(), module.eps, centred=True)


def _linear(module: Any) -> Linear:
    bias = getattr(module, "bias", None)
    return Linear(module.weight.detach(), None if bias is None else bias.detach())


def _transposed(module: Any) -> Linear:
    """GPT-2's Conv1D keeps its weight as (in, out)."""
    return Linear(module.weight.detach().T, module.bias.detach())


def _fused(modules: Sequence[Any], *, pad: bool = False) -> Linear:
    """One linear layer that gives the outputs of several, one after the other."""

    def join(name: str) -> Tensor | None:
        parts = [getattr(module, name) for module in modules]
        if parts[0] is None:
            return None
        heights = [len(part) for part in parts]
        pieces = [_pad_rows(part.detach()) if pad else part.detach() for part in parts]
        whole = torch.cat(pieces)
        start = 0
        for parameter, height, piece in zip(parts, heights, pieces, strict=True):
            parameter.data = whole[start : start + height]
            start += len(piece)
        return whole

    weight = join("weight")
    assert weight is not None
    return Linear(weight, join("bias"))


def _pad_rows(part: Tensor) -> Tensor:
    """Add zero rows up to whole vectors."""
    missing = -len(part) % _ALIGNMENT
    if missing == 0:
        return part
    return functional.pad(part, (0, 0) * (part.dim() - 1) + (0, missing))


def _padded_input(linear: Linear) -> Linear:
    missing = -linear.weight.shape[1] % _ALIGNMENT
    if missing == 0:
        return linear
    return Linear(functional.pad(linear.weight, (0, missing)), linear.bias)


def _rope(module: nn.Module, config: Any, like: Tensor) -> Rope:
    parameters = getattr(config, "rope_parameters", None) or {}
    kind = parameters.get("rope_type", "default")
    if kind not in _ROPE_TYPES or parameters.get("partial_rotary_factor", 1.0) != 1.0:
        raise UnsupportedModelError(f"its rotary embedding is of type {kind!r}")
    positions = torch.arange(config.max_position_embeddings, device=like.device)
    cos, sin = module(like[:1, :1], positions[None])
    return Rope(cos[0].contiguous(), sin[0].contiguous())


def _activation(name: str) -> Callable[[Tensor], Tensor]:
    if name not in _ACTIVATIONS:
        raise UnsupportedModelError(f"its activation is {name!r}")
    return _ACTIVATIONS[name]


def _gelu_tanh(x: Tensor) -> Tensor:
    return functional.gelu(x, approximate="tanh")


_ACTIVATIONS: Final[Mapping[str, Callable[[Tensor], Tensor]]] = {
    "silu": functional.silu,
    "gelu": functional.gelu,
    "gelu_new": _gelu_tanh,
    "gelu_pytorch_tanh": _gelu_tanh,
    "relu": functional.relu,
}
ARCHITECTURES: Final[Mapping[str, Callable[[PreTrainedModel], Decoder]]] = {
    "qwen3": _llama_like,
    "qwen2": _llama_like,
    "llama": _llama_like,
    "mistral": _llama_like,
    "gpt2": _gpt2,
}
