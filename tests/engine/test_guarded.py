"""Prompts that are not the datastore's to answer, among others that are, in both engines."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from knm.datastore.manifest import PromptDomain, PromptFrame, Reliability
from knm.engine import GenerationOptions, PlainEngine
from knm.models import LoadedModel
from knm.records import Completion, Request
from knm.retrieval import Preset, Retriever, corrected, resolve_preset
from tests.engine.random_models import DEVICES, HIDDEN, VOCABULARY, number_requests, random_model
from tests.engine.test_slots import SAMPLED, TOKENS, by_id, engine_of
from tests.retrieval.stores import store_of

OPENING, CLOSING = ("7", "8"), ("9", "10", "11")
BOUNDED = Preset("bounded", 0.9, "calibrated", temperature=50.0, weight_options={"reach": 1.0})
PRESETS = {
    "mixture": BOUNDED,
    "contextual": replace(BOUNDED, check_copies=True, support=0.05),
    "residual": replace(BOUNDED, fusion="residual"),
}


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    name: str = request.param
    return name


def retriever_on(device: str, preset: Preset) -> Retriever:
    """Over a datastore whose prompts begin with 7 8 and end with 9 10 11."""
    draw = np.random.default_rng(0)
    keys = draw.standard_normal((400, HIDDEN)) * 2
    store = store_of(keys, draw.integers(2, VOCABULARY, 400))
    calibration = store.manifest.calibration
    assert calibration is not None
    trusted = replace(calibration, reliability=Reliability(0.9, 1e6, 0.5, 0.0, 0.5, 400))
    domain = PromptDomain((), {"a": 1.0}, 0.01, -1.0, PromptFrame(OPENING, CLOSING, ()))
    manifest = replace(store.manifest, calibration=trusted, domain=domain)
    return Retriever(replace(store, manifest=manifest), preset, device=device)


def mixed_requests(**settings: Any) -> tuple[list[Request], set[str]]:
    """Nine requests, and the ids of those that are put as the datastore's prompts are."""
    asked = number_requests(9, longest=30, **settings)
    own = {request.id for request in asked[::2]}
    framed = [
        replace(request, prompt=" ".join((*OPENING, request.prompt, *CLOSING)))
        if request.id in own
        else request
        for request in asked
    ]
    return framed, own


def complete(
    kind: str, loaded: LoadedModel, retriever: Retriever | None, asked: list[Request]
) -> list[Completion]:
    if kind == "slots":
        return engine_of(loaded, retriever=retriever).complete(asked)
    if retriever is not None:
        retriever.attach(loaded.model, loaded.tokenizer)
    return PlainEngine(loaded, GenerationOptions(TOKENS), retriever).complete(asked)


@pytest.mark.parametrize(
    ("engine", "sampled", "name"),
    [
        *(("slots", sampled, name) for sampled in (False, True) for name in PRESETS),
        ("plain", True, "mixture"),
        ("plain", False, "contextual"),
    ],
)
def test_each_prompt_is_decoded_as_if_it_were_alone(engine, sampled, name, device):
    loaded, retriever = random_model(device=device), retriever_on(device, PRESETS[name])
    asked, own = mixed_requests(**({"sampling": SAMPLED} if sampled else {}))
    without = by_id(complete(engine, loaded, None, asked))
    found = complete(engine, loaded, retriever, asked)
    changed = 0
    for done in found:
        noted = done.interventions
        assert noted is not None
        if done.id in own:
            changed += done.text != without[done.id][0]
            assert noted.withheld is None
            assert noted.searched > 0
        else:
            assert (done.text, done.finish_reason, done.completion_tokens) == without[done.id][:3]
            assert noted.withheld is not None
            assert "another form" in noted.withheld
            assert (noted.searched, noted.argmax_changes, sum(noted.weights)) == (0, 0, 0)
            assert noted.steps == done.completion_tokens
    assert changed
    for few in (asked[2:5], asked[::-1])[: 1 + (engine == "slots")]:
        again = by_id(complete(engine, loaded, retriever, few))
        assert again == {done.id: by_id([done])[done.id] for done in found if done.id in again}


@pytest.mark.parametrize("engine", ["slots", "plain"])
def test_what_a_request_withholds_is_not_used_whatever_the_preset(engine, device):
    loaded, asked = random_model(device=device), number_requests(5)
    retriever = retriever_on(device, resolve_preset("dense", temperature=50.0))
    without = by_id(complete(engine, loaded, None, asked))
    withheld = [
        replace(each, withheld="another set") if n % 2 else each for n, each in enumerate(asked)
    ]
    for number, done in enumerate(complete(engine, loaded, retriever, withheld)):
        assert done.interventions is not None
        assert done.interventions.withheld == ("another set" if number % 2 else None)
        assert (done.text == without[done.id][0]) == (number % 2 == 1)


def test_a_corrected_model_leaves_foreign_prompts_of_a_batch_to_itself(device):
    loaded, retriever = random_model(device=device), retriever_on(device, BOUNDED)
    rows = [[7, 8, 50, 51, 9, 10, 11], [7, 8, 50, 51, 52, 53, 54]]
    ids = torch.tensor(rows, device=device)

    def generate(batch: torch.Tensor) -> list[list[int]]:
        mask = torch.ones_like(batch)
        output = loaded.model.generate(
            batch, attention_mask=mask, max_new_tokens=12, do_sample=False, pad_token_id=0
        )
        written: list[list[int]] = output[:, batch.shape[1] :].tolist()
        return written

    plain = generate(ids)
    with corrected(loaded.model, retriever, tokenizer=loaded.tokenizer):
        mixed = generate(ids)
    assert mixed[0] != plain[0]
    assert mixed[1] == plain[1]
