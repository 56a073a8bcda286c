import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.datastore import Datastore, MiningOptions
from knm.datastore.arrays import LIKELY, LIKELY_DTYPE
from knm.datastore.project import PCAOptions, pca_datastore
from knm.datastore.projection import Projection
from knm.errors import UserError
from knm.models import LoadedModel
from knm.models.logits import read_likeliest
from knm.problems import load_template
from knm.retrieval import (
    CorrectedLogits,
    DenseLogits,
    Fusion,
    HeadPredictions,
    LMOutput,
    MinedPredictions,
    Neighbours,
    ResidualFusion,
    Retriever,
    SparseResidualFusion,
    TorchSearcher,
    corrected,
    resolve_preset,
    vary_preset,
)
from knm.retrieval.predictions import at_temperature
from tests.datastore.tiny import (
    HIDDEN,
    VOCAB,
    examples,
    mine_tiny,
    tiny_model,
    without_likely,
)
from tests.retrieval.stores import store_of

CPU = torch.device("cpu")


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return shares


@dataclass(frozen=True)
class Case:
    """Random logits of some rows, what a search found for them, and the head that they are of."""

    store: Datastore
    keys: np.ndarray
    head: torch.nn.Linear
    logits: np.ndarray
    weight: np.ndarray
    distances: np.ndarray
    ids: np.ndarray

    @classmethod
    def draw(cls, rows: int, vocabulary: int, k: int, missing: float, seed: int) -> "Case":
        draw = np.random.default_rng(seed)
        keys = draw.standard_normal((30, 6)).astype(np.float16)
        ids = draw.integers(0, 30, (rows, k))
        ids[draw.uniform(size=(rows, k)) < missing] = -1
        return cls(
            store_of(keys, draw.integers(0, vocabulary, 30)),
            keys,
            torch.nn.Linear(6, vocabulary),
            (draw.standard_normal((rows, vocabulary)) * 8).astype(np.float32),
            draw.choice([0.0, 0.3, 1.0], rows).astype(np.float32),
            np.sort(draw.uniform(0, 30, (rows, k)), 1).astype(np.float32),
            ids,
        )

    @property
    def predictions(self) -> HeadPredictions:
        return HeadPredictions(TorchSearcher(self.store, CPU), self.head, len(self.store))

    @property
    def mined(self) -> MinedPredictions:
        """The same as mining would have stored them."""
        with torch.no_grad():
            said = self.head(torch.from_numpy(self.keys).float())
        tokens, log_probs = read_likeliest(said, LIKELY)
        stored = np.zeros(len(said), LIKELY_DTYPE)
        stored["tokens"] = -1
        stored["tokens"][:, : tokens.shape[1]] = tokens
        stored["probabilities"][:, : tokens.shape[1]] = log_probs.exp()
        return MinedPredictions(stored, None)

    def fused_by(self, fusion: Fusion) -> CorrectedLogits:
        values = np.where(self.ids < 0, 0, self.store.values[self.ids].astype(np.int64))
        found = Neighbours(*map(torch.from_numpy, (self.distances, self.ids, values)))
        lm = LMOutput.read(torch.from_numpy(self.logits))
        return fusion(lm, torch.from_numpy(self.weight), found)

    def neighbours(self, row: int, temperature: float) -> Iterator[tuple[float, np.ndarray, int]]:
        """Share, the LM's distribution and the token of each neighbour of a row."""
        real = self.ids[row] >= 0
        matrix = self.head.weight.detach().double().numpy()
        bias = self.head.bias.detach().double().numpy()
        shares = softmax(-self.distances[row, real].astype(np.float64) / temperature)
        for share, entry in zip(shares, self.ids[row, real], strict=True):
            said = softmax(matrix @ self.keys[entry].astype(np.float64) + bias)
            yield share, said, int(self.store.values[entry])

    def check(self, fused: CorrectedLogits, expected: Callable[[int], np.ndarray]) -> None:
        """What came out is `expected(row)`, and the LM's to the bit where nothing counts."""
        for row in range(len(self.logits)):
            if self.weight[row] == 0 or (self.ids[row] < 0).all():
                assert torch.equal(fused.dense()[row], torch.from_numpy(self.logits[row]))
            else:
                np.testing.assert_allclose(fused.dense()[row], expected(row), rtol=1e-5, atol=1e-4)
        assert torch.equal(fused.token, fused.dense().argmax(1))


CASES = st.builds(
    Case.draw,
    rows=st.integers(1, 20),
    vocabulary=st.integers(2, 40),
    k=st.integers(1, 12),
    missing=st.sampled_from([0.0, 0.4, 1.0]),
    seed=st.integers(0, 10_000),
)


