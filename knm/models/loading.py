"""Loading a causal LM by name or path."""

from dataclasses import dataclass

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging as transformers_logging

from knm.errors import UserError
from knm.models.identity import (
    EMBEDDED,
    ModelIdentity,
    find_model,
    identify_model,
)
from knm.models.placement import resolve_placement
from knm.models.tokenization import find_tokenizer


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode, its tokenizer and its identity."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    identity: ModelIdentity

    @property
    def device(self) -> torch.device:
        """Where the model's weights are."""
        return torch.device(self.model.device)


def load_model(
    name: str = EMBEDDED, *, dtype: str | None = None, device: str | None = None
) -> LoadedModel:
    """Load a model: `embedded`, a directory, or a Hugging Face hub id.

    Raises:
        UserError: no such model, dtype or device, or the files are not a causal LM.
    """
    placement = resolve_placement(device, dtype)
    identity = identify_model(name, placement.dtype)
    directory = find_model(name)
    transformers_logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(directory)
        model = AutoModelForCausalLM.from_pretrained(
            directory, dtype=getattr(torch, placement.dtype)
        )
    except Exception as error:  # a loader given foreign files raises whatever it stumbles over
        raise UserError(f"--model {name}: cannot be loaded as a causal LM: {error!r}") from error
    return LoadedModel(model.to(placement.device).eval(), tokenizer, identity)


def load_tokenizer(identity: ModelIdentity, name: str | None = None) -> PreTrainedTokenizerBase:
    """Load the tokenizer of a model without the model; `name` is where it is now, if elsewhere.

    Raises:
        UserError: no such model, or its tokenizer is another.
    """
    directory = find_tokenizer(identity, name)
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(directory)
    except Exception as error:  # a loader given foreign files raises whatever it stumbles over
        raise UserError(f"{directory}: its tokenizer cannot be loaded: {error!r}") from error
    return tokenizer
