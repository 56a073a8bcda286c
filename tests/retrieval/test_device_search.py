import numpy as np
import pytest
import torch

from knm.retrieval import TorchSearcher, open_searcher
from tests.retrieval.stores import store_of

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def keys_of(rows: int, dim: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, dim)).astype(np.float16)


def queries_of(rows: int, dim: int, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator("cuda").manual_seed(1)
    return torch.randn(rows, dim, generator=generator, device="cuda").to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("rows", "dim"), [(5, 24), (3001, 24), (70_000, 320)])
def test_it_finds_what_the_cpu_finds(rows, dim, dtype):
    store = store_of(keys_of(rows, dim))
    queries = queries_of(70, dim, dtype)
    expected = TorchSearcher(store, torch.device("cpu")).search(queries.cpu(), 16)
    found = open_searcher("torch", store, "cuda").search(queries, 16)
    agreeing = (found.ids.cpu() == expected.ids).float().mean()
    # float32 queries are rounded to float16 for the choice of candidates only
    assert agreeing > (0.999 if dtype == torch.bfloat16 else 0.995)
    close = torch.isclose(found.distances.cpu(), expected.distances, rtol=1e-3, atol=1e-3)
    assert close.float().mean() > 0.995
    assert torch.equal(found.values.cpu() == expected.values, found.ids.cpu() == expected.ids)


def test_a_row_is_the_same_to_the_bit_whatever_the_others():
    searcher = open_searcher("torch", store_of(keys_of(20_000, 64)), "cuda")
    queries = queries_of(64, 64, torch.bfloat16)
    together = searcher.search(queries, 16)
    order = torch.randperm(64, device="cuda")
    shuffled = searcher.search(queries[order], 16)
    assert torch.equal(shuffled.ids, together.ids[order])
    assert torch.equal(shuffled.distances, together.distances[order])


def test_ties_go_to_the_lowest_id_and_odd_rows_find_nothing():
    keys = keys_of(400, 24)
    keys[[7, 30, 31, 150, 290, 399]] = keys[7]
    searcher = open_searcher("torch", store_of(keys), "cuda")
    queries = torch.from_numpy(keys[[7, 8, 9]].astype(np.float32)).cuda()
    queries[1, 3] = torch.nan
    queries[2, 0] = 1e30  # beyond float16
    found = searcher.search(queries, 6)
    assert found.ids[0].tolist() == [7, 30, 31, 150, 290, 399]
    assert (found.ids[1:] == -1).all()
