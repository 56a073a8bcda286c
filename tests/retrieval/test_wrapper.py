from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from transformers import GPT2Config, GPT2LMHeadModel

from knm.datastore import MiningOptions
from knm.errors import UserError
from knm.retrieval import (
    DEFAULT_PRESET,
    FUSIONS,
    LMOutput,
    Retriever,
    StepTrace,
    corrected,
    resolve_preset,
)
from tests.datastore.tiny import VOCAB, examples, mine_tiny, tiny_model
from tests.models.architectures import SCALING, scaling_model
from tests.retrieval.stores import retriever_of, store_of


@pytest.fixture(scope="module", params=[False, True], ids=["untied", "tied"])
def tied(request):
    return request.param


@pytest.fixture
def model(tied):
    return tiny_model(tied=tied).model


@pytest.fixture(scope="module")
def own_store(tied, store, tmp_path_factory):
    """The same, mined with `model`."""
    if not tied:
        return store
    return mine_tiny(tmp_path_factory.mktemp("store"), loaded=tiny_model(tied=True))


IDS = torch.tensor([[5, 9, 30, 11], [7, 7, 3, 60], [21, 2, 44, 8]])


def logits_of(model: Any, ids: torch.Tensor = IDS) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model(ids).logits
    return logits


@pytest.mark.parametrize("fusion", sorted(FUSIONS.keys() - {"exchange"}))
@pytest.mark.parametrize("name", ["v1", "v2", "v3", "dense", "nest"])
def test_weight_zero_leaves_logits_bit_identical(model, own_store, name, fusion):
    before = logits_of(model)
    preset = replace(resolve_preset(name, lmbda=0.0), fusion=fusion)
    with corrected(model, Retriever(own_store, preset)):
        during = logits_of(model)
    assert torch.equal(during, before)
    assert during.dtype == before.dtype


def test_weight_zero_leaves_a_bfloat16_model_bit_identical(store):
    model = tiny_model().model.to(torch.bfloat16)
    before = logits_of(model)
    with corrected(model, retriever_of(store, lmbda=0.0)):
        assert torch.equal(logits_of(model), before)


def test_weight_zero_leaves_generation_identical(model, own_store):
    settings = {"max_new_tokens": 12, "do_sample": False}
    before = model.generate(IDS, **settings)
    with corrected(model, retriever_of(own_store, lmbda=0.0)):
        assert torch.equal(model.generate(IDS, **settings), before)


@pytest.mark.parametrize("fails", [False, True])
def test_afterwards_the_model_is_exactly_what_it_was(model, own_store, fails):
    def snapshot() -> tuple[Any, ...]:
        return (
            [(name, id(module)) for name, module in model.named_modules()],
            [(name, id(value)) for name, value in model.named_parameters()],
            list(model.state_dict()),
            [module.training for module in model.modules()],
            model.get_output_embeddings(),
        )

    before, logits = snapshot(), logits_of(model)
    try:
        with corrected(model, retriever_of(own_store)):
            assert not torch.equal(logits_of(model), logits)
            if fails:
                raise KeyError
    except KeyError:
        pass
    assert snapshot() == before
    assert torch.equal(logits_of(model), logits)


def test_nesting_is_refused_and_leaves_the_outer_one_in_place(model, own_store):
    with corrected(model, retriever_of(own_store)):
        during = logits_of(model)
        with (
            pytest.raises(RuntimeError, match="does not nest"),
            corrected(model, retriever_of(own_store)),
        ):
            pass
        assert torch.equal(logits_of(model), during)


def test_a_datastore_that_is_its_own_oracle_makes_the_model_write_the_target(store):
    model = tiny_model().model
    with corrected(model, retriever_of(store, lmbda=0.99, temperature=1e-3)):
        for example in examples():
            prompt = torch.tensor([example.ids[: example.target_start]])
            room = len(example.ids) - example.target_start
            written = model.generate(prompt, max_new_tokens=room, do_sample=False)
            assert tuple(written[0].tolist()) == example.ids


def test_a_left_padded_batch_writes_its_targets_too(store):
    model, corpus = tiny_model().model, examples()
    width = max(example.target_start for example in corpus)
    prompts = [e.ids[: e.target_start] for e in corpus]
    ids = torch.tensor([[0] * (width - len(p)) + list(p) for p in prompts])
    mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts])
    with corrected(model, retriever_of(store, lmbda=0.99, temperature=1e-3)):
        written = model.generate(ids, attention_mask=mask, max_new_tokens=12, do_sample=False)
    for example, row in zip(corpus, written.tolist(), strict=True):
        target = list(example.ids[example.target_start :])
        assert row[width : width + len(target)] == target


def test_generation_asks_the_head_for_the_rows_to_be_sampled_only(store):
    traces: list[StepTrace] = []
    model = tiny_model().model
    with corrected(model, retriever_of(store), traces.append):
        model.generate(IDS, max_new_tokens=5, min_new_tokens=5, do_sample=False)
    assert [len(trace.token) for trace in traces] == [3] * 5


