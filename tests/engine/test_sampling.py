import numpy as np
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
    scores = (logits.double() / temperature + gumbel(KEYS, POSITIONS, 7)).tolist()
    drawn = sample(logits, heat, mass, KEYS, POSITIONS).tolist()
    freely = sample(logits, heat, None, KEYS, POSITIONS).tolist()
    for row, score in enumerate(scores):
        assert freely[row] == max(range(7), key=lambda token: score[token])
        admitted = nucleus(rows[row], temperature, top_p)
        assert drawn[row] == max(admitted, key=lambda token: score[token])


def test_a_row_is_drawn_alike_whatever_stands_beside_it():
    logits = torch.randn(3, 500, generator=torch.Generator().manual_seed(0))
    heat, mass = torch.tensor([0.7, 1.0, 1.3]), torch.tensor([0.5, 0.9, 0.99])
    together = sample(logits, heat, mass, KEYS, POSITIONS)
    for row in range(3):
        one = slice(row, row + 1)
        alone = sample(logits[one], heat[one], mass[one], KEYS[one], POSITIONS[one])
        assert alone[0] == together[row]
