"""Tiny random models whose own forward pass does something to what the output head gives."""

from dataclasses import replace
from typing import Any

import torch
from transformers import (
    CohereConfig,
    CohereForCausalLM,
    Gemma2Config,
    Gemma2ForCausalLM,
    GraniteConfig,
    GraniteForCausalLM,
)

from knm.models import LoadedModel
from tests.datastore.tiny import HIDDEN, VOCAB, tiny_model

_SETTINGS: dict[str, Any] = {
    "vocab_size": VOCAB,
    "hidden_size": HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "intermediate_size": 48,
    "max_position_embeddings": 64,
    "initializer_range": 0.5,
    "bos_token_id": None,
    "eos_token_id": 1,
    "pad_token_id": 0,
}


def _build(kind: str) -> Any:
    if kind == "granite":
        return GraniteForCausalLM(GraniteConfig(**_SETTINGS, logits_scaling=8.0))
    if kind == "cohere":
        return CohereForCausalLM(CohereConfig(**_SETTINGS, logit_scale=0.0625))
    assert kind == "gemma2"
    return Gemma2ForCausalLM(Gemma2Config(**_SETTINGS, head_dim=16, final_logit_softcapping=2.0))


SCALING = ["granite", "cohere", "gemma2"]


def scaling_model(kind: str, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A model for `tests.datastore.tiny.examples`."""
    torch.manual_seed(0)
    loaded = tiny_model()
    return replace(loaded, model=_build(kind).to(dtype).eval())