def test_the_observer_sees_what_was_searched_and_changed(store):
    traces: list[StepTrace] = []
    model = tiny_model().model
    logits = logits_of(model)
    confidence = logits.softmax(-1).amax(-1).flatten()
    with corrected(model, retriever_of(store, "v3", lmbda=1.0, gate=0.5), traces.append):
        during = logits_of(model)
    (trace,) = traces
    assert torch.equal(trace.lm_token, logits.argmax(-1).flatten())
    assert torch.equal(trace.token, during.argmax(-1).flatten())
    assert torch.equal(trace.searched, 1 - confidence >= 0.5)
    assert 0 < trace.searched.sum() < len(trace.searched)
    assert torch.equal((trace.neighbours.ids >= 0).all(1), trace.searched)
    unsearched = ~trace.searched.view(3, 4)
    assert torch.equal(during[unsearched], logits[unsearched])


def test_an_empty_datastore_changes_nothing():
    model = tiny_model().model
    before = logits_of(model)
    with corrected(model, retriever_of(store_of(np.empty((0, 32))))):
        assert torch.equal(logits_of(model), before)


def test_k_larger_than_the_datastore_uses_all_of_it(store):
    traces: list[StepTrace] = []
    model = tiny_model().model
    with corrected(model, retriever_of(store, k=1000), traces.append):
        logits_of(model)
    assert ((traces[0].neighbours.ids >= 0).sum(1) == len(store)).all()


def test_an_architecture_with_another_layout_works_too():
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=VOCAB, n_embd=32, n_layer=1, n_head=2, n_positions=16)
    model = GPT2LMHeadModel(config).eval()
    before = logits_of(model)
    retriever = retriever_of(store_of(np.zeros((1, 32)), [17]), lmbda=1.0)
    with corrected(model, retriever):
        assert (logits_of(model).argmax(-1) == 17).all()
    assert torch.equal(logits_of(model), before)


def test_a_datastore_of_another_width_is_refused(model):
    with (
        pytest.raises(UserError, match="24 dimensions, the model's hidden states 32"),
        corrected(model, retriever_of(store_of(np.zeros((3, 24))))),
    ):
        pass


def test_a_model_without_a_head_is_refused(store):
    trunk = tiny_model().model.get_decoder()
    with pytest.raises(UserError, match="no output head"), corrected(trunk, retriever_of(store)):
        pass


KEY_KINDS = ["last-layer", "last-mlp-input", "layer-1", "final-norm+layer-1", "layer-1+last-layer"]


@pytest.fixture(scope="module", params=KEY_KINDS)
def keyed(request, tmp_path_factory):
    """The same examples by another kind of key."""
    options = MiningOptions(batch_tokens=40, key_kind=request.param)
    return mine_tiny(tmp_path_factory.mktemp("keyed"), options)


@pytest.mark.parametrize("name", ["v1", "v3"])
def test_weight_zero_is_bit_identical_by_any_key(model, keyed, name):
    settings = {"max_new_tokens": 12, "do_sample": False}
    logits, written = logits_of(model), model.generate(IDS, **settings)
    with corrected(model, retriever_of(keyed, name, lmbda=0.0)):
        assert torch.equal(logits_of(model), logits)
        assert torch.equal(model.generate(IDS, **settings), written)


def test_by_any_key_the_model_writes_what_was_mined_and_is_then_as_before(keyed):
    model = tiny_model().model
    before = logits_of(model)
    with corrected(model, retriever_of(keyed, lmbda=0.99, temperature=1e-3)):
        for example in examples():
            prompt = torch.tensor([example.ids[: example.target_start]])
            room = len(example.ids) - example.target_start
            written = model.generate(prompt, max_new_tokens=room, do_sample=False)
            assert tuple(written[0].tolist()) == example.ids
    assert torch.equal(logits_of(model), before)
    assert not any(module._forward_hooks for module in model.modules())
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_states_stay_with_their_rows_whichever_rows_the_head_is_asked_for(keyed):
    model = tiny_model().model
    retriever = retriever_of(keyed, lmbda=0.9, temperature=1.0)
    asked = torch.tensor([3, 0, 2])
    with corrected(model, retriever), torch.no_grad():
        everything = model(IDS).logits
        some = model(IDS, logits_to_keep=asked).logits
    torch.testing.assert_close(some, everything[:, asked])


def test_a_layer_that_the_model_has_not_got_is_refused(store):
    odd = replace(store, manifest=replace(store.manifest, key_kind="layer-7"))
    with (
        pytest.raises(UserError, match="layer-7.*has 2 layers"),
        corrected(tiny_model().model, retriever_of(odd)),
    ):
        pass


LOOKS_BACK = replace(resolve_preset("dense", temperature=20.0), check_copies=True)


