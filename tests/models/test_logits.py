from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.models.logits import read_likeliest, read_next, read_top
from tests.engine.random_models import DEVICES
from tests.kernels import logits_by_kernels


@pytest.fixture(autouse=True, scope="module")
def kernels_where_they_can_be_had() -> Iterator[None]:
    with logits_by_kernels():
        yield


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("vocabulary", [7, 4096, 9001])
def test_the_top_is_the_lowest_argmax_with_its_log_probability(device, dtype, vocabulary):
    draw = torch.Generator().manual_seed(0)
    logits = (torch.randn(9, vocabulary, generator=draw) * 4).to(device, dtype)
    logits[3] = 0.0
    token, top, log_confidence, _ = read_top(logits)
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
    top, _, confidence, _ = read_top(logits)
    assert torch.equal(tokens[:, 0], top)
    assert torch.equal(log_probs[:, 0], confidence)
    wide = logits.double().log_softmax(1)
    order = logits.double().argsort(dim=1, descending=True, stable=True)[:, :8]
    assert torch.equal(tokens, order)
    torch.testing.assert_close(log_probs, wide.gather(1, order), rtol=1e-5, atol=1e-5)
    assert (tokens.dtype, log_probs.dtype) == (torch.int64, torch.float64)


@st.composite
def equal_logits(draw):
    """Logits of few values, some of them of impossible tokens, and how many are asked for."""
    rows, vocabulary = draw(st.integers(1, 5)), draw(st.integers(2, 30))
    values = np.random.default_rng(draw(st.integers(0, 10_000)))
    logits = values.integers(0, draw(st.integers(1, 12)), (rows, vocabulary)).astype(np.float32)
    impossible = draw(st.sampled_from([0.0, 0.5, 0.9]))
    logits[:, 1:][values.uniform(size=(rows, vocabulary - 1)) < impossible] = -np.inf
    return logits, draw(st.integers(2, 9))


@given(equal_logits())
def test_of_equal_logits_the_lowest_tokens_are_the_likeliest(drawn):
    logits, count = drawn
    tokens = read_likeliest(torch.from_numpy(logits), count)[0].numpy()
    expected = np.argsort(-logits, axis=1, kind="stable")[:, :count]
    possible = np.take_along_axis(logits, tokens, 1) > -np.inf
    assert np.array_equal(tokens[possible], expected[possible])
    assert all(len(set(row)) == len(row) for row in tokens.tolist())


@given(equal_logits(), st.sampled_from([torch.float32, torch.bfloat16]), st.data())
def test_the_next_of_equal_logits_are_those_of_the_likeliest_without_the_token(drawn, dtype, data):
    """Whichever token is left out, and where the others are impossible too."""
    values, count = drawn
    rows, vocabulary = values.shape
    left_out = data.draw(
        st.lists(st.integers(0, vocabulary - 1), min_size=rows, max_size=rows), label="left out"
    )
    logits = torch.from_numpy(values).to(dtype)
    tops, tokens = read_next(logits, torch.tensor(left_out), count)
    assert tops.dtype == torch.float32
    for row, without in enumerate(left_out):
        order = np.argsort(-values[row], kind="stable")
        expected = order[order != without][:count]
        assert tokens[row].tolist() == expected.tolist()
        assert tops[row].tolist() == values[row][expected].tolist()


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("vocabulary", [7, 4096, 9001])
def test_the_next_behind_the_top_are_those_of_the_likeliest(device, vocabulary):
    draw = torch.Generator().manual_seed(0)
    logits = torch.randint(0, 9, (9, vocabulary), generator=draw).to(device, torch.bfloat16)
    likeliest = read_likeliest(logits, 4)[0]
    tops, tokens = read_next(logits, likeliest[:, 0], 3)
    assert torch.equal(tokens, likeliest[:, 1:])
    assert torch.equal(tops, logits.gather(1, tokens).float())
