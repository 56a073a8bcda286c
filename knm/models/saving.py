"""Saving a model that was trained here, with how it was."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from knm.jsonio import write_json

TRAINING_NAME: Final = "training.json"
"""The file, beside the model's own, that says how it was trained."""


def save_trained(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    directory: Path,
    training: Mapping[str, Any],
) -> None:
    """Save a model for `load_model`, weights in bfloat16, with how it was trained.

    A process that is killed meanwhile leaves nothing in `directory`.
    """
    directory.mkdir(parents=True, exist_ok=True)
    transformers_logging.disable_progress_bar()
    with TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as place:
        model.to(torch.bfloat16).save_pretrained(place)
        tokenizer.save_pretrained(place)
        for file in Path(place).iterdir():
            file.replace(directory / file.name)
    write_json(directory / TRAINING_NAME, training)
