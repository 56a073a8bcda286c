"""Tiny random models of each architecture, with a tokenizer of numbers."""

from typing import Any

import torch
from transformers import (
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from knm.models import LoadedModel, ModelIdentity
from knm.records import Request

VOCABULARY = 97
HIDDEN = 64
POSITIONS = 512
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]


class NumberTokenizer:
    """Writes token 12 as `12`, and reads it so."""

    chat_template = None
    eos_token_id = 1
    name_or_path = "numbers"

    def __call__(self, text: str | list[str], **_: Any) -> dict[str, Any]:
        if isinstance(text, str):
            return {"input_ids": [int(word) for word in text.split()]}
        return {"input_ids": [self(each)["input_ids"] for each in text]}

    def decode(self, tokens: Any, **_: Any) -> str:
        return "".join(f" {int(token)}" for token in tokens)

    def __len__(self) -> int:
        return VOCABULARY

    def batch_decode(self, texts: list[list[int]]) -> list[str]:
        return [self.decode(tokens) for tokens in texts]


def _llama_settings(**changes: Any) -> dict[str, Any]:
    return {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "num_hidden_layers": 3,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "intermediate_size": 100,
        "max_position_embeddings": POSITIONS,
        "initializer_range": 0.3,
        "bos_token_id": None,
        "eos_token_id": 1,
        "pad_token_id": 0,
        **changes,
    }


def _build(kind: str) -> Any:
    if kind == "qwen3":
        return Qwen3ForCausalLM(Qwen3Config(**_llama_settings(head_dim=32)))
    if kind == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**_llama_settings(tie_word_embeddings=True)))
    if kind == "llama":
        rope = {
            "rope_type": "llama3",
            "rope_theta": 10_000.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 64,
        }
        return LlamaForCausalLM(LlamaConfig(**_llama_settings(rope_parameters=rope)))
    assert kind == "gpt2"
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=VOCABULARY,
            n_embd=HIDDEN,
            n_layer=3,
            n_head=4,
            n_inner=100,
            n_positions=POSITIONS,
            initializer_range=0.3,
            bos_token_id=1,
            eos_token_id=1,
            pad_token_id=0,
        )
    )


KINDS = ["qwen3", "qwen2", "llama", "gpt2"]


def random_model(
    kind: str = "qwen3", device: str = "cpu", dtype: torch.dtype = torch.float32
) -> LoadedModel:
    torch.manual_seed(0)
    model = _build(kind).to(device, dtype).eval()
    identity = ModelIdentity(kind, "weights", "tokenizer", "float32", HIDDEN, VOCABULARY)
    tokenizer: Any = NumberTokenizer()
    return LoadedModel(model, tokenizer, identity)


def number_requests(count: int, *, longest: int = 60, **settings: Any) -> list[Request]:
    """Prompts of 1 to `longest` random tokens."""
    draw = torch.Generator().manual_seed(0)
    made = []
    for number in range(count):
        length = int(torch.randint(1, longest + 1, (1,), generator=draw))
        words = torch.randint(2, VOCABULARY, (length,), generator=draw).tolist()
        prompt = " ".join(map(str, words))
        made.append(Request(f"problem-{number}", prompt, chat=False, **settings))
    return made
