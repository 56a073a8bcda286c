from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore import Datastore, IndexOptions, build_index
from knm.errors import UserError
from knm.retrieval import SEARCHERS, TorchSearcher, choose_searcher, open_searcher
from tests.retrieval.stores import store_of

CPU = torch.device("cpu")


def random_keys(rows: int, dim: int = 24, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((rows, dim)).astype(np.float16)


def random_queries(rows: int, dim: int = 24, seed: int = 1) -> torch.Tensor:
    return torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed))


def all_distances(queries: torch.Tensor, keys: np.ndarray) -> np.ndarray:
    difference = queries.double().numpy()[:, None] - keys.astype(np.float64)
    squared: np.ndarray = np.square(difference).sum(-1)
    return squared


@pytest.fixture(scope="module")
def indexed(tmp_path_factory) -> Datastore:
    """3,000 keys with every Faiss index, set so wide that each is exact."""
    path = tmp_path_factory.mktemp("indexed")
    store = store_of(random_keys(3000), path=path)
    store.manifest.save(path)
    build_index(store, "flat")
    build_index(store, "ivf", IndexOptions(nlist=20, nprobe=20))
    build_index(store, "ivf-pq", IndexOptions(nlist=20, nprobe=20, m=24, refine=20))
    build_index(store, "hnsw", IndexOptions(ef=600))
    return replace(store, manifest=type(store.manifest).load(path))


@pytest.fixture(params=list(SEARCHERS))
def searcher(request, indexed):
    return open_searcher(request.param, indexed, "cpu")


def test_every_searcher_finds_the_exact_neighbours(searcher, indexed):
    queries = random_queries(40)
    found = searcher.search(queries, 16)
    distances = all_distances(queries, indexed.keys)
    assert np.array_equal(found.ids, distances.argsort(1, kind="stable")[:, :16])
    np.testing.assert_allclose(found.distances, np.sort(distances, 1)[:, :16], rtol=1e-4)
    assert np.array_equal(found.values, indexed.values[found.ids])
    assert (found.distances.dtype, found.ids.dtype) == (torch.float32, torch.int64)


def test_ivf_with_every_list_probed_equals_flat(indexed):
    queries = random_queries(33)
    flat = open_searcher("faiss-flat", indexed, "cpu").search(queries, 16)
    ivf = open_searcher("faiss-ivf", indexed, "cpu").search(queries, 16)
    assert torch.equal(ivf.ids, flat.ids)
    torch.testing.assert_close(ivf.distances, flat.distances, rtol=1e-4, atol=1e-4)


def test_auto_takes_the_most_exact_index_there_is(indexed):
    wide = store_of(np.zeros((5000, 1000)))
    expected = {"ivf": "20 of 20 lists", "hnsw": "600 keys in view", "ivf-pq": "20 candidates"}
    left = dict(indexed.manifest.indexes)
    for kind, words in expected.items():
        chosen = choose_searcher(
            "auto", replace(wide, manifest=replace(wide.manifest, indexes=left)), "cpu"
        )
        assert chosen.name == f"faiss-{kind}"
        assert words in chosen.line
        del left[kind]


