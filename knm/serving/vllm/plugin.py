"""What vLLM calls when it starts: models whose logits a datastore corrects take their places.

Checked for vLLM 0.32. Its V1 model runner tells logits processors, a public interface, which text
is in which row before each step; the V2 runner tells them after the logits are computed.
"""

import os
from typing import Final

from knm.errors import UserError

ARCHITECTURES: Final = {
    "GPT2LMHeadModel": ("gpt2", "GPT2LMHeadModel"),
    "LlamaForCausalLM": ("llama", "LlamaForCausalLM"),
    "MistralForCausalLM": ("mistral", "MistralForCausalLM"),
    "Qwen2ForCausalLM": ("qwen2", "Qwen2ForCausalLM"),
    "Qwen3ForCausalLM": ("qwen3", "Qwen3ForCausalLM"),
}
"""Architectures as config.json names them, with vLLM's module and class for each.

Those of `knm.engine.architectures`; what their heads receive is what `final-norm` keys are.
"""

ROWS: Final = "knm.serving.vllm.rows:Rows"
_MODELS: Final = "knm.serving.vllm.models"
RUNNER_VARIABLE: Final = "VLLM_USE_V2_MODEL_RUNNER"


def register() -> None:
    """Put corrected models in the place of vLLM's own, if the environment names a datastore.

    Raises:
        UserError: the environment's settings are wrong.
    """
    from knm.serving.vllm.settings import read_settings

    if read_settings(os.environ) is None:
        return
    from vllm.model_executor.models import ModelRegistry
    from vllm.model_executor.models.config import MODELS_CONFIG_MAP

    from knm.serving.vllm.configuration import make_check

    os.environ.setdefault(RUNNER_VARIABLE, "0")
    for name in ModelRegistry.get_supported_archs():
        # Others are refused, in place of being served as if there were no datastore.
        MODELS_CONFIG_MAP[name] = make_check(name, MODELS_CONFIG_MAP.get(name))
    for name in ARCHITECTURES:
        ModelRegistry.register_model(name, f"{_MODELS}:{corrected_name(name)}")


def corrected_name(architecture: str) -> str:
    """What the corrected model of an architecture is called in `knm.serving.vllm.models`."""
    return f"Corrected{architecture}"


def check_architecture(name: str) -> None:
    """Refuse an architecture that is not on the list.

    Raises:
        UserError: naming those that are.
    """
    if name not in ARCHITECTURES:
        raise UserError(
            f"KNM_DATASTORE: {name} is not corrected in vLLM, which can be done for "
            f"{', '.join(ARCHITECTURES)}: use `knm serve`, or unset KNM_DATASTORE"
        )
