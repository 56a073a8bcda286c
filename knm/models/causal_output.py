"""What causal LMs of ours answer, as Transformers' own do: the head behind what a trunk gave."""

from typing import Any

from torch import Tensor
from transformers.modeling_outputs import CausalLMOutputWithPast


def causal_output(
    model: Any,
    trunk: Any,
    labels: Tensor | None,
    logits_to_keep: int,
    return_dict: bool | None,
    **options: Any,
) -> CausalLMOutputWithPast | tuple[Any, ...]:
    """Logits (B, T, V) by `model.lm_head`, or of the last `logits_to_keep` tokens; 0 keeps all.

    Where there are `labels` (B, T) the loss stands before them, which is given `options`.
    """
    logits = model.lm_head(trunk.last_hidden_state[:, -logits_to_keep:])
    loss = None
    if labels is not None:
        loss = model.loss_function(
            logits=logits, labels=labels, vocab_size=model.config.vocab_size, **options
        )
    if return_dict is False:
        given = (logits, trunk.past_key_values)
        return given if loss is None else (loss, *given)
    return CausalLMOutputWithPast(loss=loss, logits=logits, past_key_values=trunk.past_key_values)
