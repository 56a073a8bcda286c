"""A logits processor of vLLM that changes nothing: it learns which text is in which row."""

import os
from typing import Any
from weakref import WeakValueDictionary

import torch
from vllm.v1.sample.logits_processor import (
    BatchUpdate,
    LogitsProcessor,
    MoveDirectionality,
)

from knm.errors import UserError
from knm.serving.vllm.batch import Batch, Served
from knm.serving.vllm.settings import DATASTORE_VARIABLE, read_settings

_BATCHES: WeakValueDictionary[str, Batch] = WeakValueDictionary()


class Rows(LogitsProcessor):  # type: ignore[misc]
    """Keeps a `Batch`; made before the model of the same configuration.

    Raises:
        UserError: this process was not told of the datastore, and would correct nothing.
    """

    def __init__(self, vllm_config: Any, device: torch.device, is_pin_memory: bool) -> None:
        del device, is_pin_memory
        if read_settings(os.environ) is None:
            raise UserError(
                f"{DATASTORE_VARIABLE} is set where vLLM was started and not in this worker: hand "
                "it on, with Ray by VLLM_RAY_EXTRA_ENV_VAR_PREFIXES_TO_COPY=KNM_"
            )
        self._batch = _BATCHES[vllm_config.instance_id] = Batch()

    def is_argmax_invariant(self) -> bool:
        """So that greedy steps do not call it."""
        return True

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Leave the logits."""
        return logits

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Called once before each step."""
        if batch_update is None:
            self._batch.begin_step()
            return
        self._batch.begin_step(
            batch_update.removed,
            [
                (row, Served(prompt, written))
                for row, _params, prompt, written in batch_update.added
            ],
            [
                (here, there, direction is MoveDirectionality.SWAP)
                for here, there, direction in batch_update.moved
            ],
        )


def batch_of(vllm_config: Any) -> Batch | None:
    """The batch of an engine of this process, by its configuration."""
    return _BATCHES.get(vllm_config.instance_id)