def test_presets_that_look_back_follow_what_generate_writes(model, own_store):
    """Each row for itself, from its prompt on; `generate` anew begins anew."""
    retriever, tokenizer = Retriever(own_store, LOOKS_BACK), tiny_model().tokenizer
    settings = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": -1}
    with corrected(model, retriever, tokenizer=tokenizer):
        together = model.generate(IDS, **settings)
        alone = [model.generate(row[None], **settings)[0] for row in IDS]
    for row, ids in enumerate(together):
        context = retriever.new_context(1, "cpu")
        assert context is not None
        retriever.begin(context, [0], [IDS[row].tolist()])
        assert torch.equal(alone[row], ids)
        for place in range(IDS.shape[1], len(ids)):
            with torch.no_grad():
                hidden = model.get_decoder()(ids[None, :place]).last_hidden_state[:, -1]
                lm = LMOutput.read(model.get_output_embeddings()(hidden))
            correction = retriever.correct(hidden, lm, context)
            assert int(correction.token) == int(ids[place])
            retriever.advance(context, correction, correction.token)
    blind = Retriever(own_store, replace(LOOKS_BACK, check_copies=False))
    with corrected(model, blind):
        assert not torch.equal(model.generate(IDS, **settings), together)


@pytest.mark.parametrize(
    "options", [{"use_cache": False}, {"inputs_embeds": torch.zeros(1, 2, 32)}]
)
def test_presets_that_look_back_need_ids_and_a_cache(model, own_store, options):
    ids = {} if "inputs_embeds" in options else {"input_ids": IDS}
    with (
        pytest.raises(UserError, match=r"needs token ids and a cache.*use_cache=True"),
        corrected(model, Retriever(own_store, LOOKS_BACK), tokenizer=tiny_model().tokenizer),
    ):
        model(**ids, **options)


@pytest.mark.parametrize("changes", [{"weight_kind": "bayes"}, {"check_copies": True}])
def test_presets_that_look_back_say_nothing_of_several_positions(model, own_store, changes):
    retriever = Retriever(own_store, replace(resolve_preset("dense"), **changes))
    message = "preset dense: its corrections depend on what has been written so far, which this use"
    with (
        pytest.raises(UserError, match=message),
        corrected(model, retriever, tokenizer=tiny_model().tokenizer),
    ):
        logits_of(model)


def test_the_residual_fusion_corrects_a_model_too(model, own_store):
    before = logits_of(model)
    with corrected(model, retriever_of(own_store, "ft2ra")):
        during = logits_of(model)
    assert not torch.equal(during, before)
    assert torch.equal(logits_of(model), before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("kind", SCALING)
def test_models_that_scale_or_cap_their_logits_keep_them_at_weight_zero(kind, dtype, tmp_path):
    loaded = scaling_model(kind, dtype)
    model, settings = loaded.model, {"max_new_tokens": 12, "do_sample": False}
    own = mine_tiny(tmp_path, loaded=loaded)
    logits, written = logits_of(model), model.generate(IDS, **settings)
    for name in ("v1", "v3", "ft2ra"):
        with corrected(model, retriever_of(own, name, lmbda=0.0)):
            assert torch.equal(logits_of(model), logits)
            assert torch.equal(model.generate(IDS, **settings), written)


@pytest.mark.parametrize("kind", SCALING)
def test_the_mixture_is_with_the_distribution_that_the_model_gives(kind, tmp_path):
    """Behind the head's scale or cap: there the sum of both is what was asked for."""
    loaded = scaling_model(kind)
    own = mine_tiny(tmp_path, loaded=loaded)
    lm = logits_of(loaded.model).softmax(-1)
    traces: list[StepTrace] = []
    retriever = retriever_of(own, lmbda=0.6, temperature=5.0)
    with corrected(loaded.model, retriever, traces.append):
        during = logits_of(loaded.model).softmax(-1).flatten(0, 1)
    (trace,) = traces
    shares = (-trace.neighbours.distances / 5.0).softmax(-1).float()
    votes = torch.zeros_like(during).scatter_add(1, trace.neighbours.values, shares)
    torch.testing.assert_close(during, 0.4 * lm.flatten(0, 1) + 0.6 * votes, atol=1e-5, rtol=0)
    assert torch.equal(trace.lm_token, lm.argmax(-1).flatten())


def test_a_loss_that_would_not_be_of_the_corrected_logits_is_not_given(model, own_store):
    with (
        pytest.raises(UserError, match="leave the labels out"),
        corrected(model, retriever_of(own_store)),
    ):
        model(IDS, labels=IDS)


def test_logits_in_a_tuple_are_corrected_too(model, own_store):
    with corrected(model, retriever_of(own_store)), torch.no_grad():
        assert torch.equal(model(IDS, return_dict=False)[0], model(IDS).logits)


@pytest.mark.parametrize("changes", [{"check_copies": True}, {"token_types": ("keyword",)}])
def test_a_preset_that_reads_text_asks_for_the_tokenizer(model, own_store, changes):
    preset = replace(resolve_preset("dense"), **changes)
    with (
        pytest.raises(UserError, match=r"preset dense: .*tokenizer=tokenizer"),
        corrected(model, Retriever(own_store, preset)),
    ):
        pass


def test_the_default_preset_asks_for_the_tokenizer_too(model, own_store):
    retriever = Retriever(own_store, resolve_preset(DEFAULT_PRESET))
    with (
        pytest.raises(UserError, match=rf"preset {DEFAULT_PRESET}: .*tokenizer=tokenizer"),
        corrected(model, retriever),
    ):
        pass
