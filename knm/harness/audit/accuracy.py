"""Token accuracy: how often the next token of a reference program is the likeliest one."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Final

import torch
from torch import Tensor

from knm.models import EncodedExample, LoadedModel
from knm.retrieval import Retriever, corrected

_BATCH_TOKENS: Final = 8_192
_ROWS_AT_ONCE: Final = 4_096  # bounds the memory of the (n, vocabulary) logits


@torch.inference_mode()
def token_accuracy(
    loaded: LoadedModel, retriever: Retriever | None, examples: Sequence[EncodedExample]
) -> float | None:
    """The share of all answers' tokens that are foreseen when all before them are right.

    None where there are no examples, or the retriever's corrections depend on what the model has
    written itself.
    """
    if not examples or (retriever is not None and retriever.contextual):
        return None
    right = torch.zeros((), dtype=torch.int64, device=loaded.device)
    count = 0
    with ExitStack() as stack:
        if retriever is not None:
            stack.enter_context(corrected(loaded.model, retriever))
        trunk, head = loaded.model.get_decoder(), loaded.model.get_output_embeddings()
        for batch in _batches(examples, _BATCH_TOKENS):
            ids, places, targets = _padded(batch, loaded.device)
            states = trunk(input_ids=ids, use_cache=False).last_hidden_state.flatten(0, 1)
            for rows, wanted in zip(
                torch.split(places, _ROWS_AT_ONCE),
                torch.split(targets, _ROWS_AT_ONCE),
                strict=True,
            ):
                right += (head(states[rows]).argmax(-1) == wanted).sum()
            count += len(targets)
    return right.item() / count


def _batches(
    examples: Sequence[EncodedExample], batch_tokens: int
) -> Iterator[Sequence[EncodedExample]]:
    """The examples by length, in batches of at most so many tokens with padding."""
    ordered = sorted(examples, key=lambda example: -len(example.ids))
    start = 0
    while start < len(ordered):
        size = max(1, batch_tokens // len(ordered[start].ids))
        yield ordered[start : start + size]
        start += size


def _padded(batch: Sequence[EncodedExample], device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Ids (B, T), padded on the right, and of each target its place in (B * T) and its id, (n,)."""
    width = len(batch[0].ids)
    ids = torch.zeros((len(batch), width), dtype=torch.int64)
    places = []
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.tensor(example.ids)
        places.append(torch.arange(example.target_start, len(example.ids)) - 1 + row * width)
    source = torch.cat(places)
    targets = ids.flatten()[source + 1]
    return ids.to(device), source.to(device), targets.to(device)
