import numpy as np
import pytest
import torch

from knm.datastore.arrays import LIKELY_DTYPE
from knm.retrieval import (
    DenseLogits,
    Fusion,
    HeadPredictions,
    LMOutput,
    MinedPredictions,
    MixtureFusion,
    Neighbours,
    ResidualFusion,
    SparseResidualFusion,
    TorchSearcher,
    open_searcher,
)
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


@pytest.mark.parametrize("k", [1, 7, 16, 100])
def test_other_numbers_of_neighbours(k):
    store = store_of(keys_of(900, 24))
    queries = queries_of(3, 24, torch.bfloat16)
    expected = TorchSearcher(store, torch.device("cpu")).search(queries.cpu(), k)
    found = open_searcher("torch", store, "cuda").search(queries, k)
    assert torch.equal(found.ids.cpu(), expected.ids)


@pytest.mark.parametrize("temperature", [0.01, 7.5])
def test_the_mixture_is_that_of_the_cpu(temperature):
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(40, 500, generator=draw) * 6
    weight = torch.tensor([0.0, 1e-6, 0.25, 0.9, 1.0]).repeat(8)
    distances = (torch.rand(40, 16, generator=draw) * 20).sort(1).values
    ids = torch.randint(0, 9, (40, 16), generator=draw)
    values = torch.randint(0, 30, (40, 16), generator=draw)
    ids[5:10], ids[10:15, 7:] = -1, -1
    distances[15, 3] = torch.nan
    found = Neighbours(
        distances.masked_fill(ids < 0, torch.inf), ids, values.masked_fill(ids < 0, 0)
    )
    moved = Neighbours(found.distances.cuda(), found.ids.cuda(), found.values.cuda())
    fusion = MixtureFusion(temperature)
    expected = fusion(LMOutput.read(logits), weight, found)
    mixed = fusion(LMOutput.read(logits.cuda()), weight.cuda(), moved)
    torch.testing.assert_close(mixed.dense().cpu(), expected.dense(), rtol=1e-5, atol=1e-5)
    assert torch.equal(mixed.token.cpu(), expected.token)
    assert torch.equal(mixed.token, mixed.dense().argmax(1))
    assert torch.equal(mixed.usable.cpu(), expected.usable)


def test_the_keys_that_were_found_can_be_read():
    store = store_of(keys_of(900, 24))
    ids = torch.tensor([[3, 899, 0], [-1, 7, 7]], device="cuda")
    keys = open_searcher("torch", store, "cuda").keys(ids).float().cpu().numpy()
    np.testing.assert_array_equal(keys[0], store.read_keys(np.array([3, 899, 0])))
    np.testing.assert_array_equal(keys[1, 1:], store.read_keys(np.array([7, 7])))
    assert np.isfinite(keys).all()


@pytest.mark.parametrize("kind", ["dense", "sparse", "stored"])
def test_a_residual_fusion_is_that_of_the_cpu(kind):
    draw = torch.Generator().manual_seed(0)
    store = store_of(keys_of(900, 24), np.random.default_rng(1).integers(0, 500, 900))
    head = torch.nn.Linear(24, 500)
    queries = torch.randn(40, 24, generator=draw)
    logits = torch.randn(40, 500, generator=draw) * 6
    weight = torch.tensor([0.0, 1e-6, 0.25, 0.9, 1.0]).repeat(8)

    stored = np.zeros(900, LIKELY_DTYPE)
    with torch.no_grad():
        likeliest = head(torch.from_numpy(store.read_keys(slice(None)))).softmax(1).topk(8)
    stored["tokens"], stored["probabilities"] = likeliest.indices, likeliest.values

    def correct(device: str) -> DenseLogits:
        searcher = open_searcher("torch", store, device)
        asked = HeadPredictions(searcher, head.to(device), len(store))
        mined = MinedPredictions(stored, None if device == "cpu" else torch.device(device))
        fusions: dict[str, Fusion] = {
            "dense": ResidualFusion(20.0, 5.0, asked),
            "sparse": SparseResidualFusion(20.0, 5.0, asked.likely(8)),
            "stored": SparseResidualFusion(20.0, 5.0, mined.likely(8)),
        }
        found = searcher.search(queries.to(device), 16)
        fused = fusions[kind](LMOutput.read(logits.to(device)), weight.to(device), found)
        assert isinstance(fused, DenseLogits)
        return fused

    expected, moved = correct("cpu"), correct("cuda")
    torch.testing.assert_close(moved.dense().cpu(), expected.dense(), rtol=1e-4, atol=1e-3)
    assert torch.equal(moved.token, moved.dense().argmax(1))
    assert torch.equal(moved.dense()[::5].cpu(), logits[::5])
