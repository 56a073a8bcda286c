"""Votes for words that a text could only have copied from where they do not stand."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from knm.datastore import Datastore
from knm.models.transfers import device_copy
from knm.models.words import token_words
from knm.retrieval.context import DecodingContext
from knm.retrieval.neighbours import Neighbours


@dataclass(frozen=True)
class CopyCheck:
    """Takes the vote from neighbours that copied a word which this text does not hold.

    A name that was declared above, a number of the statement: what an entry took from its own text
    it can only mean where the same word stands in the text that is being written, prompt included.
    `words` (V,) int64 are those of the tokens (`knm.models.words`), `copied` (count,) bool says
    which entries copied theirs; both on the device.
    """

    words: Tensor
    copied: Tensor

    @classmethod
    def of(
        cls,
        datastore: Datastore,
        tokenizer: PreTrainedTokenizerBase,
        vocabulary: int,
        device: torch.device | str,
    ) -> "CopyCheck":
        """The check for the entries of `datastore`, by a tokenizer of so many tokens."""
        # Empty datastores are searched too, and give ids that are masked.
        copied = np.zeros(max(1, len(datastore)), dtype=bool)
        copied[: len(datastore)] = datastore.provenance["copied"]
        return cls(
            torch.from_numpy(token_words(tokenizer, vocabulary)).to(device),
            torch.from_numpy(copied).to(device),
        )

    def begin(
        self, context: DecodingContext, rows: Sequence[int], prompts: Sequence[Sequence[int]]
    ) -> None:
        """Read the prompts of rows that begin."""
        read = np.array(
            [(row, token) for row, prompt in zip(rows, prompts, strict=True) for token in prompt],
            np.int64,
        ).reshape(-1, 2)
        where, tokens = device_copy(read.T.copy(), self.words.device)
        context.seen[where, self.words[tokens]] = True

    def advance(self, context: DecodingContext, tokens: Tensor) -> None:
        """Read the `tokens` (B,) or (B, n) that were written."""
        context.seen.scatter_(1, self.words[tokens.view(len(tokens), -1)], True)

    def apply(self, context: DecodingContext, neighbours: Neighbours) -> Neighbours:
        """The neighbours of B rows without those that make no sense here."""
        seen = context.seen.gather(1, self.words[neighbours.values])
        return neighbours.without(self.copied[neighbours.ids.clamp_min(0)] & ~seen)
