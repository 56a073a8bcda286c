"""One forward pass over solved examples: the trunk's states wherever a token is to be predicted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from knm.models import EncodedExample, KeyKind, LoadedModel, capturing, check_fits
from knm.progress import progress_bar

BATCH_TOKENS: Final = 8192

Indices = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Block:
    """The n target positions of P examples that went through the trunk together.

    `hidden` (n, H) is what the output head receives, `keys` (n, W) what a datastore is searched by
    and `right` (n,) int64 the tokens that follow, all on the model's device. Example p has the rows
    `starts[p]` to `starts[p + 1]`, in the order of its text, and before them the token ids
    `prompts[p]`. `positions` (n,) are the rows' places in the whole corpus, which counts the
    targets of one example after the other.
    """

    hidden: Tensor
    keys: Tensor
    right: Tensor
    starts: Indices
    positions: Indices
    prompts: Sequence[Sequence[int]]

    @property
    def owners(self) -> Indices:
        """Of each row the number of its example, (n,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @property
    def lengths(self) -> Indices:
        """The number of targets of each example, (P,)."""
        return np.diff(self.starts)


def target_counts(examples: Sequence[EncodedExample]) -> Indices:
    """How many tokens are to be predicted in each example, (E,)."""
    counts = [len(example.ids) - example.target_start for example in examples]
    return np.array(counts, dtype=np.int64)


@torch.inference_mode()
def read_blocks(
    loaded: LoadedModel,
    examples: Sequence[EncodedExample],
    key_kind: KeyKind,
    *,
    batch_tokens: int = BATCH_TOKENS,
) -> Iterator[Block]:
    """Run the trunk over all examples in batches of about `batch_tokens`, longest first.

    Raises:
        UserError: the model has no such states as `key_kind` names, or an example is longer than
            its context.
    """
    for example in examples:
        check_fits(loaded.model, example)
    places = np.concatenate([[0], np.cumsum(target_counts(examples))])
    order = sorted(range(len(examples)), key=lambda number: -len(examples[number].ids))
    label = "reading states"
    with (
        capturing(loaded.model, key_kind) as capture,
        progress_bar(label=label, total=len(order), unit="program") as bar,
    ):
        done = 0
        while done < len(order):
            width = len(examples[order[done]].ids)
            members = order[done : done + max(1, batch_tokens // width)]
            done += len(members)
            # Padding is on the right of causal attention, so no token sees it.
            ids = np.zeros((len(members), width), dtype=np.int64)
            sources, positions = [], []
            for row, number in enumerate(members):
                example = examples[number]
                ids[row, : len(example.ids)] = example.ids
                sources.append(row * width + np.arange(example.target_start, len(example.ids)) - 1)
                positions.append(np.arange(places[number], places[number + 1]))
            source = np.concatenate(sources)
            rows = torch.from_numpy(source).to(loaded.device)
            inputs = torch.from_numpy(ids).to(loaded.device)
            final = loaded.model.get_decoder()(input_ids=inputs, use_cache=False).last_hidden_state
            yield Block(
                hidden=final.flatten(0, 1)[rows],
                keys=capture.keys(final, rows),
                right=inputs.flatten()[rows + 1],
                starts=np.concatenate([[0], np.cumsum([len(part) for part in sources])]),
                positions=np.concatenate(positions),
                prompts=[examples[number].prompt for number in members],
            )
            bar.update(len(members))
