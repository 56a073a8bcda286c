"""vLLM's models with a datastore behind their heads: `CorrectedQwen3ForCausalLM` and the like.

vLLM calls `compute_logits` outside its graphs, with the hidden states of the rows to be sampled:
what the output head receives, after the final norm.

Of several ranks that share a model (tensor parallel) each has all hidden states and, after an
all-gather, all logits. The first one corrects them and tells the others: they need no datastore,
and all sample from the same numbers.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from vllm.distributed import get_pp_group, get_tp_group
from vllm.logger import init_logger

from knm.models.loading import read_tokenizer
from knm.serving.vllm.architectures import ARCHITECTURES, corrected_name
from knm.serving.vllm.configuration import retriever_for
from knm.serving.vllm.correction import ServedCorrection
from knm.serving.vllm.rows import batch_of
from knm.serving.vllm.settings import Settings, read_settings

_logger = init_logger(f"vllm.{__name__}")


@dataclass(frozen=True)
class _Head:
    """A model's output head, for presets that ask what it said at stored keys."""

    model: Any

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.model.lm_head.weight
        return weight

    def __call__(self, hidden: Tensor, /) -> Tensor:
        logits: Tensor = self.model.logits_processor(self.model.lm_head, hidden)
        return logits


class _Corrected:
    """Before a model class of vLLM: corrects its logits if the environment names a datastore."""

    def __init__(self, *, vllm_config: Any, prefix: str = "") -> None:
        super().__init__(vllm_config=vllm_config, prefix=prefix)  # type: ignore[call-arg]
        self._settings = read_settings(os.environ)
        self._configuration = vllm_config
        self._batch = None if self._settings is None else batch_of(vllm_config)
        self._correction: ServedCorrection | None = None

    def load_weights(self, weights: Iterable[tuple[str, Tensor]]) -> Any:
        """Load them, and then the datastore: before vLLM measures what memory is left."""
        loaded = super().load_weights(weights)  # type: ignore[misc]
        if self._settings is not None and get_pp_group().is_last_rank:
            if self._batch is None:
                raise RuntimeError("vLLM did not tell which texts are in which rows")
            if get_tp_group().rank_in_group == 0:
                self._correction = self._open(self._settings)
        return loaded

    def _open(self, settings: Settings) -> ServedCorrection:
        model = self._configuration.model_config
        retriever = retriever_for(settings, self._configuration)
        head = _Head(self)
        retriever.attach_head(head, model.get_vocab_size(), read_tokenizer(model.tokenizer))
        assert retriever.search_choice is not None
        _logger.info(
            "knm: corrected by %s, preset %s: %s",
            settings.datastore,
            retriever.preset.name,
            retriever.search_choice.line,
        )
        most_rows = self._configuration.scheduler_config.max_num_seqs
        return ServedCorrection(retriever, most_rows, head.weight.device)

    def compute_logits(self, hidden_states: Tensor, *args: Any, **options: Any) -> Tensor | None:
        """The logits of the rows to be sampled, corrected; those of prompts are the LM's own."""
        logits: Tensor | None = super().compute_logits(hidden_states, *args, **options)  # type: ignore[misc]
        texts = None if self._batch is None else self._batch.take(len(hidden_states))
        if logits is None or texts is None:
            return logits
        ranks = get_tp_group()
        if ranks.rank_in_group == 0:
            if self._correction is None:
                raise RuntimeError(
                    "the datastore was not opened: the model's weights are of no file"
                )
            logits = self._correction(hidden_states, logits, texts)
        else:
            logits = torch.empty_like(logits, dtype=torch.float32)
        if ranks.world_size > 1 and self.logits_processor.use_all_gather:  # type: ignore[attr-defined]
            logits = ranks.broadcast(logits.contiguous(), src=0)
        return logits


@cache
def _corrected(architecture: str) -> type:
    module, name = ARCHITECTURES[architecture]
    base = getattr(import_module(f"vllm.model_executor.models.{module}"), name)
    return type(corrected_name(architecture), (_Corrected, base), {"__module__": __name__})


def __getattr__(name: str) -> type:
    """The corrected model of an architecture, made when vLLM asks for it."""
    for architecture in ARCHITECTURES:
        if corrected_name(architecture) == name:
            return _corrected(architecture)
    raise AttributeError(name)
