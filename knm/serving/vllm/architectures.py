"""Models that vLLM can have a datastore behind the head of."""

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
