import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.retrieval import LMOutput, MixedLogits, MixtureFusion, Neighbours


def neighbours(distances, values, ids=None) -> Neighbours:
    distances = torch.tensor(distances, dtype=torch.float32)
    missing = distances.isinf()
    ids = torch.where(missing, -1, torch.arange(distances.shape[1]))
    return Neighbours(distances, ids, torch.tensor(values).masked_fill(missing, 0))


def fuse(temperature: float, logits: torch.Tensor, weight, found: Neighbours) -> MixedLogits:
    return MixtureFusion(temperature)(LMOutput.read(logits), torch.as_tensor(weight), found)


def mix(temperature: float, logits: torch.Tensor, weight, found: Neighbours) -> torch.Tensor:
    return fuse(temperature, logits, weight, found).dense()


def reference(
    logits: np.ndarray,
    distances: np.ndarray,
    values: np.ndarray,
    weight: np.ndarray,
    temperature: float,
) -> np.ndarray:
    """p = (1 - w) p_LM + w p_kNN in float64, one row at a time and without tricks."""
    mixed = []
    for row, (z, w) in enumerate(zip(logits.astype(np.float64), weight, strict=True)):
        p_lm = np.exp(z - z.max()) / np.exp(z - z.max()).sum()
        found = np.isfinite(distances[row])
        if not found.any() or w == 0:
            mixed.append(p_lm)
            continue
        closeness = -distances[row][found].astype(np.float64) / temperature
        votes = np.exp(closeness - closeness.max())
        p_knn = np.zeros(len(z))
        for vote, value in zip(votes / votes.sum(), values[row][found], strict=True):
            p_knn[value] += vote
        mixed.append((1 - w) * p_lm + w * p_knn)
    return np.array(mixed)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.integers(1, 5),
    vocabulary=st.integers(1, 30),
    k=st.integers(1, 20),
    temperature=st.sampled_from([0.01, 1.0, 7.5, 100.0]),
    spread=st.sampled_from([0.1, 5.0, 300.0]),
    missing=st.sampled_from([0.0, 0.3, 0.9]),
    weights=st.lists(st.sampled_from([0.0, 1e-6, 0.25, 0.9, 1.0]), min_size=5, max_size=5),
    seed=st.integers(0, 10_000),
)
def test_the_mixture_equals_a_plain_numpy_implementation(
    rows, vocabulary, k, temperature, spread, missing, weights, seed
):
    draw = np.random.default_rng(seed)
    logits = (draw.standard_normal((rows, vocabulary)) * 8).astype(np.float32)
    distances = np.sort(draw.uniform(0, spread, (rows, k)), 1).astype(np.float32)
    distances[draw.uniform(size=(rows, k)) < missing] = np.inf
    distances.sort(1)
    values = draw.integers(0, vocabulary, (rows, k))
    weight = np.array(weights[:rows], dtype=np.float32)
    fused = fuse(
        temperature,
        torch.from_numpy(logits),
        torch.from_numpy(weight),
        neighbours(distances.tolist(), values.tolist()),
    )
    corrected = fused.dense()
    assert torch.equal(fused.token, corrected.argmax(1))
    expected = reference(logits, distances, values, weight, temperature)
    np.testing.assert_allclose(corrected.softmax(1), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(
        corrected.logsumexp(1), torch.from_numpy(logits).logsumexp(1), rtol=0, atol=1e-4
    )


LOGITS = torch.tensor([[1.0, 2.0, 3.0], [0.5, 0.25, 4.0]])
FOUND = neighbours([[1.0, 2.0], [1.0, 2.0]], [[0, 1], [0, 0]])


def test_rows_of_weight_zero_keep_their_logits_to_the_bit():
    corrected = mix(1.0, LOGITS, torch.tensor([0.0, 0.5]), FOUND)
    assert torch.equal(corrected[0], LOGITS[0])
    assert not torch.equal(corrected[1], LOGITS[1])


def test_rows_without_a_neighbour_keep_their_logits_to_the_bit():
    nothing = neighbours([[torch.inf] * 2, [1.0, torch.inf]], [[0, 0], [1, 0]])
    corrected = mix(1.0, LOGITS, torch.tensor([0.9, 0.9]), nothing)
    assert torch.equal(corrected[0], LOGITS[0])
    assert corrected[1].argmax() == 1


def test_rows_with_a_nan_distance_or_weight_keep_their_logits():
    odd = neighbours([[torch.nan, 2.0], [1.0, 2.0]], [[0, 1], [0, 0]])
    corrected = mix(1.0, LOGITS, torch.tensor([0.9, torch.nan]), odd)
    assert torch.equal(corrected, LOGITS)


def test_a_row_does_not_depend_on_the_others():
    together = mix(1.0, LOGITS, torch.tensor([0.7, 0.7]), FOUND)
    for row in range(2):
        part = slice(row, row + 1)
        alone = Neighbours(FOUND.distances[part], FOUND.ids[part], FOUND.values[part])
        assert torch.equal(mix(1.0, LOGITS[part], torch.tensor([0.7]), alone), together[part])


def test_tokens_that_the_lm_forbids_are_possible_through_neighbours_only():
    logits = torch.tensor([[-torch.inf, 0.0, -torch.inf]])
    corrected = mix(1.0, logits, torch.tensor([0.5]), neighbours([[1.0]], [[0]]))
    assert corrected.softmax(1).tolist() == [[0.5, 0.5, 0.0]]


def test_bfloat16_logits_are_corrected_in_float32():
    corrected = mix(1.0, LOGITS.bfloat16(), torch.tensor([0.0, 0.5]), FOUND)
    assert corrected.dtype == torch.float32
    assert torch.equal(corrected[0], LOGITS.bfloat16().float()[0])
