import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.models.logits import read_likeliest, read_top
from tests.engine.random_models import DEVICES


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("vocabulary", [7, 4096, 9001])
def test_the_top_is_the_lowest_argmax_with_its_log_probability(device, dtype, vocabulary):
    draw = torch.Generator().manual_seed(0)
    logits = (torch.randn(9, vocabulary, generator=draw) * 4).to(device, dtype)
    logits[3] = 0.0
    token, top, log_confidence = read_top(logits)
    wide = logits.double()
    assert torch.equal(token, wide.argmax(1))
    assert torch.equal(top.double(), wide.amax(1))
    torch.testing.assert_close(log_confidence, wide.log_softmax(1).amax(1), rtol=1e-5, atol=1e-5)
    assert (token.dtype, top.dtype) == (torch.int64, torch.float32)


@pytest.mark.parametrize("device", DEVICES)
def test_a_row_that_is_not_finite_has_no_finite_probability(device):
    logits = torch.zeros((3, 5), device=device)
    logits[1, 2] = torch.nan
    assert read_top(logits)[2].isfinite().tolist() == [True, False, True]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("vocabulary", [2, 7, 8, 4096, 9001])
def test_the_likeliest_begin_with_the_top_and_are_those_of_softmax(device, dtype, vocabulary):
    draw = torch.Generator().manual_seed(0)
    logits = (torch.randn(9, vocabulary, generator=draw) * 4).to(device, dtype)
    logits[3] = 0.0
    tokens, log_probs = read_likeliest(logits, 8)
    top, _, confidence = read_top(logits)
    assert torch.equal(tokens[:, 0], top)
    assert torch.equal(log_probs[:, 0], confidence)
    wide = logits.double().log_softmax(1)
    order = logits.double().argsort(dim=1, descending=True, stable=True)[:, :8]
    assert torch.equal(tokens, order)
    torch.testing.assert_close(log_probs, wide.gather(1, order), rtol=1e-5, atol=1e-5)
    assert (tokens.dtype, log_probs.dtype) == (torch.int64, torch.float64)


@given(
    rows=st.integers(1, 5),
    vocabulary=st.integers(2, 30),
    levels=st.integers(1, 12),
    impossible=st.sampled_from([0.0, 0.5]),
    count=st.integers(2, 9),
    seed=st.integers(0, 10_000),
)
def test_of_equal_logits_the_lowest_tokens_are_the_likeliest(
    rows, vocabulary, levels, impossible, count, seed
):
    draw = np.random.default_rng(seed)
    logits = draw.integers(0, levels, (rows, vocabulary)).astype(np.float32)
    logits[:, 1:][draw.uniform(size=(rows, vocabulary - 1)) < impossible] = -np.inf
    tokens = read_likeliest(torch.from_numpy(logits), count)[0].numpy()
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    possible = np.take_along_axis(logits, tokens, 1) > -np.inf
    assert np.array_equal(tokens[possible], expected[possible])
    assert all(len(set(row)) == len(row) for row in tokens.tolist())
