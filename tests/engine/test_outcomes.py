"""Datastores of trials, in both engines and in a corrected model."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from knm.datastore.manifest import PromptDomain, PromptFrame
from knm.records import GREEDY
from knm.retrieval import Retriever, corrected, resolve_preset, vary_preset
from tests.engine.random_models import DEVICES, HIDDEN, VOCABULARY, number_requests, random_model
from tests.engine.test_guarded import complete
from tests.engine.test_slots import SAMPLED, TOKENS, by_id
from tests.retrieval.stores import POLICY, trials_of

OUTCOME = vary_preset(
    resolve_preset("outcome"),
    {"temperature": 50.0, "weight_options": {"prior": 1.0, "least_probability": 0.001}},
    "eager",
)


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    name: str = request.param
    return name


def retriever_on(device: str, *, policy: Any = POLICY, domain: Any = None, **changes) -> Retriever:
    """Over trials of every pair of tokens: those that end in an even token gained, others lost."""
    draw = np.random.default_rng(0)
    predicted, values = np.divmod(np.arange(VOCABULARY**2), VOCABULARY)
    keys = draw.standard_normal((VOCABULARY**2, HIDDEN))
    store = trials_of(keys, predicted, values, np.where(values % 2, -1, 1), policy=policy)
    store = replace(store, manifest=replace(store.manifest, domain=domain))
    return Retriever(store, replace(OUTCOME, **changes), device=device)


@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_completion_depends_on_its_request_alone(sampled, dtype, device):
    loaded, retriever = random_model(device=device, dtype=dtype), retriever_on(device)
    asked = number_requests(9, sampling=SAMPLED if sampled else GREEDY)
    without = by_id(complete("slots", loaded, None, asked))
    done = by_id(complete("slots", loaded, retriever, asked))
    assert sum(done[name][0] != without[name][0] for name in done) > 4
    assert by_id(complete("slots", loaded, retriever, asked[::-1])) == done
    few = by_id(complete("slots", loaded, retriever, asked[3:5]))
    assert few == {name: done[name] for name in few}


def test_every_change_writes_an_exchange_that_gained(device):
    loaded, retriever = random_model(device=device), retriever_on(device)
    changes = 0
    for done in complete("slots", loaded, retriever, number_requests(6)):
        assert done.interventions is not None
        assert done.interventions.argmax_changes == len(done.interventions.changes)
        for change in done.interventions.changes:
            changes += 1
            assert int(change.token) % 2 == 0
            assert change.weight == 1
            assert [use.token for use in change.neighbours] == [change.token]
            assert [use.lm_token for use in change.neighbours] == [change.lm_token]
            assert [(use.outcome, use.crash) for use in change.neighbours] == [(1, 0)]
    assert changes > 6


@pytest.mark.parametrize("sampled", [False, True])
def test_plain_engine_and_slots_agree(sampled):
    loaded, retriever = random_model(), retriever_on("cpu")
    asked = number_requests(4, sampling=SAMPLED if sampled else GREEDY)
    slots, plain = (complete(kind, loaded, retriever, asked) for kind in ("slots", "plain"))
    assert [by_id([done])[done.id][:3] for done in plain] == [
        by_id([done])[done.id][:3] for done in slots
    ]
    for one, other in zip(plain, slots, strict=True):
        assert one.interventions is not None
        assert other.interventions is not None
        assert [(each.position, each.token) for each in one.interventions.changes] == [
            (each.position, each.token) for each in other.interventions.changes
        ]
    assert any(done.interventions and done.interventions.argmax_changes for done in plain)


@pytest.mark.parametrize("engine", ["slots", "plain"])
@pytest.mark.parametrize("settings", [{"lmbda": 0.0}, {"policy": None, "weight_options": {}}])
def test_left_alone_it_is_the_lm(engine, settings, device):
    loaded, asked = random_model(device=device, dtype=torch.bfloat16), number_requests(4)
    without = by_id(complete(engine, loaded, None, asked))
    found = complete(engine, loaded, retriever_on(device, **settings), asked)
    assert {name: text[:3] for name, text in by_id(found).items()} == {
        name: text[:3] for name, text in without.items()
    }
    assert all(done.interventions and not done.interventions.argmax_changes for done in found)


@pytest.mark.parametrize("engine", ["slots", "plain"])
def test_prompts_of_another_kind_are_left_to_the_lm(engine, device):
    domain = PromptDomain((), {"a": 1.0}, 0.01, -1.0, PromptFrame(("7", "8"), ("9",), ()))
    loaded, retriever = random_model(device=device), retriever_on(device, domain=domain)
    asked = [
        replace(request, prompt=f"7 8 {request.prompt} 9") if place % 2 else request
        for place, request in enumerate(number_requests(6))
    ]
    without = by_id(complete(engine, loaded, None, asked))
    done = by_id(complete(engine, loaded, retriever, asked))
    foreign = [request.id for request in asked[::2]]
    assert all(done[name][0] == without[name][0] for name in foreign)
    assert any(done[request.id][0] != without[request.id][0] for request in asked[1::2])


def test_a_corrected_model_writes_what_the_engine_does(device):
    loaded, retriever = random_model(device=device), retriever_on(device)
    (request,) = number_requests(1)
    ids = torch.tensor([loaded.tokenizer(request.prompt)["input_ids"]], device=device)
    options = {"max_new_tokens": TOKENS, "do_sample": False, "pad_token_id": 0}
    with corrected(loaded.model, retriever, tokenizer=loaded.tokenizer):
        output = loaded.model.generate(ids, attention_mask=torch.ones_like(ids), **options)
    (done,) = complete("plain", loaded, retriever, [request])
    assert done.text == loaded.tokenizer.decode(
        [token for token in output[0, ids.shape[1] :].tolist() if token != 1]
    )


@pytest.mark.parametrize("engine", ["slots", "plain"])
def test_all_trials_behind_a_change_are_traced(engine):
    loaded = random_model()
    (request,) = number_requests(1)
    first = retriever_on("cpu")
    (done,) = complete(engine, loaded, first, [request])
    assert done.interventions is not None
    change = done.interventions.changes[0]
    pair = int(change.lm_token), int(change.token)
    draw = np.random.default_rng(0)
    store = trials_of(draw.standard_normal((40, HIDDEN)), [pair[0]] * 40, [pair[1]] * 40, 1, -1)
    (again,) = complete(engine, loaded, Retriever(store, OUTCOME), [request])
    assert again.interventions is not None
    uses = again.interventions.changes[0].neighbours
    assert [(use.outcome, use.crash) for use in uses] == [(1, -1)] * OUTCOME.k
