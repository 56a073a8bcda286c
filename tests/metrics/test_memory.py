import numpy as np
import torch

from knm.metrics.memory import RememberingSearcher, SharedSearch
from knm.retrieval import Preset, TorchSearcher
from tests.retrieval.stores import store_of

KEYS = np.random.default_rng(0).normal(size=(300, 8))
QUERIES = torch.randn(40, 8, generator=torch.Generator().manual_seed(1))


class Counting(TorchSearcher):
    """Counts the queries that reach it."""

    asked = 0

    def search(self, queries, k):
        self.asked += len(queries)
        return super().search(queries, k)


def test_fewer_neighbours_are_the_first_of_more():
    plain = TorchSearcher(store_of(KEYS), torch.device("cpu"))
    remembering = RememberingSearcher(plain, 16)
    for k in (16, 4, 1):
        found, expected = remembering.search(QUERIES, k), plain.search(QUERIES, k)
        assert torch.equal(found.ids, expected.ids)
        assert torch.equal(found.distances, expected.distances)
        assert torch.equal(found.values, expected.values)


def test_no_query_is_searched_twice():
    counting = Counting(store_of(KEYS), torch.device("cpu"))
    remembering = RememberingSearcher(counting, 8)
    remembering.search(QUERIES[:10], 8)
    some = remembering.search(QUERIES[5:15], 8)
    remembering.search(QUERIES[torch.tensor([14, 0, 7])], 4)
    assert counting.asked == 15
    plain = TorchSearcher(store_of(KEYS), torch.device("cpu")).search(QUERIES[5:15], 8)
    assert torch.equal(some.ids, plain.ids)


def test_retrievers_of_one_datastore_share_a_searcher():
    presets = [Preset("a", lmbda=0.5, temperature=1.0, k=3), Preset("b", 0.9, temperature=1.0)]
    shared = SharedSearch.of(store_of(KEYS), torch.device("cpu"), presets)
    first, second = (shared.retriever(preset) for preset in presets)
    assert first.searcher is second.searcher
