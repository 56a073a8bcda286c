"""What the LM said where the entries of a datastore were mined: stored there, or by its head."""

from enum import Enum
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from knm.datastore.arrays import LIKELY_DTYPE
from knm.datastore.store import Array
from knm.retrieval.searchers import Searcher
from knm.retrieval.tiles import tiles_of

# Logits of neighbours that are computed by one matrix product: bounds their memory.
AT_ONCE: Final = 1 << 27
_AT_ONCE_ON_CPU: Final = 1 << 25


class Needs(Enum):
    """What a fusion has to know of what the LM said at an entry."""

    NOTHING = "nothing"
    LIKELY = "the likeliest tokens"
    ALL = "the whole distribution"


class Head(Protocol):
    """An output head: logits (n, V) of hidden states (n, H) in the dtype of its `weight`."""

    @property
    def weight(self) -> Tensor:
        """Its weights, in the dtype and on the device that it computes in."""
        ...

    def __call__(self, hidden: Tensor, /) -> Tensor:
        """Compute the logits."""
        ...


class LikelyTokens(Protocol):
    """The tokens that the LM held likeliest at each entry, and their probabilities."""

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, n, count) int64 and their probabilities, float32, at entries `ids` (B, n).

        Missing neighbours (id -1) get those of any entry. A token of -1 is none.
        """
        ...


class Predictions(Protocol):
    """What the LM said at the entries of a datastore, as far as it is known."""

    def likely(self, count: int) -> LikelyTokens:
        """The `count` likeliest tokens at each entry."""
        ...


class MinedPredictions:
    """What a datastore keeps of them: `stored` (N,) with the fields of `LIKELY_DTYPE`.

    With a `device` they go there, so that a CUDA graph can look them up; without one they stay in
    the datastore's file, and what is looked up is read from it.
    """

    def __init__(self, stored: Array, device: torch.device | None) -> None:
        # Something that a missing neighbour can name.
        self._stored = stored if len(stored) else np.zeros(1, LIKELY_DTYPE)
        self._device = device

    def likely(self, count: int) -> LikelyTokens:
        """The first `count` of those that are stored."""
        if self._device is None:
            return _InFile(self._stored, count)
        return _OnDevice(self._stored, count, self._device)


class _InFile:
    def __init__(self, stored: Array, count: int) -> None:
        self._stored = stored
        self._count = count

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        found = self._stored[ids.clamp_min(0).cpu().numpy()]
        tokens = found["tokens"][..., : self._count].astype(np.int64)
        probabilities = np.ascontiguousarray(found["probabilities"][..., : self._count])
        return torch.from_numpy(tokens).to(ids.device), torch.from_numpy(probabilities).to(
            ids.device
        )


class _OnDevice:
    def __init__(self, stored: Array, count: int, device: torch.device) -> None:
        self._tokens, self._probabilities = (
            torch.from_numpy(np.ascontiguousarray(stored[name][:, :count])).to(device)
            for name in ("tokens", "probabilities")
        )

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        ids = ids.clamp_min(0)
        return self._tokens[ids].long(), self._probabilities[ids]


class HeadPredictions:
    """What the LM's head says of the keys of a datastore's `entries`.

    Keys have to be the trunk's output.
    """

    def __init__(self, searcher: Searcher, head: Head, entries: int) -> None:
        self._searcher = searcher
        self._head = head
        self.entries = entries
        self.on_device = searcher.on_device
        self.vocabulary: int = len(head.weight)
        self.device = head.weight.device

    def likely(self, count: int) -> LikelyTokens:
        """The `count` likeliest of all tokens."""
        return _ByHead(self, count)

    @torch.no_grad()
    def __call__(self, ids: Tensor) -> Tensor:
        """The LM's distributions at entries `ids` (B, n): (B, n, V) float32."""
        keys = self._searcher.keys(ids).to(self._head.weight.dtype).flatten(0, -2)
        if keys.device.type == "cpu":
            # In tiles of one shape: a row must not depend on how many others there are.
            logits = torch.cat([self._head(tile) for tile in tiles_of(keys)])[: len(keys)]
        else:
            logits = self._head(keys)
        # Along the last dimension softmax works row by row: see `LMOutput.read`.
        return logits.float().softmax(-1).view(*ids.shape, -1)


class _ByHead:
    """Reads an entry once.

    On a GPU that searches by itself all are read at once, so that a CUDA graph can look them up;
    elsewhere those of an entry when it is first found.
    """

    def __init__(self, predictions: HeadPredictions, count: int) -> None:
        self._predictions = predictions
        entries, vocabulary = predictions.entries, predictions.vocabulary
        device = predictions.device
        count = min(count, vocabulary)
        on_cpu = device.type == "cpu"
        self._together = max(1, (_AT_ONCE_ON_CPU if on_cpu else AT_ONCE) // vocabulary)
        rows = max(1, entries)  # something that a missing neighbour can name
        self._tokens = torch.zeros((rows, count), dtype=torch.int64, device=device)
        self._shares = torch.zeros((rows, count), device=device)
        self._unread: Tensor | None = torch.arange(rows, device=device) < entries
        if predictions.on_device:
            self._read(torch.arange(entries, device=device))
            self._unread = None

    def __call__(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        ids = ids.clamp_min(0)
        if self._unread is not None:
            new = torch.unique(ids[self._unread[ids]])
            if len(new):
                self._read(new)
                self._unread[new] = False
        return self._tokens[ids], self._shares[ids]

    def _read(self, entries: Tensor) -> None:
        for some in torch.split(entries, self._together):
            likeliest = self._predictions(some[None])[0].topk(self._tokens.shape[1])
            self._tokens[some], self._shares[some] = likeliest.indices, likeliest.values
