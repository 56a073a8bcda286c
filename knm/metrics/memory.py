"""A searcher that searches each query once, however many configurations ask for it."""

from collections.abc import Iterable
from hashlib import blake2b

import torch
from torch import Tensor

from knm.datastore import Datastore
from knm.retrieval import (
    Neighbours,
    Preset,
    Retriever,
    Searcher,
    choose_searcher,
    open_searcher,
)


class SharedSearch:
    """Retrievers over one datastore that share what is searched."""

    def __init__(self, datastore: Datastore, device: torch.device, most: int) -> None:
        """`most` is the largest k that any preset asks for."""
        self.datastore = datastore
        self._device = device
        self._most = most
        self._searchers: dict[str, RememberingSearcher] = {}

    @classmethod
    def of(
        cls, datastore: Datastore, device: torch.device, presets: Iterable[Preset]
    ) -> "SharedSearch":
        """For these presets."""
        return cls(datastore, device, max(preset.k for preset in presets))

    def retriever(self, preset: Preset) -> Retriever:
        """A retriever of a preset.

        Raises:
            UserError: preset and datastore do not fit, or the searcher cannot be opened.
        """
        if preset.of_trials:  # which asks what the LM says, not the query alone
            return Retriever(self.datastore, preset, device=self._device)
        name = choose_searcher(preset.searcher, self.datastore, self._device).name
        if name not in self._searchers:
            searcher = open_searcher(name, self.datastore, self._device)
            self._searchers[name] = RememberingSearcher(searcher, self._most)
        return Retriever(self.datastore, preset, self._searchers[name], self._device)


class RememberingSearcher:
    """Remembers the `most` nearest entries of every query that another searcher was asked for.

    The k nearest are then the first k of those. Exact search chooses candidates by a score that
    rounds otherwise than the distances that order them, so that keys which are nearer to each other
    than that may change places between one k and another.
    """

    on_device = False

    def __init__(self, searcher: Searcher, most: int) -> None:
        self._searcher = searcher
        self._most = most
        self._rows: dict[bytes, int] = {}
        self._found: Neighbours | None = None

    def search(self, queries: Tensor, k: int) -> Neighbours:
        """Find the k nearest entries of `queries` (B, D); k is at most `most`."""
        assert k <= self._most
        host = queries.detach().contiguous().cpu()
        rows = host.view(torch.uint8).numpy()
        names = [blake2b(row.data, digest_size=16).digest() for row in rows]
        new = {name: place for place, name in enumerate(names) if name not in self._rows}
        if new or self._found is None:
            places = torch.tensor(list(new.values()), dtype=torch.int64, device=queries.device)
            self._remember(list(new), self._searcher.search(queries[places], self._most))
        found = self._found
        assert found is not None
        known = torch.tensor(
            [self._rows[name] for name in names], dtype=torch.int64, device=found.ids.device
        )
        return Neighbours(
            found.distances[known, :k].contiguous().to(queries.device),
            found.ids[known, :k].contiguous().to(queries.device),
            found.values[known, :k].contiguous().to(queries.device),
        )

    def keys(self, ids: Tensor) -> Tensor:
        """The stored keys of `ids`."""
        return self._searcher.keys(ids)

    def _remember(self, names: list[bytes], found: Neighbours) -> None:
        start = len(self._rows)
        self._rows.update({name: start + place for place, name in enumerate(names)})
        if self._found is None:
            self._found = found
            return
        old = self._found
        self._found = Neighbours(
            torch.cat([old.distances, found.distances]),
            torch.cat([old.ids, found.ids]),
            torch.cat([old.values, found.values]),
        )
