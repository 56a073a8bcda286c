"""A causal LM's settings and weights, without the model library's classes around them.

Loading those classes takes longer than all else that a run of a small model does before its first
token. What stands here has the names by which the library's model holds the same tensors, and
computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoConfig

from knm.models.identity import read_object

_PROJECTIONS: Final = {
    "self_attn": ("q_proj", "k_proj", "v_proj", "o_proj"),
    "mlp": ("gate_proj", "up_proj", "down_proj"),
}
_KINDS: Final[Mapping[str, tuple[str, ...]]] = {
    "llama": (),
    "mistral": (),
    "qwen2": ("self_attn.q_proj.bias", "self_attn.k_proj.bias", "self_attn.v_proj.bias"),
    "qwen3": ("self_attn.q_norm.weight", "self_attn.k_norm.weight"),
}
"""By `model_type`, what a layer has beside what all of them have."""
_NORMS: Final = ("input_layernorm", "post_attention_layernorm")
_UNKNOWN: Final = ("attention_bias", "mlp_bias", "quantization_config", "transformers_weights")
"""Settings that ask for other tensors, or for others to be read, than are known here."""


@dataclass(frozen=True, eq=False)
class BareModel:
    """What of a `PreTrainedModel` tells how it decodes; tensors are on the CPU."""

    config: Any
    generation_config: SimpleNamespace
    model: SimpleNamespace
    lm_head: SimpleNamespace

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return torch.device("cpu")


def read_bare(directory: Path, dtype: torch.dtype) -> BareModel | None:
    """Read a model's files; None where they hold more, or less, than is known here.

    Raises:
        Exception: whatever foreign files make a reader stumble over.
    """
    config = AutoConfig.from_pretrained(directory)
    weights, settings = directory / "model.safetensors", directory / "generation_config.json"
    rope = getattr(config, "rope_parameters", None) or {}
    known = config.model_type in _KINDS and rope.get("rope_type") == "default"
    known = known and not any(getattr(config, name, None) for name in _UNKNOWN)
    if not known or not weights.is_file() or (directory / "adapter_config.json").exists():
        return None
    tensors = {name: tensor.to(dtype) for name, tensor in load_file(weights).items()}
    if {name: tuple(tensor.shape) for name, tensor in tensors.items()} != _shapes(config):
        return None
    tensors.setdefault("lm_head.weight", tensors["model.embed_tokens.weight"])

    def holder(name: str) -> SimpleNamespace:
        return SimpleNamespace(
            weight=tensors[f"{name}.weight"],
            bias=tensors.get(f"{name}.bias"),
            variance_epsilon=config.rms_norm_eps,
        )

    def layer(number: int) -> SimpleNamespace:
        prefix = f"model.layers.{number}"
        parts = {
            part: SimpleNamespace(**{name: holder(f"{prefix}.{part}.{name}") for name in names})
            for part, names in _PROJECTIONS.items()
        }
        for name in ("q_norm", "k_norm"):
            if f"{prefix}.self_attn.{name}.weight" in tensors:
                setattr(parts["self_attn"], name, holder(f"{prefix}.self_attn.{name}"))
        return SimpleNamespace(**parts, **{name: holder(f"{prefix}.{name}") for name in _NORMS})

    return BareModel(
        config=config,
        generation_config=SimpleNamespace(**(read_object(settings) if settings.exists() else {})),
        model=SimpleNamespace(
            embed_tokens=holder("model.embed_tokens"),
            layers=[layer(number) for number in range(config.num_hidden_layers)],
            norm=holder("model.norm"),
            rotary_emb=_Rotation(config),
        ),
        lm_head=holder("lm_head"),
    )


def _shapes(config: Any) -> dict[str, tuple[int, ...]]:
    """The names and shapes of all tensors in the file of such a model."""
    width, inner, dim = config.hidden_size, config.intermediate_size, _head_dim(config)
    heads, shared = config.num_attention_heads * dim, config.num_key_value_heads * dim
    outputs = {"q_proj": heads, "k_proj": shared, "v_proj": shared, "o_proj": width}
    outputs |= {"gate_proj": inner, "up_proj": inner, "down_proj": width}
    inputs = {"o_proj": heads, "down_proj": inner}
    layer: dict[str, tuple[int, ...]] = {f"{norm}.weight": (width,) for norm in _NORMS}
    for part, names in _PROJECTIONS.items():
        for name in names:
            layer[f"{part}.{name}.weight"] = (outputs[name], inputs.get(name, width))
    for own in _KINDS[config.model_type]:
        layer[own] = (outputs.get(own.split(".")[1], dim),)
    table = (config.vocab_size, width)
    shapes = {"model.embed_tokens.weight": table, "model.norm.weight": (width,)}
    for number in range(config.num_hidden_layers):
        shapes |= {f"model.layers.{number}.{name}": shape for name, shape in layer.items()}
    return shapes if config.tie_word_embeddings else shapes | {"lm_head.weight": table}


def _head_dim(config: Any) -> int:
    """The width of an attention head, which not every configuration names."""
    named: int | None = getattr(config, "head_dim", None)
    return named or config.hidden_size // config.num_attention_heads


class _Rotation:
    """Rotary embeddings of type `default`, as the model library computes them, to the bit."""

    def __init__(self, config: Any) -> None:
        dim = _head_dim(config)
        steps = torch.arange(0, dim, 2, dtype=torch.float) / dim
        self._frequencies = 1.0 / (config.rope_parameters["rope_theta"] ** steps)

    def __call__(self, like: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and sines (B, T, D) of positions (B, T), in the dtype of `like`."""
        turns = positions[..., None].float() * self._frequencies
        whole = torch.cat((turns, turns), dim=-1)
        return whole.cos().to(like.dtype), whole.sin().to(like.dtype)
