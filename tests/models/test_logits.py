import pytest
import torch

from knm.models.logits import read_top
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
