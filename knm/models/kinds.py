"""Kinds of causal LMs that this project adds to those of Transformers.

They are known by the `model_type` of their config.json, so that no file of a model ever brings code
with it.
"""

from pathlib import Path
from typing import Any

from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerBase

from knm.models.recurrent import RecurrentConfig, RecurrentForCausalLM
from knm.models.unixcoder import ENCODER_TYPE, UnixcoderConfig, UnixcoderForCausalLM
from knm.models.unixcoder_texts import is_unixcoder

for _config, _model in (
    (RecurrentConfig, RecurrentForCausalLM),
    (UnixcoderConfig, UnixcoderForCausalLM),
):
    AutoConfig.register(_config.model_type, _config, exist_ok=True)
    AutoModelForCausalLM.register(_config, _model, exist_ok=True)


def read_kind(directory: Path, tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    """The `config` to read a directory's weights by, where it is not what config.json says."""
    if not is_unixcoder(tokenizer):
        return {}
    config = AutoConfig.from_pretrained(directory)
    if config.model_type != ENCODER_TYPE:
        return {}
    own = {"model_type": UnixcoderConfig.model_type, "is_decoder": True}
    return {"config": UnixcoderConfig.from_dict({**config.to_dict(), **own})}