def test_torch_equals_faiss_flat(indexed):
    queries = random_queries(33)
    flat = open_searcher("faiss-flat", indexed, "cpu").search(queries, 16)
    exact = open_searcher("torch", indexed, "cpu").search(queries, 16)
    assert torch.equal(exact.ids, flat.ids)
    torch.testing.assert_close(exact.distances, flat.distances, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", ["torch", "faiss-flat"])
def test_a_searcher_gives_the_keys_that_it_found(indexed, name):
    searcher = open_searcher(name, indexed, "cpu")
    ids = torch.tensor([[3, 0], [7, 7]])
    found = searcher.keys(ids).numpy()
    np.testing.assert_array_equal(found, indexed.read_keys(ids.numpy()))
    assert searcher.keys(torch.tensor([-1])).isfinite().all()


def test_more_neighbours_than_entries_are_padded_as_missing(tmp_path):
    store = store_of(random_keys(5), path=tmp_path)
    store.manifest.save(tmp_path)
    build_index(store, "flat")
    store = replace(store, manifest=type(store.manifest).load(tmp_path))
    for name in ("torch", "faiss-flat"):
        found = open_searcher(name, store, "cpu").search(random_queries(3), 8)
        assert sorted(found.ids[0, :5].tolist()) == [0, 1, 2, 3, 4]
        assert (found.ids[:, 5:] == -1).all()
        assert found.distances[:, 5:].isinf().all()
        assert (found.values[:, 5:] == 0).all()


def test_k_may_exceed_a_whole_block_of_keys():
    store = store_of(random_keys(300))
    found = TorchSearcher(store, CPU).search(random_queries(2), 1000)
    assert (found.ids >= 0).sum(1).tolist() == [300, 300]


def test_an_empty_datastore_finds_nothing():
    found = TorchSearcher(store_of(np.empty((0, 24))), CPU).search(random_queries(2), 4)
    assert (found.ids == -1).all()


def test_no_queries_find_nothing():
    found = TorchSearcher(store_of(random_keys(9)), CPU).search(random_queries(0), 4)
    assert found.ids.shape == (0, 4)


def test_a_row_of_nan_or_infinity_finds_nothing_and_disturbs_no_other(searcher):
    queries = random_queries(5)
    clean = searcher.search(queries, 4)
    queries[1, 3], queries[3, 0] = torch.nan, torch.inf
    found = searcher.search(queries, 4)
    assert (found.ids[[1, 3]] == -1).all()
    assert found.distances[[1, 3]].isinf().all()
    assert torch.equal(found.ids[[0, 2, 4]], clean.ids[[0, 2, 4]])


@pytest.fixture(params=[1, 2])
def threads(request):
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(1)


@pytest.mark.usefixtures("threads")
def test_results_are_the_same_to_the_bit_whatever_the_other_rows(searcher):
    queries = random_queries(50)
    together = searcher.search(queries, 16)
    order = torch.randperm(50, generator=torch.Generator().manual_seed(2))
    shuffled = searcher.search(queries[order], 16)
    assert torch.equal(shuffled.distances, together.distances[order])
    assert torch.equal(shuffled.ids, together.ids[order])
    for row in range(50):
        alone = searcher.search(queries[row : row + 1], 16)
        assert torch.equal(alone.distances[0], together.distances[row])
        assert torch.equal(alone.ids[0], together.ids[row])


def test_equal_distances_are_ordered_by_id():
    keys = random_keys(400)
    keys[[7, 30, 31, 150, 290, 399]] = keys[7]
    searcher = TorchSearcher(store_of(keys), CPU)
    query = torch.from_numpy(keys[7:8].astype(np.float32))
    assert searcher.search(query, 6).ids.tolist() == [[7, 30, 31, 150, 290, 399]]
    assert searcher.search(query, 3).ids.tolist() == [[7, 30, 31]]
    assert searcher.search(query, 3).distances.tolist() == [[0, 0, 0]]


def test_distances_of_long_vectors_do_not_cancel():
    keys = random_keys(50, dim=256) + np.float16(30)
    store = store_of(keys)
    queries = torch.from_numpy(store.keys.astype(np.float32)) + 0.01
    found = TorchSearcher(store, CPU).search(queries, 1)
    np.testing.assert_allclose(found.distances[:, 0], 256 * 1e-4, rtol=0.01)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.integers(1, 700),
    queries=st.integers(1, 40),
    k=st.integers(1, 40),
    levels=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_torch_search_equals_a_stable_sort_even_with_many_ties(rows, queries, k, levels, seed):
    draw = np.random.default_rng(seed)
    keys = draw.integers(-levels, levels + 1, (rows, 3)).astype(np.float16)
    asked = torch.from_numpy(draw.integers(-levels, levels + 1, (queries, 3)).astype(np.float32))
    found = TorchSearcher(store_of(keys), CPU).search(asked, k)
    distances = all_distances(asked, keys)
    expected = distances.argsort(1, kind="stable")[:, :k]
    width = min(k, rows)
    assert np.array_equal(found.ids[:, :width], expected)
    assert np.array_equal(found.distances[:, :width], np.take_along_axis(distances, expected, 1))


def test_an_unknown_searcher_is_refused(indexed):
    for opening in (open_searcher, choose_searcher):
        with pytest.raises(UserError, match="choose one of .*torch, faiss-flat, faiss-ivf"):
            opening("annoy", indexed, "cpu")


def test_few_keys_are_searched_exactly_and_many_by_their_index(indexed):
    few = choose_searcher("auto", indexed, "cpu")
    assert few.name == "torch"
    assert few.line == "kNN search: torch, exact, 3,000 keys x 24 on cpu"
    wide = store_of(np.zeros((5000, 1000)))
    assert choose_searcher("auto", wide, "cpu").name == "torch"
    assert "knm index given --kind ivf" in choose_searcher("auto", wide, "cpu").line
    indexes = replace(wide, manifest=replace(wide.manifest, indexes=indexed.manifest.indexes))
    chosen = choose_searcher("auto", indexes, "cpu")
    assert chosen.name == "faiss-ivf"
    assert "20 of 20 lists, recall@16 1.0000" in chosen.line


def test_an_index_that_was_not_built_is_refused():
    with pytest.raises(UserError, match="has no ivf index: run `knm index --kind ivf`"):
        open_searcher("faiss-ivf", store_of(random_keys(5)), "cpu")


def test_an_index_of_other_rows_is_refused(indexed):
    shorter = replace(indexed, manifest=replace(indexed.manifest, count=2999))
    with pytest.raises(UserError, match="indexes 3000 rows of 24"):
        open_searcher("faiss-flat", shorter, "cpu")
