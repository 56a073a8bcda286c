from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore.projection import Projection
from knm.errors import UserError
from knm.retrieval import (
    DenseLogits,
    LikelyTokens,
    LMOutput,
    Neighbours,
    ResidualFusion,
    Retriever,
    SparseResidualFusion,
    StoredPredictions,
    TorchSearcher,
    resolve_preset,
)
from tests.datastore.tiny import HIDDEN, VOCAB, tiny_model
from tests.retrieval.stores import store_of

CPU = torch.device("cpu")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return shares


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 20),
    vocabulary=st.integers(2, 40),
    k=st.integers(1, 12),
    eta=st.sampled_from([0.1, 1.0, 30.0]),
    temperature=st.sampled_from([0.5, 20.0]),
    missing=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_it_equals_a_plain_numpy_implementation(
    rows, vocabulary, k, eta, temperature, missing, seed
):
    draw = np.random.default_rng(seed)
    keys = draw.standard_normal((30, 6)).astype(np.float16)
    store = store_of(keys, draw.integers(0, vocabulary, 30))
    head = torch.nn.Linear(6, vocabulary)
    logits = (draw.standard_normal((rows, vocabulary)) * 8).astype(np.float32)
    distances = np.sort(draw.uniform(0, 30, (rows, k)), 1).astype(np.float32)
    ids = draw.integers(0, 30, (rows, k))
    ids[draw.uniform(size=(rows, k)) < missing] = -1
    weight = draw.choice([0.0, 0.3, 1.0], rows).astype(np.float32)
    found = Neighbours(*map(torch.from_numpy, (distances, ids, store.values[ids].astype(np.int64))))
    fusion = ResidualFusion(
        temperature, eta, StoredPredictions(TorchSearcher(store, CPU), head, len(store))
    )
    fused = fusion(LMOutput.read(torch.from_numpy(logits)), torch.from_numpy(weight), found)

    matrix, bias = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    for row in range(rows):
        real = ids[row] >= 0
        expected = logits[row].astype(np.float64)
        if real.any():
            shares = softmax(-distances[row, real].astype(np.float64) / temperature)
            for share, entry in zip(shares, ids[row, real], strict=True):
                step = -softmax(matrix @ keys[entry].astype(np.float64) + bias)
                step[store.values[entry]] += 1
                expected = expected + weight[row] * eta * share * step
        np.testing.assert_allclose(fused.dense()[row], expected, rtol=1e-5, atol=1e-4)
        if weight[row] == 0 or not real.any():
            assert torch.equal(fused.dense()[row], torch.from_numpy(logits[row]))
    assert torch.equal(fused.token, fused.dense().argmax(1))


@settings(max_examples=80, deadline=None)
@given(
    rows=st.integers(1, 20),
    vocabulary=st.integers(2, 40),
    k=st.integers(1, 12),
    likely=st.sampled_from([1, 3, 64]),
    eta=st.sampled_from([0.1, 4.0]),
    missing=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 10_000),
)
def test_the_sparse_step_is_that_at_voted_tokens_and_the_lms_own(
    rows, vocabulary, k, likely, eta, missing, seed
):
    draw = np.random.default_rng(seed)
    keys = draw.standard_normal((30, 6)).astype(np.float16)
    store = store_of(keys, draw.integers(0, vocabulary, 30))
    head = torch.nn.Linear(6, vocabulary)
    logits = (draw.standard_normal((rows, vocabulary)) * 8).astype(np.float32)
    distances = np.sort(draw.uniform(0, 30, (rows, k)), 1).astype(np.float32)
    ids = draw.integers(0, 30, (rows, k))
    ids[draw.uniform(size=(rows, k)) < missing] = -1
    weight = draw.choice([0.0, 0.3, 1.0], rows).astype(np.float32)
    values = np.where(ids < 0, 0, store.values[ids].astype(np.int64))
    found = Neighbours(*map(torch.from_numpy, (distances, ids, values)))
    predictions = StoredPredictions(TorchSearcher(store, CPU), head, len(store))
    fusion = SparseResidualFusion(10.0, eta, LikelyTokens(predictions, likely))
    for _ in range(2):  # what was read of an entry is read once
        fused = fusion(LMOutput.read(torch.from_numpy(logits)), torch.from_numpy(weight), found)

    matrix, bias = head.weight.detach().double().numpy(), head.bias.detach().double().numpy()
    for row in range(rows):
        real = ids[row] >= 0
        expected = logits[row].astype(np.float64)
        if real.any():
            shares = softmax(-distances[row, real].astype(np.float64) / 10.0)
            step = np.zeros(vocabulary)
            for share, entry in zip(shares, ids[row, real], strict=True):
                said = softmax(matrix @ keys[entry].astype(np.float64) + bias)
                for token in np.argsort(-said)[:likely]:
                    step[token] -= share * said[token]
                step[store.values[entry]] += share
            moved = {int(logits[row].argmax()), *store.values[ids[row, real]].tolist()}
            for token in moved:
                expected[token] += weight[row] * eta * step[token]
        np.testing.assert_allclose(fused.dense()[row], expected, rtol=1e-5, atol=1e-4)
        if weight[row] == 0 or not real.any():
            assert torch.equal(fused.dense()[row], torch.from_numpy(logits[row]))
    assert torch.equal(fused.token, fused.dense().argmax(1))


