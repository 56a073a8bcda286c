"""Finding the nearest trials of one exchange: of the same two tokens, exactly."""

from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.exact import KeyChunk, nearest, padded_rows, sort_neighbours, stream_chunks
from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.outcomes import OutcomeWeight
from knm.retrieval.searchers import SearcherChoice

# Keys per matrix product: bounds the memory of their scores.
_CHUNK: Final = 1 << 18


class PairSearcher(Protocol):
    """Finds trials. Rows are independent of each other; rows that are not finite find none.

    `on_device` says whether a search runs wholly on a GPU, without the host.
    """

    on_device: bool

    def search(self, queries: Tensor, predicted: Tensor, tried: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D) with the tokens of each row.

        `predicted` (B,) is the LM's token, `tried` (B,) the one in its place; -1 finds nothing.
        """
        ...


class HostPairSearcher:
    """Measures only the entries of the pair, on the CPU.

    A row's result is the same to the bit whatever the other rows are. Equal distances are ordered
    by id.
    """

    on_device = False

    def __init__(self, datastore: Datastore) -> None:
        codes = datastore.exchanges
        order = np.argsort(codes, kind="stable")
        self._keys = torch.from_numpy(datastore.read_keys(order))
        self._ids = torch.from_numpy(order)
        pairs, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
        self._pieces = {
            code: slice(start, start + count)
            for code, start, count in zip(pairs.tolist(), starts, counts, strict=True)
        }

    def search(self, queries: Tensor, predicted: Tensor, tried: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D) with the tokens of each row."""
        asked = queries.detach().to("cpu", torch.float32)
        found = Neighbours.none(len(asked), k, asked.device)
        codes = _codes(predicted, tried).tolist()
        for row, (code, token) in enumerate(zip(codes, tried.tolist(), strict=True)):
            piece = self._pieces.get(code)
            if piece is None or not asked[row].isfinite().all():
                continue
            apart = (self._keys[piece] - asked[row]).square().sum(1)
            distances, ids = sort_neighbours(apart[None], self._ids[piece][None])
            here = slice(0, min(k, ids.shape[1]))
            found.distances[row, here] = distances[0, here]
            found.ids[row, here] = ids[0, here]
            found.values[row, here] = token
        target = queries.device
        return Neighbours(*(part.to(target) for part in (found.distances, found.ids, found.values)))


class DevicePairSearcher:
    """All keys on the GPU, as float32; nothing here waits for it, so a CUDA graph can hold it.

    A row's result does not depend on the other rows of a batch of one size.
    """

    on_device = True

    def __init__(self, datastore: Datastore, device: torch.device) -> None:
        codes = torch.from_numpy(datastore.exchanges)
        rows = padded_rows(len(datastore))
        self._keys = torch.zeros((rows, datastore.manifest.dim), device=device)
        self._chunks = []
        for chunk in stream_chunks(datastore, _CHUNK, device, groups=codes):
            piece = slice(chunk.start, chunk.start + len(chunk.keys))
            self._keys[piece] = chunk.keys
            self._chunks.append(KeyChunk(chunk.start, self._keys[piece], chunk.norms, chunk.groups))

    def search(self, queries: Tensor, predicted: Tensor, tried: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D) with the tokens of each row."""
        distances, ids = nearest(
            queries.float(),
            self._chunks,
            self._keys.__getitem__,
            k,
            only=_codes(predicted, tried),
        )
        values = tried[:, None].expand(ids.shape).masked_fill(ids < 0, 0)
        return Neighbours(distances, ids, values)


class TrialSearch:
    """Finds at each step the trials of that exchange, of all that may be made, which does best."""

    def __init__(
        self, datastore: Datastore, weight: OutcomeWeight, device: torch.device | str
    ) -> None:
        device = torch.device(device)
        self._weight = weight
        self._searcher: PairSearcher = (
            DevicePairSearcher(datastore, device)
            if device.type == "cuda"
            else HostPairSearcher(datastore)
        )
        size = f"{len(datastore):,} trials x {datastore.manifest.dim}"
        line = f"kNN search: exact, among trials of the same two tokens, {size} on {device}"
        self.choice = SearcherChoice("torch", line)

    @property
    def on_device(self) -> bool:
        """Whether a search runs wholly on a GPU, without the host."""
        return self._searcher.on_device

    def search(self, queries: Tensor, lm: LMOutput, k: int) -> Neighbours:
        """The k nearest trials of `queries` (B, D); of two equal exchanges those of the likelier.

        The neighbours' value is the token to be written in place of the LM's.
        """
        likelier, other = (
            self._searcher.search(queries, lm.token, tried, k)
            for tried in self._weight.candidates(lm).unbind(1)
        )
        better = self._weight.scores(other) > self._weight.scores(likelier)
        return other.where(better, likelier)


def _codes(predicted: Tensor, tried: Tensor) -> Tensor:
    """Pairs of tokens as `Datastore.exchanges` numbers them; -1 where none was tried."""
    return ((predicted << 32) | tried).masked_fill(tried < 0, -1)
