import numpy as np
import pytest
import torch

from knm.errors import UserError
from knm.languages.machine import TokenType
from knm.metrics.labels import label_types
from knm.metrics.measuring import measure
from knm.metrics.states import read_blocks, target_counts
from knm.models import encode_corpus, parse_key_kind
from knm.problems import load_template
from knm.retrieval import PRESETS, Preset, Retriever, vary_preset
from tests.datastore.tiny import examples, mine_tiny, tiny_model
from tests.models.architectures import SCALING, scaling_model

EXAMPLES = examples(9, seed=5)
COUNT = int(target_counts(EXAMPLES).sum())
STATIC = Preset("static", lmbda=0.6, temperature=5.0, k=4)
CONTEXTUAL = vary_preset(
    PRESETS["bayes"], {"temperature": 5.0, "weight_options": {"window": 3}, "k": 4}, "bayes"
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return mine_tiny(tmp_path_factory.mktemp("tiny") / "store")


def run(store, presets, chosen=EXAMPLES, batch_tokens=60):
    loaded = tiny_model()
    retrievers = [Retriever(store, preset) for preset in presets]
    blocks = read_blocks(loaded, chosen, parse_key_kind("final-norm"), batch_tokens=batch_tokens)
    return measure(loaded, blocks, retrievers, int(target_counts(chosen).sum()))


def same(one, other):
    np.testing.assert_array_equal(one.token, other.token)
    np.testing.assert_allclose(one.log_prob, other.log_prob, atol=1e-5)


def test_every_token_has_the_log_probability_that_the_model_gives_it(store):
    loaded = tiny_model()
    lm, _ = run(store, [])
    expected, tokens = [], []
    for example in EXAMPLES:
        logits = loaded.model(torch.tensor([example.ids])).logits[0]
        rows = torch.arange(example.target_start - 1, len(example.ids) - 1)
        right = torch.tensor(example.ids[example.target_start :])
        expected.append(logits[rows].log_softmax(-1)[torch.arange(len(rows)), right])
        tokens.append(logits[rows].argmax(-1))
    np.testing.assert_allclose(lm.log_prob, torch.cat(expected).detach().numpy(), atol=1e-5)
    np.testing.assert_array_equal(lm.token, torch.cat(tokens).numpy())


def test_an_example_that_the_context_cannot_hold_is_named():
    loaded = tiny_model()
    loaded.model.config.max_position_embeddings = len(EXAMPLES[0].ids) - 1
    with pytest.raises(UserError, match=r"record 'record-\d': \d+ tokens, .*: leave the rec"):
        list(read_blocks(loaded, EXAMPLES, parse_key_kind("final-norm")))


@pytest.mark.parametrize("kind", SCALING)
def test_models_that_scale_or_cap_their_logits_are_measured_by_what_they_give(kind, tmp_path):
    loaded = scaling_model(kind)
    retrievers = [
        Retriever(mine_tiny(tmp_path, loaded=loaded), vary_preset(preset, {"weight": 0.0}, "zero"))
        for preset in (STATIC, CONTEXTUAL)
    ]
    blocks = read_blocks(loaded, EXAMPLES, parse_key_kind("final-norm"))
    lm, measured = measure(loaded, blocks, retrievers, COUNT)
    expected = []
    for example in EXAMPLES:
        with torch.no_grad():
            logits = loaded.model(torch.tensor([example.ids])).logits[0].log_softmax(-1)
        places = range(example.target_start, len(example.ids))
        expected += [logits[place - 1, example.ids[place]].item() for place in places]
    np.testing.assert_allclose(lm.log_prob, expected, atol=1e-4)
    for each in measured:
        same(each.corrected, lm)


def test_weight_zero_is_the_baseline_exactly(store):
    zero = [vary_preset(preset, {"weight": 0.0}, "zero") for preset in (STATIC, CONTEXTUAL)]
    lm, (plain, contextual) = run(store, zero)
    np.testing.assert_array_equal(plain.corrected.token, lm.token)
    np.testing.assert_array_equal(plain.corrected.log_prob, lm.log_prob)
    assert not plain.searched.any()
    # Here the head sees other rows together.
    same(contextual.corrected, lm)


def test_the_mixture_is_what_its_parts_say(store):
    lm, (measured,) = run(store, [STATIC])
    expected = 0.4 * np.exp(lm.log_prob) + 0.6 * np.exp(measured.neighbours.log_prob)
    np.testing.assert_allclose(np.exp(measured.corrected.log_prob), expected, atol=1e-6)
    np.testing.assert_array_equal(measured.offered, np.isfinite(measured.neighbours.log_prob))
    assert measured.searched.all()
    assert np.allclose(measured.weight, 0.6)


@pytest.mark.parametrize("preset", [STATIC, CONTEXTUAL], ids=lambda preset: preset.name)
def test_an_example_does_not_depend_on_those_beside_it(store, preset):
    _, (together,) = run(store, [preset], batch_tokens=1000)
    alone = [run(store, [preset], [example])[1][0] for example in EXAMPLES]
    tokens = np.concatenate([one.corrected.token for one in alone])
    np.testing.assert_array_equal(together.corrected.token, tokens)
    weights = np.concatenate([one.weight for one in alone])
    np.testing.assert_allclose(together.weight, weights, atol=1e-6)


def test_presets_measured_together_do_not_change_each_other(store):
    _, both = run(store, [STATIC, CONTEXTUAL])
    for preset, together in zip([STATIC, CONTEXTUAL], both, strict=True):
        _, (alone,) = run(store, [preset])
        same(together.corrected, alone.corrected)
    assert len(np.unique(both[1].weight)) > 1


def test_a_condition_on_token_types_follows_the_right_text(embedded, dev_records, small_store):
    encoded = encode_corpus(embedded.tokenizer, dev_records[:2], load_template("task"))
    types = [kind.label for kind in TokenType]
    presets = [
        vary_preset(PRESETS["dense"], {"token_types": chosen}, "conditioned")
        for chosen in ([], ["keyword"], types, None)
    ]
    retrievers = [Retriever(small_store, preset) for preset in presets]
    blocks = read_blocks(embedded, encoded, parse_key_kind("final-norm"))
    count = int(target_counts(encoded).sum())
    lm, (none, keywords, every, plain) = measure(embedded, blocks, retrievers, count)
    np.testing.assert_array_equal(none.corrected.token, lm.token)
    np.testing.assert_array_equal(every.corrected.token, plain.corrected.token)
    np.testing.assert_array_equal(every.weight, plain.weight)
    assert not none.weight.any()
    assert 0 < np.count_nonzero(keywords.weight) < count / 2
    # Where the neighbours are right, the type of what they would write is the right token's.
    right = [token for example in encoded for token in example.ids[example.target_start :]]
    labels = np.array(label_types(embedded, encoded, dev_records[:2]))
    agreed = keywords.neighbours.token == right
    assert ((keywords.weight > 0) == (labels == "keyword"))[agreed].all()
