import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.retrieval import NO_TOKEN, Neighbours, Votes


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.integers(0, 5), min_size=1, max_size=10),
    missing=st.integers(0, 3),
    temperature=st.sampled_from([0.3, 10.0]),
    seed=st.integers(0, 1000),
)
def test_each_token_gets_the_sum_of_its_neighbours_shares(values, missing, temperature, seed):
    distances = np.sort(np.random.default_rng(seed).uniform(0, 9, len(values))).astype(np.float32)
    found = Neighbours(
        torch.tensor([[*distances.tolist(), *[torch.inf] * missing]]),
        torch.tensor([[*range(len(values)), *[-1] * missing]]),
        torch.tensor([[*values, *[0] * missing]]),
    )
    votes = Votes.count(found, temperature)
    powers = np.exp(-distances.astype(np.float64) / temperature)
    shares = powers / powers.sum()
    np.testing.assert_allclose(votes.shares[0, : len(values)], shares, rtol=1e-6)
    totals = np.bincount(values, shares, minlength=6)
    np.testing.assert_allclose(votes.log_sums[0, : len(values)].exp(), totals[values], rtol=1e-6)
    assert bool(votes.usable)
    for token, total in enumerate(totals):
        assert float(votes.share_of(torch.tensor([token]))) == pytest.approx(total)
    chosen = int(votes.token)
    assert totals[chosen] >= totals.max() * (1 - 1e-6)


def test_equal_tokens_go_to_the_lowest_and_odd_rows_to_none():
    found = Neighbours(
        torch.tensor([[1.0, 1.0, 2.0], [torch.inf] * 3, [torch.nan, 1.0, 1.0]]),
        torch.tensor([[0, 1, 2], [-1] * 3, [0, 1, 2]]),
        torch.tensor([[7, 3, 9], [0] * 3, [1, 2, 3]]),
    )
    assert Votes.count(found, 1.0).token.tolist() == [3, NO_TOKEN, NO_TOKEN]
