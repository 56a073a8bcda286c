from collections.abc import Callable
from typing import Final

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore import Datastore
from knm.retrieval import Neighbours
from knm.retrieval.pair_search import DevicePairSearcher, HostPairSearcher, PairSearcher
from tests.kernels import INTERPRETED
from tests.retrieval.stores import trials_of

DIM = 3
SEARCHERS: Final[dict[str, Callable[[Datastore], PairSearcher]]] = {"host": HostPairSearcher}
if INTERPRETED:
    SEARCHERS["kernel"] = lambda store: DevicePairSearcher(store, torch.device("cpu"))


def search_slowly(store: Datastore, query: np.ndarray, pair: tuple[int, int], k: int) -> list[int]:
    """Ids of the k nearest entries of a pair, by distance in float32, then by id."""
    keys = store.read_keys(slice(None))
    members = [
        entry
        for entry in range(len(store))
        if (int(store.provenance["predicted"][entry]), int(store.values[entry])) == pair
    ]
    return sorted(members, key=lambda entry: (np.square(keys[entry] - query).sum(), entry))[:k]


@pytest.mark.parametrize("kind", SEARCHERS)
@given(
    st.lists(
        st.tuples(
            st.lists(st.integers(-2, 2), min_size=DIM, max_size=DIM),
            st.integers(0, 2),
            st.integers(0, 2),
        ),
        max_size=40,
    ),
    st.lists(
        st.tuples(
            st.lists(st.integers(-2, 2), min_size=DIM, max_size=DIM),
            st.integers(0, 2),
            st.integers(-1, 2),
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(1, 8),
)
def test_it_finds_the_nearest_entries_of_the_pair_and_no_others(kind, entries, asked, k):
    keys = np.array([key for key, *_ in entries], np.float32).reshape(-1, DIM)
    store = trials_of(keys, [g for _, g, _ in entries], [a for *_, a in entries])
    queries = torch.tensor([query for query, *_ in asked], dtype=torch.float32)
    tokens = torch.tensor([pair for _, *pair in asked])
    searcher = SEARCHERS[kind](store)
    found = searcher.search(queries, tokens[:, 0], tokens[:, 1], k)
    for row, (query, *pair) in enumerate(asked):
        expected = search_slowly(store, np.array(query, np.float32), (pair[0], pair[1]), k)
        missing = k - len(expected)
        assert found.ids[row].tolist() == expected + [-1] * missing
        assert found.values[row].tolist() == [pair[1]] * len(expected) + [0] * missing
        apart = np.square(keys[expected] - np.array(query)).sum(1)
        assert found.distances[row].tolist() == apart.tolist() + [np.inf] * missing


def random_trials(count: int, dim: int, tokens: int = 4) -> Datastore:
    draw = np.random.default_rng(0)
    keys = draw.standard_normal((count, dim))
    keys /= np.linalg.norm(keys, axis=1, keepdims=True)
    predicted, values = draw.integers(0, tokens, (2, count))
    return trials_of(keys, predicted, values, draw.integers(-1, 2, count))


def questions(
    rows: int, dim: int, tokens: int = 4
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(1)
    queries = torch.nn.functional.normalize(torch.randn(rows, dim, generator=draw))
    predicted, tried = torch.randint(0, tokens + 1, (2, rows), generator=draw)
    tried[::5] = -1
    return queries, predicted, tried


def assert_alike(found: Neighbours, expected: Neighbours) -> None:
    assert torch.equal(found.ids.cpu(), expected.ids)
    assert torch.equal(found.values.cpu(), expected.values)
    torch.testing.assert_close(found.distances.cpu(), expected.distances)


@pytest.mark.parametrize("kind", SEARCHERS)
def test_queries_that_are_not_finite_find_nothing(kind):
    store = trials_of(np.zeros((2, DIM)), [1, 1], [2, 2])
    queries, ones = torch.zeros(2, DIM), torch.ones(2, dtype=torch.int64)
    queries[1, 0] = torch.nan
    found = SEARCHERS[kind](store).search(queries, ones, ones * 2, 3)
    assert found.ids.tolist() == [[0, 1, -1], [-1, -1, -1]]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("count", [0, 1, 130, 300_000])
def test_a_graph_on_a_gpu_finds_what_the_cpu_finds(count):
    store = random_trials(count, 64)
    searcher = DevicePairSearcher(store, torch.device("cuda"))
    asked = questions(32, 64)
    queries, predicted, tried = inputs = tuple(part.cuda() for part in asked)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        searcher.search(queries, predicted, tried, 32)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = searcher.search(queries, predicted, tried, 32)
    graph.replay()
    expected = HostPairSearcher(store).search(*asked, 32)
    # Two entries that are as near but for rounding may stand in the other order.
    assert (found.ids.cpu() == expected.ids).float().mean() > 0.995
    torch.testing.assert_close(found.distances.cpu(), expected.distances)
    order = torch.randperm(32)
    for into, part in zip(inputs, asked, strict=True):
        into.copy_(part[order])
    before = [part.clone()[order.cuda()] for part in (found.ids, found.distances)]
    graph.replay()
    assert torch.equal(found.ids, before[0])
    assert torch.equal(found.distances, before[1])