@settings(max_examples=60, deadline=None)
@given(case=CASES, eta=st.sampled_from([0.1, 1.0, 30.0]), temperature=st.sampled_from([0.5, 20.0]))
def test_it_equals_a_plain_numpy_implementation(case, eta, temperature):
    fused = case.fused_by(ResidualFusion(temperature, eta, case.predictions))

    def expected(row: int) -> np.ndarray:
        logits: np.ndarray = case.logits[row].astype(np.float64)
        for share, said, token in case.neighbours(row, temperature):
            step = -said
            step[token] += 1
            logits = logits + case.weight[row] * eta * share * step
        return logits

    case.check(fused, expected)


@settings(max_examples=80, deadline=None)
@given(case=CASES, likely=st.sampled_from([1, 3, 64]), eta=st.sampled_from([0.1, 4.0]))
def test_the_sparse_step_is_that_at_voted_tokens_and_the_lms_own(case, likely, eta):
    fusion = SparseResidualFusion(10.0, eta, case.predictions.likely(likely))
    case.fused_by(fusion)
    fused = case.fused_by(fusion)  # what was read of an entry is read once

    def expected(row: int) -> np.ndarray:
        logits: np.ndarray = case.logits[row].astype(np.float64)
        step, moved = np.zeros_like(logits), {int(logits.argmax())}
        for share, said, token in case.neighbours(row, 10.0):
            for other in np.argsort(-said)[:likely]:
                step[other] -= share * said[other]
            step[token] += share
            moved.add(token)
        for token in moved:
            logits[token] += case.weight[row] * eta * step[token]
        return logits

    case.check(fused, expected)


TEMPERATURES = st.sampled_from([1.0, 0.8, 0.3, 0.1])


@settings(max_examples=60)
@given(case=CASES, likely=st.sampled_from([1, 3, 8]), heat=TEMPERATURES)
def test_what_mining_stored_and_what_the_head_says_are_one(case, likely, heat):
    stored, asked = (
        case.fused_by(SparseResidualFusion(10.0, 4.0, predictions.likely(likely, heat)))
        for predictions in (case.mined, case.predictions)
    )
    torch.testing.assert_close(stored.dense(), asked.dense(), rtol=1e-5, atol=1e-4)


@settings(max_examples=100)
@given(
    logits=st.lists(st.floats(-20, 20), min_size=1, max_size=40).map(sorted),
    heat=TEMPERATURES,
)
def test_the_likeliest_tokens_at_another_temperature(logits, heat):
    falling = np.array(logits[::-1])
    every, exact = softmax(falling), softmax(falling / heat)
    kept = torch.from_numpy(np.append(every[:LIKELY], [0.0] * (LIKELY - len(every))))
    told = at_temperature(kept.float(), heat).numpy()
    # What is left out counts as the most that it can be.
    known = min(LIKELY, len(every))
    assert (told[:known] <= exact[:known] + 1e-5).all()
    assert not told[known:].any()
    equal = every[LIKELY:] == every[LIKELY - 1] if len(every) > LIKELY else np.array([True])
    if equal.all():
        np.testing.assert_allclose(told[:known], exact[:known], rtol=1e-4, atol=1e-6)
    if heat == 1:
        assert (told[:known] == every[:known].astype(np.float32)).all()
    if len(every) <= LIKELY:
        assert told.sum() == pytest.approx(1, abs=1e-5)


def test_a_step_is_nothing_where_programs_are_drawn_as_the_lm_says_at_a_temperature():
    # 64 neighbours of one key whose tokens come as often as p^(1/T) says.
    logits = torch.log(torch.tensor([[8.0, 4.0, 2.0, 1.0, 1.0]])) * 0.5
    head = torch.nn.Linear(1, 5)
    with torch.no_grad():
        head.weight.copy_(logits.T)
        head.bias.zero_()
    written = np.repeat(np.arange(5), [32, 16, 8, 4, 4])
    store = store_of(np.ones((64, 1), np.float16), written)
    predictions = HeadPredictions(TorchSearcher(store, CPU), head, 64)
    found = TorchSearcher(store, CPU).search(torch.ones(1, 1), 64)
    for heat, moves in ((0.5, False), (1.0, True)):
        fusion = SparseResidualFusion(1.0, 4.0, predictions.likely(8, heat))
        moved = fusion(LMOutput.read(logits), torch.ones(1), found).dense()
        assert torch.allclose(moved, logits, atol=1e-4) is not moves


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
    for preset in (anything, resolve_preset("residual", temperature=20.0)):
        message = f"given: preset '{preset.name}' asks the output head .* and are 'last-layer': "
        with pytest.raises(UserError, match=message):
            Retriever(other, preset)


