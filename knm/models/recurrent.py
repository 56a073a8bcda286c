"""A recurrent causal LM (LSTM or GRU) as a model of Transformers: `knm train --architecture rnn`.

Input and output embeddings are one matrix, so that states are as wide as embeddings. What it
remembers goes from call to call where other models have their cache, so that `generate` and all
that corrects a model work on it as on any other.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from transformers import GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from knm.models.causal_output import causal_output

CELLS: Final[Mapping[str, Callable[..., nn.RNNBase]]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class RecurrentConfig(PretrainedConfig):
    """Sizes of a recurrent LM; `dropout` is between its parts, in training alone.

    It reads texts of any length, so that no number of positions is named.
    """

    model_type = "knm-rnn"

    vocab_size: int = 8192
    hidden_size: int = 512
    num_hidden_layers: int = 2
    cell: str = "lstm"
    dropout: float = 0.0
    initializer_range: float = 0.02
    use_cache: bool = True
    tie_word_embeddings: bool = True
    bos_token_id: int | None = None
    eos_token_id: int | list[int] | None = None
    pad_token_id: int | None = None


class RecurrentState:
    """What the layers remember of the tokens so far, where other models have a cache.

    `layers` holds for each layer its tensors (B, H), the cell's own order; `length` is the number
    of tokens that were read.
    """

    def __init__(self, layers: list[tuple[Tensor, ...]], length: int) -> None:
        self.layers = layers
        self.length = length

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens were read; the same in all layers."""
        del layer_idx
        return self.length

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Go on with other rows: row b with what row `beam_idx[b]` remembers."""
        self.layers = [tuple(part[beam_idx] for part in layer) for layer in self.layers]


class RecurrentPreTrainedModel(PreTrainedModel):
    """What trunk and LM share."""

    config_class = RecurrentConfig
    base_model_prefix = "model"
    _no_split_modules: ClassVar = ["LSTM", "GRU"]


class RecurrentModel(RecurrentPreTrainedModel):
    """The trunk: token ids to the states that the output head receives."""

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        width = config.hidden_size
        self.embed_tokens = nn.Embedding(config.vocab_size, width)
        self.dropout = nn.Dropout(config.dropout)
        # One module a layer: the states between them can be read as those of any blocks.
        cell = CELLS[config.cell]
        self.layers = nn.ModuleList(
            cell(width, width, batch_first=True) for _ in range(config.num_hidden_layers)
        )
        self.norm = nn.LayerNorm(width)
        self.post_init()

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: RecurrentState | None = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        return_dict: bool | None = None,
        **_: Any,
    ) -> BaseModelOutputWithPast | tuple[Any, ...]:
        """States (B, T, H) behind each of the tokens `input_ids` (B, T).

        `attention_mask` (B, any length up to T's end) is 0 where there is padding, on whichever
        side: that changes no state.
        """
        states = self.embed_tokens(input_ids) if inputs_embeds is None else inputs_embeds
        # One matrix for both ends: rows of length 1 for the head, numbers about 1 for the layers.
        states = states * self.config.hidden_size**0.5
        length = states.shape[1]
        real = None if attention_mask is None else attention_mask[:, -length:].bool()
        if real is not None and bool(real.all()):
            real = None
        before = [None] * len(self.layers) if past_key_values is None else past_key_values.layers
        after = []
        for layer, state in zip(self.layers, before, strict=True):
            states, reached = _run(layer, self.dropout(states), state, real)
            after.append(reached)
        states = self.dropout(self.norm(states))
        seen = 0 if past_key_values is None else past_key_values.length
        keep = self.config.use_cache if use_cache is None else use_cache
        memory = RecurrentState(after, seen + length) if keep else None
        if return_dict is False:
            return (states, memory)
        return BaseModelOutputWithPast(last_hidden_state=states, past_key_values=memory)


class RecurrentForCausalLM(RecurrentPreTrainedModel, GenerationMixin):
    """The trunk and its output head, whose weights are the embeddings."""

    _tied_weights_keys: ClassVar = {"lm_head.weight": "model.embed_tokens.weight"}
    _is_stateful = True  # it cannot go back to where it was some tokens ago

    def __init__(self, config: RecurrentConfig) -> None:
        super().__init__(config)
        self.model = RecurrentModel(config)
        self.lm_head = nn.Linear(config.hidden_size, config.vocab_size, bias=False)
        self.post_init()

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        """`generate` makes no cache: the first call gives what is remembered."""
        return False

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        past_key_values: RecurrentState | None = None,
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        return_dict: bool | None = None,
        logits_to_keep: int = 0,
        **options: Any,
    ) -> CausalLMOutputWithPast | tuple[Any, ...]:
        """Logits (B, T, V), or of the last `logits_to_keep` tokens; 0 keeps all."""
        trunk = self.model(
            input_ids=input_ids,
            attention_mask=attention_mask,
            past_key_values=past_key_values,
            inputs_embeds=inputs_embeds,
            use_cache=use_cache,
        )
        return causal_output(self, trunk, labels, logits_to_keep, return_dict, **options)


def _run(
    layer: nn.Module, states: Tensor, before: tuple[Tensor, ...] | None, real: Tensor | None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer over states (B, T, H): its own, and what it remembers, (B, H) each.

    Tokens that are not `real` (B, T) are skipped, as if they were not there.
    """
    given = None if before is None else tuple(part[None].contiguous() for part in before)
    memory = given if given is None or len(given) > 1 else given[0]
    if real is None:
        output, reached = layer(states, memory)
    else:
        # The real tokens of each row come first, in their order; then back to their places.
        order = real.long().argsort(dim=1, descending=True, stable=True)
        spread = order[..., None].expand_as(states)
        lengths = real.sum(1).clamp_min(1).cpu()
        packed = pack_padded_sequence(
            states.gather(1, spread), lengths, batch_first=True, enforce_sorted=False
        )
        packed, reached = layer(packed, memory)
        dense, _ = pad_packed_sequence(packed, batch_first=True, total_length=states.shape[1])
        output = torch.zeros_like(dense).scatter(1, spread, dense)
    return output, tuple(
        part[0] for part in (reached if isinstance(reached, tuple) else (reached,))
    )