@pytest.fixture(scope="module")
def model() -> Any:
    return tiny_model().model


@pytest.fixture(scope="module")
def store():
    draw = np.random.default_rng(0)
    return store_of(draw.standard_normal((300, HIDDEN)) * 2, draw.integers(0, VOCAB, 300))


def attached(store, model, preset="ft2ra", **changes) -> Retriever:
    retriever = Retriever(store, resolve_preset(preset, **{"temperature": 20.0, **changes}))
    retriever.attach(model)
    return retriever


@pytest.mark.parametrize("preset", ["ft2ra", "residual"])
def test_a_row_does_not_depend_on_the_others(store, model, preset):
    retriever = attached(store, model, preset)
    draw = torch.Generator().manual_seed(0)
    hidden = torch.randn(40, HIDDEN, generator=draw) * 2
    logits = torch.randn(40, VOCAB, generator=draw) * 6
    together = retriever.correct(hidden, LMOutput.read(logits)).logits
    assert not torch.equal(together, logits)
    for row in range(40):
        part = slice(row, row + 1)
        # Another retriever, that has read no entry for another row yet.
        alone = (
            attached(store, model, preset).correct(hidden[part], LMOutput.read(logits[part])).logits
        )
        assert torch.equal(alone, together[part])


@pytest.mark.parametrize("preset", ["ft2ra", "residual"])
def test_nothing_changes_where_the_lm_was_right_at_the_key(model, preset):
    key = torch.randn(1, HIDDEN, generator=torch.Generator().manual_seed(1)) * 40
    with torch.no_grad():
        said = model.get_output_embeddings()(key)
    store = store_of(key.numpy(), [int(said.argmax())])
    correction = attached(store, model, preset).correct(key, LMOutput.read(said))
    torch.testing.assert_close(correction.logits, said, rtol=0, atol=1e-3)


def test_duplicates_count_once_each_and_odd_rows_keep_their_logits(model):
    draw = np.random.default_rng(0)
    keys = np.repeat(draw.standard_normal((1, HIDDEN)), 3, 0)
    retriever = attached(store_of(keys, [4, 4, 9]), model, k=16)
    hidden = torch.from_numpy(keys[:2]).float()
    hidden[1, 0] = torch.nan
    logits = torch.randn(2, VOCAB)
    correction = retriever.correct(hidden, LMOutput.read(logits))
    assert isinstance(correction.corrected, DenseLogits)
    with torch.no_grad():
        step = -model.get_output_embeddings()(hidden[0]).softmax(0)
    step[4] += 2 / 3
    step[9] += 1 / 3
    torch.testing.assert_close(correction.logits[0] - logits[0], 10 * step, rtol=0, atol=0.01)
    assert torch.equal(correction.logits[1], logits[1])


@pytest.mark.parametrize("preset", ["ft2ra", "residual"])
def test_an_empty_datastore_changes_nothing(model, preset):
    retriever = attached(store_of(np.empty((0, HIDDEN))), model, preset)
    logits = torch.randn(3, VOCAB)
    corrected = retriever.correct(torch.randn(3, HIDDEN), LMOutput.read(logits))
    assert torch.equal(corrected.logits, logits)


def test_keys_that_the_head_cannot_read_are_refused(model):
    store = store_of(np.zeros((2, HIDDEN)))
    other = replace(store, manifest=replace(store.manifest, key_kind="last-layer"))
    with pytest.raises(UserError, match="'last-layer', the preset searches by 'final-norm'"):
        attached(other, model)
    anything = replace(resolve_preset("ft2ra", temperature=20.0), key_kind=None)
    with pytest.raises(UserError, match="'last-layer'; the residual fusion of preset 'ft2ra'"):
        Retriever(other, anything).attach(model)


def test_projected_keys_are_refused(model):
    same = Projection("pca", np.zeros(HIDDEN, np.float32), np.eye(HIDDEN, dtype=np.float32))
    store = replace(store_of(np.zeros((2, HIDDEN))), projection=same)
    with pytest.raises(UserError, match="'final-norm', projected; the residual fusion"):
        attached(store, model)