@pytest.mark.parametrize(
    ("preset", "mend"), [("ft2ra", "choose another"), ("residual", "mine it again")]
)
def test_projected_keys_are_refused(model, preset, mend):
    same = Projection("pca", np.zeros(HIDDEN, np.float32), np.eye(HIDDEN, dtype=np.float32))
    plain = store_of(np.zeros((2, HIDDEN)))
    manifest = replace(plain.manifest, projection=same.info)
    store = replace(plain, manifest=manifest, projection=same)
    with pytest.raises(UserError, match=f"are 'final-norm', projected: {mend}"):
        attached(store, model, preset)


def corrections(store: Datastore, loaded: LoadedModel, texts) -> torch.Tensor:
    """The logits of all positions of `texts` (lists of token ids), corrected by `residual`.

    At rate 4: how far two of them are apart grows with the rate.
    """
    preset = vary_preset(
        resolve_preset("residual", temperature=50.0), {"fusion_options": {"eta": 4.0}}, "rate-4"
    )
    retriever = Retriever(store, preset)
    with torch.no_grad(), corrected(loaded.model, retriever, tokenizer=loaded.tokenizer):
        return torch.cat([loaded.model(torch.tensor([ids])).logits[0] for ids in texts])


TEXTS = [example.ids for example in examples(5, seed=3)]


@pytest.fixture(scope="module")
def mined(tmp_path_factory) -> Datastore:
    return mine_tiny(tmp_path_factory.mktemp("mined"))


def test_a_store_without_likely_tokens_is_corrected_by_as_one_with_them(mined, tmp_path):
    loaded = tiny_model()
    by_head = corrections(without_likely(mined, tmp_path / "older"), loaded, TEXTS)
    stored = corrections(mined, loaded, TEXTS)
    with torch.no_grad():
        alone = torch.cat([loaded.model(torch.tensor([ids])).logits[0] for ids in TEXTS])
    # The head sees keys rounded to float16.
    torch.testing.assert_close(stored, by_head, rtol=0, atol=0.02)
    assert not torch.allclose(stored, alone, atol=0.5)


def test_the_embedded_model_writes_the_same_by_stored_and_by_asked_predictions(
    embedded, small_store, tmp_path
):
    older = without_likely(small_store, tmp_path / "older")
    prompts = [load_template("task").render(text, "lua") for text in ("Add two numbers.", "Sort.")]
    texts = [embedded.tokenizer(prompt)["input_ids"] for prompt in prompts]
    stored, asked = (corrections(store, embedded, texts) for store in (small_store, older))
    assert torch.equal(stored.argmax(1), asked.argmax(1))
    torch.testing.assert_close(stored, asked, rtol=0, atol=0.02)


@pytest.mark.parametrize("kind", ["last-layer", "layer-1", "last-mlp-input+final-norm"])
def test_keys_of_any_kind_do_where_likely_tokens_are_stored(kind, tmp_path):
    loaded = tiny_model()
    store = mine_tiny(tmp_path / "mined", MiningOptions(batch_tokens=40, key_kind=kind))
    with torch.no_grad():
        alone = torch.cat([loaded.model(torch.tensor([ids])).logits[0] for ids in TEXTS])
    assert not torch.allclose(corrections(store, loaded, TEXTS), alone, atol=0.5)
    older = without_likely(store, tmp_path / "older")
    with pytest.raises(UserError, match=re.escape(f"are {kind!r}: mine it again")):
        corrections(older, loaded, TEXTS)


def test_projected_keys_are_corrected_by_as_if_they_were_whole(mined, tmp_path):
    """A turned space has the same distances."""
    loaded = tiny_model()
    turned = pca_datastore(mined, tmp_path / "turned", PCAOptions(HIDDEN))
    torch.testing.assert_close(
        corrections(turned, loaded, TEXTS), corrections(mined, loaded, TEXTS), rtol=0, atol=0.05
    )
    whitened = pca_datastore(mined, tmp_path / "white", PCAOptions(8, whiten=True))
    assert corrections(whitened, loaded, TEXTS).isfinite().all()


def test_no_head_is_asked_where_likely_tokens_are_stored(mined):
    retriever = Retriever(mined, resolve_preset("residual", temperature=50.0))
    assert not retriever.asks_head
    logits = torch.randn(3, VOCAB)
    corrected = retriever.correct(torch.randn(3, HIDDEN), LMOutput.read(logits)).logits
    assert not torch.equal(corrected, logits)
