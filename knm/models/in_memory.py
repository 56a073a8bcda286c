"""Telling models apart that are in memory, whatever files they came from.

Hashed are the weights as they are, trained or merged since they were loaded. Such an identity is
never that of files: a datastore of the one kind is no datastore of the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from transformers import PreTrainedTokenizerBase

from knm.errors import UserError
from knm.hashing import hash_json, hash_stream
from knm.models.head import find_head
from knm.models.identity import ModelIdentity, hash_settings

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def identify_in_memory(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase | None
) -> ModelIdentity:
    """The identity of a causal LM and its tokenizer; reads all weights, wherever they are.

    It does not depend on the device, nor on how the tokenizer was last asked to pad or to cut.

    Raises:
        UserError: there is no tokenizer, it has more tokens than the model, the model has no output
            head, or weights of it are not in memory.
    """
    name = ModelIdentity.name_in_memory(str(model.name_or_path or type(model).__name__))
    find_head(model)
    if tokenizer is None:
        raise UserError(
            f"{name}: a tokenizer is needed to read text as the model does: give the model's own, "
            "such as AutoTokenizer.from_pretrained(...) of the same name"
        )
    text_config = model.config.get_text_config()
    if len(tokenizer) > text_config.vocab_size:
        raise UserError(
            f"{name}: the tokenizer has {len(tokenizer):,} tokens, the model "
            f"{text_config.vocab_size:,}: give the tokenizer that belongs to the model, or call "
            "model.resize_token_embeddings(len(tokenizer)) where tokens were added"
        )
    return ModelIdentity(
        name=name,
        weights_hash=hash_tensors(model),
        tokenizer_hash=hash_tokenizer_in_memory(tokenizer),
        dtype=str(model.dtype).removeprefix("torch."),
        hidden_size=text_config.hidden_size,
        vocab_size=text_config.vocab_size,
        config_hash=hash_config_in_memory(model),
        generation_hash=(
            None
            if model.generation_config is None
            else hash_settings(json.loads(model.generation_config.to_json_string()))
        ),
    )


def hash_tensors(model: PreTrainedModel) -> str:
    """Hash of a model's weights as they are, dtypes included; reads them all.

    Raises:
        UserError: weights are not in memory.
    """
    return hash_stream(_weights(model, str(model.name_or_path or type(model).__name__)))


def hash_config_in_memory(model: PreTrainedModel) -> str:
    """Hash of a model's configuration as it would be saved.

    That is without what is the library's default, which other versions add to.
    """
    return hash_settings(json.loads(model.config.to_json_string()))


def _weights(model: PreTrainedModel, name: str) -> Iterator[bytes]:
    """Names, shapes, dtypes and bytes of a model's weights, one tensor at a time."""
    for key, tensor in sorted(model.state_dict().items()):
        if not isinstance(tensor, torch.Tensor):
            continue  # what a quantizer notes beside its weights
        if tensor.is_meta:
            raise UserError(
                f"{name}: its weight {key} is not in memory (a device_map put it elsewhere): load "
                "the model onto one device"
            )
        yield f"{key}\0{list(tensor.shape)}\0{tensor.dtype}\0".encode()
        flat = tensor.detach().reshape(-1).contiguous().cpu()
        yield flat.view(torch.uint8).numpy().tobytes()


def hash_tokenizer_in_memory(tokenizer: PreTrainedTokenizerBase) -> str:
    """Hash of a tokenizer and its chat template, however it was last asked to pad or to cut."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    state: dict[str, Any] = (
        {"class": type(tokenizer).__name__, "vocabulary": tokenizer.get_vocab()}
        if backend is None
        else json.loads(backend.to_str())
    )
    for how_it_was_called in ("padding", "truncation"):
        state.pop(how_it_was_called, None)
    ends = [tokenizer.bos_token, tokenizer.eos_token]  # templates may write them
    return hash_json([state, tokenizer.chat_template, ends])
