"""What vLLM calls when it starts: models whose logits a datastore corrects take their places.

Checked for vLLM 0.32. Its V1 model runner tells logits processors, a public interface, which text
is in which row before each step; the V2 runner tells them after the logits are computed.
"""

import os
from typing import Final

from knm.serving.vllm.architectures import ARCHITECTURES, corrected_name

_MODELS: Final = "knm.serving.vllm.models"


def register() -> None:
    """Put corrected models in the place of vLLM's own, if the environment names a datastore.

    Raises:
        UserError: the environment's settings are wrong.
    """
    if not any(name in os.environ for name in ("KNM_DATASTORE", "KNM_PRESET")):
        return  # a server that is not corrected loads nothing of ours
    from knm.serving.vllm.settings import read_settings

    if read_settings(os.environ) is None:
        return
    from vllm.model_executor.models import ModelRegistry
    from vllm.model_executor.models.config import MODELS_CONFIG_MAP

    from knm.serving.vllm.configuration import RUNNER_VARIABLE, make_check

    os.environ.setdefault(RUNNER_VARIABLE, "0")
    for name in ModelRegistry.get_supported_archs():
        # Others are refused, in place of being served as if there were no datastore.
        MODELS_CONFIG_MAP[name] = make_check(name, MODELS_CONFIG_MAP.get(name))
    for name in ARCHITECTURES:
        ModelRegistry.register_model(name, f"{_MODELS}:{corrected_name(name)}")
