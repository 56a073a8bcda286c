"""Finding the nearest trials of one exchange: of the same two tokens, exactly."""

from typing import Final, Protocol

import numpy as np
import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.datastore.exact import TORCH_KEYS, sort_neighbours, unpack
from knm.retrieval.evidence import LMOutput
from knm.retrieval.neighbours import Neighbours
from knm.retrieval.outcomes import OutcomeWeight
from knm.retrieval.searchers import SearcherChoice

# Keys that one program on a GPU measures, and how many of their dimensions at a time.
_BLOCK: Final = 128
_DEPTH: Final = 64


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
    """Measures only the entries of the pair; nothing waits for the GPU, so a graph can hold it.

    Keys stay float16 or bfloat16 as they are stored, pair by pair. A row's result is the same to
    the bit whatever the other rows are. Equal distances are ordered by id.
    """

    on_device = True

    def __init__(self, datastore: Datastore, device: torch.device) -> None:
        codes = datastore.exchanges
        order = np.argsort(codes, kind="stable")
        pairs, starts, counts = np.unique(codes[order], return_index=True, return_counts=True)
        # Behind the last pair one that nobody asks for, so that a search finds something to read.
        beyond = np.iinfo(np.int64).max
        table = np.stack([[*pairs, beyond], [*starts, 0], [*counts, 0]]).astype(np.int64)
        self._pairs, self._starts, self._counts = torch.from_numpy(table).to(device)
        self._widest = int(counts.max(initial=1))
        self._ids = torch.from_numpy(order.astype(np.int64)).to(device)
        stored = np.array(datastore.keys[order]).view(np.int16)
        dtype = TORCH_KEYS[datastore.manifest.key_dtype]
        self._keys = torch.from_numpy(stored).to(device).view(dtype)

    def search(self, queries: Tensor, predicted: Tensor, tried: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D) with the tokens of each row."""
        from knm.retrieval import device_kernels

        queries = queries.float().contiguous()
        codes = _codes(predicted, tried)
        at = torch.searchsorted(self._pairs, codes).clamp_max(len(self._pairs) - 1)
        usable = (self._pairs[at] == codes) & queries.square().sum(1).isfinite()
        counts = self._counts[at].masked_fill(~usable, 0)
        rows, dim = queries.shape
        blocks = -(-max(self._widest, k) // _BLOCK)
        packed = torch.empty((rows, blocks * _BLOCK), dtype=torch.int64, device=queries.device)
        device_kernels.measure_range_kernel[(rows, blocks)](
            queries,
            self._keys,
            self._ids,
            self._starts[at],
            counts,
            packed,
            blocks * _BLOCK,
            DIM=dim,
            BLOCK=_BLOCK,
            DEPTH=_DEPTH,
            num_warps=4,
        )
        distances, ids = unpack(packed.topk(k, dim=1, largest=False, sorted=True).values)
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
        tried = self._weight.candidates(lm)
        # Both in one search: a GPU is not filled by one.
        found = self._searcher.search(
            queries.repeat(2, 1), lm.token.repeat(2), tried.T.flatten(), k
        )
        likelier, other = found.halves()
        better = self._weight.scores(other) > self._weight.scores(likelier)
        return other.where(better, likelier)


def _codes(predicted: Tensor, tried: Tensor) -> Tensor:
    """Pairs of tokens as `Datastore.exchanges` numbers them; -1 where none was tried."""
    return ((predicted << 32) | tried).masked_fill(tried < 0, -1)
