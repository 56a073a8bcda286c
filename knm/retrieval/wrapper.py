"""The seam to the LM: one module in place of its output head sees every query.

Transformers calls the head with just the rows that are to be sampled, in prefill and in decoding,
and the head's input is the key. So replacing the head is all it takes, for any architecture.
A model that transforms the logits after its head (softcap, scale) is corrected before that.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from knm.datastore import Datastore
from knm.datastore.store import check_key_kind
from knm.errors import UserError
from knm.retrieval.fusions import Fusion, MixtureFusion
from knm.retrieval.presets import Preset
from knm.retrieval.searchers import Neighbours, Searcher, open_searcher


@dataclass(frozen=True)
class Correction:
    """Corrected `logits` (B, V), which rows were `searched` (B,) and what was found."""

    logits: Tensor
    searched: Tensor
    neighbours: Neighbours


@dataclass(frozen=True)
class StepTrace:
    """One call of the head: argmax of the LM and after correction, (B,) each, and why."""

    lm_token: Tensor
    token: Tensor
    searched: Tensor
    neighbours: Neighbours


Observer = Callable[[StepTrace], None]


class Retriever:
    """A datastore, searched and weighed as a preset says."""

    def __init__(
        self,
        datastore: Datastore,
        preset: Preset,
        searcher: Searcher | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        """Prepare `searcher` (default: the preset's, opened on `device`), weight and fusion.

        Raises:
            UserError: preset and datastore do not fit, or the searcher cannot be opened.
        """
        check_key_kind(datastore.path, datastore.manifest, preset.key_kind)
        self.datastore = datastore
        self.preset = preset
        self.temperature = preset.temperature_for(datastore)
        self._weight = preset.build_weight()
        self._fusion: Fusion = MixtureFusion(self.temperature)
        self._searcher = searcher or open_searcher(preset.searcher, datastore, device)

    def correct(self, hidden: Tensor, logits: Tensor) -> Correction:
        """Correct `logits` (B, V) at hidden states `hidden` (B, D), each row by itself.

        Where no row needs a search, the logits come back as they are; else they are float32, with
        the rows that were not corrected unchanged in value.
        """
        hidden, log_probs = hidden.detach(), logits.detach().float().log_softmax(-1)
        rows, k = len(hidden), self.preset.k
        wanted = self._weight.before_search(log_probs)
        if wanted is None:
            searched = torch.ones(rows, dtype=torch.bool, device=hidden.device)
            neighbours = self._searcher.search(hidden, k)
        else:
            searched = wanted
            places = wanted.nonzero()[:, 0]
            if len(places) == 0:
                return Correction(logits, searched, Neighbours.none(rows, k, hidden.device))
            neighbours = self._searcher.search(hidden[places], k).spread(places, rows)
        weight = self._weight(log_probs, neighbours)
        return Correction(self._fusion(logits, log_probs, weight, neighbours), searched, neighbours)


class CorrectedHead(nn.Module):
    """An output head whose logits a retriever corrects. Input (..., D), output (..., V)."""

    def __init__(self, head: nn.Module, retriever: Retriever, observer: Observer | None) -> None:
        super().__init__()
        self.head = head
        self._retriever = retriever
        self._observer = observer

    def forward(self, hidden: Tensor) -> Tensor:
        """Compute the logits of the original head, corrected row by row."""
        logits: Tensor = self.head(hidden)
        rows = logits.reshape(-1, logits.shape[-1])
        correction = self._retriever.correct(hidden.reshape(-1, hidden.shape[-1]), rows)
        if self._observer is not None:
            trace = StepTrace(
                lm_token=rows.argmax(-1),
                token=correction.logits.argmax(-1),
                searched=correction.searched,
                neighbours=correction.neighbours,
            )
            self._observer(trace)
        return correction.logits.reshape(logits.shape)


@contextmanager
def corrected(
    model: PreTrainedModel, retriever: Retriever, observer: Observer | None = None
) -> Iterator[PreTrainedModel]:
    """Correct everything that `model` predicts within the `with` block; after it nothing remains.

    `observer` is called once for each call of the head.

    Raises:
        UserError: the model has no output head, or the datastore is of another width.
        RuntimeError: the model is being corrected already.
    """
    head = model.get_output_embeddings()
    if head is None:
        raise UserError(f"{type(model).__name__} has no output head: choose a causal LM")
    if isinstance(head, CorrectedHead):
        raise RuntimeError("this model is being corrected already: corrected() does not nest")
    width, dim = head.weight.shape[1], retriever.datastore.manifest.dim
    if width != dim:
        raise UserError(
            f"{retriever.datastore.path}: its keys have {dim} dimensions, the model's hidden "
            f"states {width}: choose the datastore that belongs to the model"
        )
    places = [
        (parent, name)
        for parent in model.modules()
        for name, child in parent.named_children()
        if child is head
    ]
    replacement = CorrectedHead(head, retriever, observer).train(head.training)
    for parent, name in places:
        setattr(parent, name, replacement)
    try:
        yield model
    finally:
        for parent, name in places:
            setattr(parent, name, head)
