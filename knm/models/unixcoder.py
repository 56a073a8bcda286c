"""UniXcoder (Guo et al., ACL 2022) as what its mode `<decoder-only>` makes of it: a causal LM.

Its files are those of a RoBERTa encoder, which the causal LM of Transformers would put a head on
that was never trained: here the head is the word embeddings, every token sees those before it, and
texts begin with `<s> <decoder-only> </s>`. It is known by that token in its vocabulary.
"""

from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn
from transformers import GenerationMixin, RobertaConfig, RobertaModel
from transformers.modeling_outputs import CausalLMOutputWithPast
from transformers.models.roberta.modeling_roberta import RobertaPreTrainedModel

from knm.models.causal_output import causal_output

ENCODER_TYPE: Final = "roberta"
"""The `model_type` of the files as they are published."""


class UnixcoderConfig(RobertaConfig):
    """As its encoder's; `max_position_embeddings` counts rows of the table of positions."""

    model_type = "knm-unixcoder"

    is_decoder: bool = True


class UnixcoderModel(RobertaModel):
    """The trunk: RoBERTa's, in which every token is seen by those behind it alone."""

    config_class = UnixcoderConfig

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        **options: Any,
    ) -> Any:
        """States (B, T, H) behind each of the tokens `input_ids` (B, T).

        Positions count from the one behind the padding's, whatever the tokens are: RoBERTa would
        leave out those that write `<pad>`.
        """
        if position_ids is None:
            given = input_ids if inputs_embeds is None else inputs_embeds
            assert given is not None
            seen = 0 if past_key_values is None else past_key_values.get_seq_length()
            position_ids = _positions(given, attention_mask, seen, self.config.pad_token_id)
        return super().forward(
            input_ids=input_ids,
            attention_mask=attention_mask,
            position_ids=position_ids,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            **options,
        )


class UnixcoderForCausalLM(RobertaPreTrainedModel, GenerationMixin):
    """The trunk and its output head, whose weights are the word embeddings.

    Takes no positions: `generate` would give those of models that count from 0.
    """

    config_class = UnixcoderConfig
    base_model_prefix = "roberta"
    _tied_weights_keys: ClassVar = {"lm_head.weight": "roberta.embeddings.word_embeddings.weight"}
    _keys_to_ignore_on_load_unexpected: ClassVar = ["pooler", "position_ids"]

    def __init__(self, config: UnixcoderConfig) -> None:
        super().__init__(config)
        self.roberta = UnixcoderModel(config, add_pooling_layer=False)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    def get_decoder(self) -> UnixcoderModel:
        """The trunk."""
        return self.roberta

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: Any = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        return_dict: bool | None = None,
        logits_to_keep: int = 0,
        **options: Any,
    ) -> CausalLMOutputWithPast | tuple[Any, ...]:
        """Logits (B, T, V), or of the last `logits_to_keep` tokens; 0 keeps all."""
        trunk = self.roberta(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
            return_dict=True,
        )
        return causal_output(self, trunk, labels, logits_to_keep, return_dict, **options)


def _positions(given: Tensor, mask: Tensor | None, seen: int, padding: int) -> Tensor:
    """Rows of the table of positions for tokens or embeddings (B, T, ...) behind `seen` others."""
    length = given.shape[1]
    if mask is not None and mask.ndim == 2:
        places = mask.long().cumsum(1) * mask.long()
        return places[:, -length:] + padding
    return torch.arange(seen, seen + length, device=given.device)[None] + padding + 1
