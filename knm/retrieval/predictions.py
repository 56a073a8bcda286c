"""What the LM said where the entries of a datastore were mined: stored there, or by its head."""

from enum import Enum
from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from knm.datastore.arrays import LIKELY, LIKELY_DTYPE
from knm.datastore.store import Array
from knm.retrieval.neighbours import LikelyTable
from knm.retrieval.searchers import Searcher
from knm.retrieval.tiles import tiles_of

# Logits of neighbours that are computed by one matrix product: bounds their memory.
AT_ONCE: Final = 1 << 27
_AT_ONCE_ON_CPU: Final = 1 << 25
_ROWS: Final = 1 << 20  # entries that are brought to a temperature at a time


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
    """What the LM held likeliest at each entry."""

    def __call__(self, ids: Tensor) -> LikelyTable:
        """Look up entries `ids` (B, n)."""
        ...


class Predictions(Protocol):
    """What the LM said at the entries of a datastore, as far as it is known."""

    def likely(self, count: int, temperature: float = 1.0) -> LikelyTokens:
        """The `count` likeliest tokens at each entry, their probabilities at a temperature."""
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

    def likely(self, count: int, temperature: float = 1.0) -> LikelyTokens:
        """The first `count` of those that are stored."""
        if self._device is None:
            return _InFile(self._stored, count, temperature)
        return _OnDevice(self._stored, count, temperature, self._device)


def at_temperature(probabilities: Tensor, temperature: float) -> Tensor:
    """The likeliest tokens' `probabilities` (..., n) float32 at a `temperature` of at most 1.

    `p^(1/T)`, normalised over all tokens. Those that are left out share what is missing to 1; each
    is taken to be as likely as the least of the n, which is the most that it can be. So nothing
    changes at temperature 1. A probability of 0 stands where there is no token.
    """
    if temperature == 1:
        return probabilities
    exact = probabilities.double()
    missing = (1 - exact.sum(-1, keepdim=True)).clamp_min(0)
    least = exact.masked_fill(exact == 0, 1.0).amin(-1, keepdim=True)
    scaled = exact.pow(1 / temperature)
    whole = scaled.sum(-1, keepdim=True) + missing * least.pow(1 / temperature - 1)
    return (scaled / whole).float()


class _InFile:
    def __init__(self, stored: Array, count: int, temperature: float) -> None:
        self._stored = stored
        self._count = count
        self._temperature = temperature

    def __call__(self, ids: Tensor) -> LikelyTable:
        found = self._stored[ids.flatten().clamp_min(0).cpu().numpy()]
        table = _table(found, self._count, self._temperature, ids.device)
        return LikelyTable(*table, torch.arange(ids.numel(), device=ids.device).view(ids.shape))


class _OnDevice:
    def __init__(self, stored: Array, count: int, temperature: float, device: torch.device) -> None:
        self._table = _table(stored, count, temperature, device)

    def __call__(self, ids: Tensor) -> LikelyTable:
        return LikelyTable(*self._table, ids)


def _table(
    stored: Array, count: int, temperature: float, device: torch.device
) -> tuple[Tensor, Tensor]:
    count = min(count, LIKELY)
    tokens = torch.empty((len(stored), count), dtype=torch.int32, device=device)
    probabilities = torch.empty((len(stored), count), device=device)
    for start in range(0, len(stored), _ROWS):
        rows = slice(start, start + _ROWS)
        told = torch.from_numpy(np.ascontiguousarray(stored["probabilities"][rows])).to(device)
        tokens[rows] = torch.from_numpy(np.ascontiguousarray(stored["tokens"][rows, :count]))
        probabilities[rows] = at_temperature(told, temperature)[:, :count]
    return tokens, probabilities


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

    def likely(self, count: int, temperature: float = 1.0) -> LikelyTokens:
        """The `count` likeliest of all tokens."""
        return _ByHead(self, count, temperature)

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

    def __init__(self, predictions: HeadPredictions, count: int, temperature: float) -> None:
        self._predictions = predictions
        self._temperature = temperature
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

    def __call__(self, ids: Tensor) -> LikelyTable:
        if self._unread is not None:
            asked = ids.clamp_min(0)
            new = torch.unique(asked[self._unread[asked]])
            if len(new):
                self._read(new)
                self._unread[new] = False
        return LikelyTable(self._tokens, self._shares, ids)

    def _read(self, entries: Tensor) -> None:
        count = self._tokens.shape[1]
        for some in torch.split(entries, self._together):
            said = self._predictions(some[None])[0]
            # As many as mining stores: then both are the same at every temperature.
            likeliest = said.topk(min(max(count, LIKELY), said.shape[1]))
            self._tokens[some] = likeliest.indices[:, :count]
            self._shares[some] = at_temperature(likeliest.values, self._temperature)[:, :count]
