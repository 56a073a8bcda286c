import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.engine.sampling import gumbel, sample

KEYS = torch.tensor([3, 1 << 61, 77])
POSITIONS = torch.tensor([0, 5, 900])


def nucleus(logits: list[float], temperature: float, top_p: float) -> set[int]:
    """The fewest tokens, the likeliest first, whose probabilities reach `top_p`: by sorting."""
    scaled = np.array(logits, np.float64) / temperature
    probabilities = np.exp(scaled - scaled.max())
    probabilities /= probabilities.sum()
    chosen: set[int] = set()
    total = 0.0
    for token in sorted(range(len(logits)), key=lambda token: (-scaled[token], token)):
        chosen.add(token)
        total += probabilities[token]
        # Where the sum is as good as `top_p`, rounding decides.
        if total >= top_p - 1e-9:
            break
    return chosen


@given(
    st.lists(
        st.lists(st.integers(-8, 8).map(float), min_size=7, max_size=7), min_size=3, max_size=3
    ),
    st.sampled_from([0.5, 1.0, 2.0]),
    st.sampled_from([0.013, 0.31, 0.77, 0.9501]),
)
def test_what_is_drawn_is_the_noisiest_of_the_nucleus(rows, temperature, top_p):
    logits = torch.tensor(rows)
    heat, mass = torch.full((3,), temperature), torch.full((3,), top_p)
    scores = (logits.double() / temperature + gumbel(KEYS, POSITIONS, torch.arange(7))).tolist()
    drawn = sample(logits, heat, mass, KEYS, POSITIONS).tolist()
    freely = sample(logits, heat, None, KEYS, POSITIONS).tolist()
    for row, score in enumerate(scores):
        assert freely[row] == max(range(7), key=lambda token: score[token])
        admitted = nucleus(rows[row], temperature, top_p)
        assert drawn[row] == max(admitted, key=lambda token: score[token])


@pytest.mark.parametrize("vocabulary", [500, 200_000])
def test_a_row_is_drawn_alike_whatever_stands_beside_it(vocabulary):
    logits = torch.randn(3, vocabulary, generator=torch.Generator().manual_seed(0))
    heat, mass = torch.tensor([0.7, 1.0, 1.3]), torch.tensor([0.5, 0.9, 0.99])
    together = sample(logits, heat, mass, KEYS, POSITIONS)
    for row in range(3):
        one = slice(row, row + 1)
        alone = sample(logits[one], heat[one], mass[one], KEYS[one], POSITIONS[one])
        assert alone[0] == together[row]


def test_what_noise_could_make_likeliest_is_drawn_from():
    """Tokens far below the likeliest win rarely, but as often as they should."""
    logits = torch.tensor([[9.0, 0.0, -40.0]]).repeat(4000, 1)
    keys, positions = torch.arange(4000) * 7919, torch.arange(4000)
    heat = torch.full((4000,), 3.0)
    drawn = sample(logits, heat, None, keys, positions)
    share = torch.softmax(logits[0] / 3, 0)
    counts = torch.bincount(drawn, minlength=3) / 4000
    assert (counts - share).abs().max() < 4 * (0.05 * 0.95 / 4000) ** 0.5
