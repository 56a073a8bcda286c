"""Kernels on a GPU, or as Triton's interpreter executes them: `tox run -e kernels`."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from knm.datastore import Datastore
from knm.datastore.arrays import LIKELY_DTYPE
from knm.retrieval import (
    CorrectedLogits,
    Fusion,
    HeadPredictions,
    LikelyTable,
    LMOutput,
    MinedPredictions,
    MixtureFusion,
    Neighbours,
    ResidualFusion,
    Searcher,
    SparseResidualFusion,
    TorchSearcher,
    open_searcher,
)
from tests.kernels import DEVICE, ON_A_GPU, logits_by_kernels, module_of_kernels
from tests.retrieval.stores import store_of

K = 16 if ON_A_GPU else 2  # what an interpreter is slow at
needs_a_gpu = pytest.mark.skipif(not ON_A_GPU, reason="needs a GPU")
takes_minutes_interpreted = pytest.mark.skipif(
    not ON_A_GPU, reason="takes minutes by an interpreter: needs a GPU"
)


@pytest.fixture(scope="module")
def device() -> Any:
    """The module of searches on a device."""
    return module_of_kernels("knm.retrieval.device_search")


@pytest.fixture
def by_kernels() -> Iterator[None]:
    with logits_by_kernels():
        yield


def opened(device: Any, store: Datastore) -> Searcher:
    searcher: Searcher = device.DeviceSearcher(store, DEVICE)
    return searcher


def keys_of(rows: int, dim: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((rows, dim)).astype(np.float16)


def queries_of(rows: int, dim: int, dtype: torch.dtype) -> torch.Tensor:
    generator = torch.Generator(DEVICE).manual_seed(1)
    return torch.randn(rows, dim, generator=generator, device=DEVICE).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("rows", "dim"), [(5, 24), (3001, 24), pytest.param(70_000, 320, marks=needs_a_gpu)]
)
def test_it_finds_what_the_cpu_finds(device, rows, dim, dtype):
    store = store_of(keys_of(rows, dim))
    queries = queries_of(70, dim, dtype)
    expected = TorchSearcher(store, torch.device("cpu")).search(queries.cpu(), K)
    found = opened(device, store).search(queries, K)
    agreeing = (found.ids.cpu() == expected.ids).float().mean()
    # float32 queries are rounded to float16 for the choice of candidates only
    assert agreeing > (0.999 if dtype == torch.bfloat16 else 0.995)
    close = torch.isclose(found.distances.cpu(), expected.distances, rtol=1e-3, atol=1e-3)
    assert close.float().mean() > 0.995
    assert torch.equal(found.values.cpu() == expected.values, found.ids.cpu() == expected.ids)


def test_a_row_is_the_same_to_the_bit_whatever_the_others(device):
    searcher = opened(device, store_of(keys_of(20_000 if ON_A_GPU else 2000, 64)))
    queries = queries_of(150 if ON_A_GPU else 66, 64, torch.bfloat16)
    together = searcher.search(queries, K)
    order = torch.randperm(len(queries), device=DEVICE)
    for count in (1, 3, *((60, 150) if ON_A_GPU else ())):  # by products of tiles of both sizes
        some = order[:count]
        found = searcher.search(queries[some], K)
        assert torch.equal(found.ids, together.ids[some])
        assert torch.equal(found.distances, together.distances[some])


def test_ties_go_to_the_lowest_id_and_odd_rows_find_nothing(device):
    keys = keys_of(400, 24)
    keys[[7, 30, 31, 150, 290, 399]] = keys[7]
    searcher = opened(device, store_of(keys))
    queries = torch.from_numpy(keys[[7, 8, 9]].astype(np.float32)).to(DEVICE)
    queries[1, 3] = torch.nan
    queries[2, 0] = 1e30  # beyond float16
    found = searcher.search(queries, 6)
    assert found.ids[0].tolist() == [7, 30, 31, 150, 290, 399]
    assert (found.ids[1:] == -1).all()


@pytest.mark.parametrize("k", [1, 7, 100])
@pytest.mark.parametrize("rows", [1, 900, 9000])
def test_other_numbers_of_neighbours(device, rows, k):
    store = store_of(keys_of(rows, 24))
    queries = queries_of(3, 24, torch.bfloat16)
    expected = TorchSearcher(store, torch.device("cpu")).search(queries.cpu(), k)
    found = opened(device, store).search(queries, k)
    assert torch.equal(found.ids.cpu(), expected.ids)


def test_equal_keys_of_many_groups_are_found_in_order(device):
    """The nearest are in more groups and bunches of groups than there are neighbours."""
    keys = np.repeat(keys_of(1, 24), 3000, 0)
    found = opened(device, store_of(keys)).search(torch.zeros(2, 24, device=DEVICE), 40)
    assert found.ids.tolist() == [list(range(40))] * 2


@pytest.mark.parametrize("k", [3, 4, 20, pytest.param(256, marks=takes_minutes_interpreted)])
def test_keys_that_are_looked_at_in_pieces(device, monkeypatch, k):
    monkeypatch.setattr(device, "_CHUNK", 512)
    monkeypatch.setattr(device, "_PART", 4)  # of the 8 bunches of a piece, or more for many
    store = store_of(keys_of(1300, 24))
    queries = queries_of(3, 24, torch.bfloat16)
    expected = TorchSearcher(store, torch.device("cpu")).search(queries.cpu(), k)
    assert torch.equal(opened(device, store).search(queries, k).ids.cpu(), expected.ids)


def drawn(
    rows: int, seed: int = 0, vocabulary: int = 500
) -> tuple[torch.Tensor, torch.Tensor, Neighbours]:
    """Logits, weights and neighbours, of which some are missing and one has no distance."""
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(rows, vocabulary, generator=draw) * 6
    weight = torch.tensor([0.0, 1e-6, 0.25, 0.9, 1.0]).repeat(rows // 5)
    distances = (torch.rand(rows, 16, generator=draw) * 20).sort(1).values
    ids = torch.randint(0, 9, (rows, 16), generator=draw)
    values = torch.randint(0, min(30, vocabulary), (rows, 16), generator=draw)
    ids[5:10], ids[10:15, 7:] = -1, -1
    distances[19, 3] = torch.nan
    found = Neighbours(
        distances.masked_fill(ids < 0, torch.inf), ids, values.masked_fill(ids < 0, 0)
    )
    return logits, weight, found


def on_device(neighbours: Neighbours) -> Neighbours:
    return Neighbours(
        neighbours.distances.to(DEVICE), neighbours.ids.to(DEVICE), neighbours.values.to(DEVICE)
    )


@pytest.mark.parametrize("temperature", [0.01, 7.5])
def test_the_mixture_is_that_of_the_cpu(device, temperature):
    logits, weight, found = drawn(40)
    expected = MixtureFusion(temperature)(LMOutput.read(logits), weight, found)
    lm = LMOutput.read(within_wider_rows(logits))
    mixed = device.mix(lm, weight.to(DEVICE), on_device(found), temperature)
    torch.testing.assert_close(mixed.dense().cpu(), expected.dense(), rtol=1e-5, atol=1e-5)
    assert torch.equal(mixed.token.cpu(), expected.token)
    assert torch.equal(mixed.token, mixed.dense().argmax(1))
    assert torch.equal(mixed.usable.cpu(), expected.usable)


def within_wider_rows(logits: torch.Tensor) -> torch.Tensor:
    """The same as a part of padded rows on the device, as vLLM has them."""
    padded = torch.zeros((len(logits), logits.shape[1] + 12), dtype=logits.dtype, device=DEVICE)
    padded[:, : logits.shape[1]] = logits
    return padded[:, : logits.shape[1]]


@pytest.mark.usefixtures("by_kernels")
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("count", "eta", "vocabulary", "unequal"),
    [
        (8, 4.0, 500, True),
        (8, 40.0, 5, True),  # every token moves
        (3, 40.0, 500, True),
        (3, 400.0, 9001, True),
        (8, 40.0, 9001, False),
        (1, 400.0, 500, True),
        (1, 400.0, 9001, False),
    ],
)
def test_the_residual_step_is_that_of_the_cpu(device, count, eta, vocabulary, unequal, dtype):
    logits, weight, found = drawn(40, count, vocabulary)
    if not unequal:  # then tokens that move are the first of the highest, in several blocks
        logits = (logits / 12).round()
        found.values[:, ::3] += 4096
    logits = logits.to(dtype)
    draw = torch.Generator().manual_seed(2)
    tokens = torch.randint(-1, 30, (9, count), generator=draw)
    shares = torch.rand(9, count, generator=draw) / count

    def likely(ids: torch.Tensor) -> LikelyTable:
        return LikelyTable(tokens.to(ids.device), shares.to(ids.device), ids)

    expected = SparseResidualFusion(7.5, eta, likely)(LMOutput.read(logits), weight, found)
    moved = device.take_step(
        LMOutput.read(within_wider_rows(logits)),
        weight.to(DEVICE),
        on_device(found),
        likely(found.ids.to(DEVICE)),
        7.5,
        eta,
    )
    torch.testing.assert_close(moved.dense().cpu(), expected.dense(), rtol=1e-5, atol=1e-4)
    assert torch.equal(moved.token.cpu(), expected.token)
    assert torch.equal(moved.token, moved.dense().argmax(1))
    as_they_were = torch.tensor([*range(0, 40, 5), *range(5, 10), 19])
    assert torch.equal(moved.dense().cpu()[as_they_were], logits.float()[as_they_were])
    assert eta < 40 or (moved.token.cpu() != logits.argmax(1)).any()


@pytest.mark.usefixtures("by_kernels")
def test_rows_that_are_no_numbers_get_a_token_of_the_vocabulary(device):
    logits, weight, found = drawn(20)
    logits[:10] = torch.nan
    logits[10:, 7:] = torch.nan
    near = on_device(
        Neighbours(torch.zeros_like(found.distances), found.ids.clamp_min(0), found.values)
    )
    tokens = torch.arange(9, device=DEVICE)[:, None]
    likely = LikelyTable(tokens, torch.ones(9, 1, device=DEVICE), near.ids)
    lm = LMOutput.read(logits.to(DEVICE))
    moved = device.take_step(lm, weight.to(DEVICE), near, likely, 7.5, 4.0)
    assert ((moved.token >= 0) & (moved.token < 500)).all()


def test_the_keys_that_were_found_can_be_read(device):
    store = store_of(keys_of(900, 24))
    ids = torch.tensor([[3, 899, 0], [-1, 7, 7]], device=DEVICE)
    keys = opened(device, store).keys(ids).float().cpu().numpy()
    np.testing.assert_array_equal(keys[0], store.read_keys(np.array([3, 899, 0])))
    np.testing.assert_array_equal(keys[1, 1:], store.read_keys(np.array([7, 7])))
    assert np.isfinite(keys).all()


@needs_a_gpu
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

    def correct(device: str) -> CorrectedLogits:
        searcher = open_searcher("torch", store, device)
        asked = HeadPredictions(searcher, head.to(device), len(store))
        mined = MinedPredictions(stored, None if device == "cpu" else torch.device(device))
        fusions: dict[str, Fusion] = {
            "dense": ResidualFusion(20.0, 5.0, asked),
            "sparse": SparseResidualFusion(20.0, 5.0, asked.likely(8)),
            "stored": SparseResidualFusion(20.0, 5.0, mined.likely(8)),
        }
        found = searcher.search(queries.to(device), 16)
        return fusions[kind](LMOutput.read(logits.to(device)), weight.to(device), found)

    expected, moved = correct("cpu"), correct("cuda")
    torch.testing.assert_close(moved.dense().cpu(), expected.dense(), rtol=1e-4, atol=1e-3)
    assert torch.equal(moved.token, moved.dense().argmax(1))
    assert torch.equal(moved.dense()[::5].cpu(), logits[::5])
