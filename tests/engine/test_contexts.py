"""Presets that depend on the text so far, in the engines."""

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from knm.datastore.arrays import LIKELY, LIKELY_DTYPE
from knm.engine import GenerationOptions, PlainEngine, open_engine
from knm.errors import UserError
from knm.models import LoadedModel
from knm.problems import load_template
from knm.records import Request
from knm.retrieval import FUSIONS, WEIGHTS, LMOutput, Preset, Retriever, resolve_preset
from tests.engine.random_models import DEVICES, HIDDEN, VOCABULARY, number_requests, random_model
from tests.engine.test_slots import SAMPLED, TOKENS, by_id, engine_of
from tests.retrieval.stores import store_of

BAYES = Preset("bayes", 1.0, "bayes", weight_options={"window": 6, "prior": 0.75}, temperature=50.0)
COPIES = Preset("copies", 0.6, temperature=50.0, check_copies=True, support=0.05)


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    name: str = request.param
    return name


def drawn_likely(draw: np.random.Generator, count: int) -> np.ndarray:
    """What a LM might have held likeliest at so many entries."""
    likely = np.zeros(count, LIKELY_DTYPE)
    likely["tokens"] = draw.permuted(np.tile(np.arange(VOCABULARY), (count, 1)), axis=1)[:, :LIKELY]
    likely["probabilities"] = -np.sort(-draw.dirichlet(np.full(LIKELY, 0.3), count), axis=1)
    return likely


def retriever_on(device: str, preset: Preset = BAYES, *, likely: bool = False) -> Retriever:
    draw = np.random.default_rng(0)
    store = store_of(
        draw.standard_normal((400, HIDDEN)) * 2,
        draw.integers(2, VOCABULARY, 400),
        copied=draw.random(400) < 0.7,
        likely=drawn_likely(draw, 400) if likely else None,
    )
    return Retriever(store, preset, device=device)


@torch.inference_mode()
def written_alone(loaded: LoadedModel, prompt: str, retriever: Retriever, tokens: int) -> list[int]:
    """Greedy decoding of one prompt, with a context of one row that is told of every token."""
    model: Any = loaded.model
    ids: list[int] = loaded.tokenizer(prompt)["input_ids"]
    start = len(ids)
    retriever.attach(model, loaded.tokenizer)
    context = retriever.new_context(1, "cpu")
    assert context is not None
    retriever.begin(context, [0], [ids])
    for _ in range(tokens):
        hidden = model.get_decoder()(torch.tensor([ids])).last_hidden_state[:, -1]
        lm = LMOutput.read(model.get_output_embeddings()(hidden))
        correction = retriever.correct(hidden, lm, context)
        retriever.advance(context, correction, correction.token)
        ids = [*ids, int(correction.token)]
    return ids[start:]


@pytest.mark.parametrize("preset", [BAYES, COPIES], ids=lambda each: each.name)
@pytest.mark.parametrize("engine", ["slots", "plain"])
def test_an_engine_tells_a_context_what_it_wrote(engine, preset):
    loaded, asked = random_model(), number_requests(4)
    retriever = retriever_on("cpu", preset)
    if engine == "slots":
        done = engine_of(loaded, 2, retriever=retriever).complete(asked)
    else:
        retriever.attach(loaded.model, loaded.tokenizer)
        done = PlainEngine(loaded, GenerationOptions(TOKENS), retriever).complete(asked)
    changed, bins = 0, set[int]()
    for request, completion in zip(asked, done, strict=True):
        written = written_alone(loaded, request.prompt, retriever, completion.completion_tokens)
        text = loaded.tokenizer.decode([token for token in written if token != 1])
        assert completion.text == text
        assert completion.interventions is not None
        changed += completion.interventions.argmax_changes
        bins |= {place for place, count in enumerate(completion.interventions.weights) if count}
    assert changed
    assert len(bins) > 1  # the weight moved with what had been written


@pytest.mark.parametrize("preset", [BAYES, COPIES], ids=lambda each: each.name)
@pytest.mark.parametrize("sampled", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_completion_depends_on_its_request_alone(device, dtype, sampled, preset):
    loaded, asked = random_model(device=device, dtype=dtype), number_requests(8)
    if sampled:
        asked = [replace(request, sampling=SAMPLED) for request in asked]
    retriever = retriever_on(device, preset)
    everything = by_id(engine_of(loaded, retriever=retriever).complete(asked))
    assert len({text for text, *_ in everything.values()}) > len(asked) // 2
    engine = engine_of(loaded, retriever=retriever)
    assert by_id(engine.complete(random.Random(1).sample(asked, len(asked)))) == everything
    # a subset, in slots that others have used
    few = by_id(engine.complete(asked[3:5]))
    assert few == {name: everything[name] for name in few}
    tickets = [engine.submit(request) for request in asked]
    events = engine.step()
    for ticket in tickets[:4]:
        engine.cancel(ticket)
    while engine.busy:
        events += engine.step()
    finished = by_id([event.completion for event in events if event.completion is not None])
    rest = {request.id: everything[request.id] for request in asked[4:]}
    assert {name: finished[name] for name in rest} == rest


@pytest.mark.parametrize("fusion", sorted(FUSIONS.keys() - {"exchange"}))
@pytest.mark.parametrize("kind", sorted(WEIGHTS.keys() - {"outcome"}))
def test_weight_0_is_the_baseline(device, kind, fusion):
    loaded, asked = random_model(device=device), number_requests(3)
    plain = engine_of(loaded).complete(asked)
    quiet = Preset("quiet", 0.0, kind, fusion=fusion, temperature=50.0)
    zero = engine_of(loaded, retriever=retriever_on(device, quiet)).complete(asked)
    assert [done.text for done in zero] == [done.text for done in plain]


@pytest.mark.parametrize(
    ("preset", "likely"),
    [("nest", False), ("ft2ra", False), ("residual", False), ("residual", True)],
)
def test_other_weights_and_fusions_depend_on_the_request_alone_too(device, preset, likely):
    loaded, asked = random_model(device=device), number_requests(7)
    settings = resolve_preset(preset, temperature=50.0)
    if preset == "nest":  # in few dimensions random keys are about equally far
        settings = replace(settings, weight_options={"alpha": 1.0})
    retriever = retriever_on(device, settings, likely=likely)
    everything = by_id(engine_of(loaded, retriever=retriever).complete(asked))
    baseline = by_id(engine_of(loaded).complete(asked))
    assert any(everything[name][0] != baseline[name][0] for name in everything)
    shuffled = random.Random(2).sample(asked, len(asked))
    assert by_id(engine_of(loaded, 3, retriever=retriever).complete(shuffled)) == everything


def test_a_tokenizer_that_is_not_of_bytes_is_refused_with_token_types():
    typed = retriever_on("cpu", replace(BAYES, token_types=("literal",)))
    with pytest.raises(UserError, match="leave token_types out of the preset"):
        engine_of(random_model(), retriever=typed)


STATEMENTS = ("Print the sum of two integers.", "Read a word. Print it reversed.")
PROMPTS = [load_template("task").render(each, "lua") for each in STATEMENTS]


def typed_completions(
    embedded: LoadedModel, token: str, types: tuple[str, ...], batch_size: int = 2
) -> dict[str, Any]:
    """Completions of `PROMPTS` where all neighbours vote for `token`, if it is of those types."""
    (value,) = embedded.tokenizer(token, add_special_tokens=False)["input_ids"]
    identity = embedded.identity
    store = store_of(np.zeros((1, identity.hidden_size)), [value], model=identity)
    preset = replace(resolve_preset("v1", lmbda=0.99), token_types=types)
    engine = open_engine(
        embedded, GenerationOptions(24, batch_size), Retriever(store, preset), lambda line: None
    )
    return by_id(engine.complete([Request(prompt, prompt) for prompt in PROMPTS]))


def test_a_token_is_written_only_where_it_is_of_the_types(embedded):
    done = typed_completions(embedded, " x", ("identifier",))
    for text, _, tokens, interventions in done.values():
        fence, name, rest = text.partition(" x")
        assert fence == "```lua\n"  # prose, in which nothing is a name
        assert set((name + rest).split()) == {"x"}
        assert interventions.argmax_changes > tokens - 8
    assert typed_completions(embedded, " x", ("identifier",), batch_size=1) == done


@pytest.mark.parametrize("types", [("comment",), ()])
def test_elsewhere_the_lm_writes_what_it_would(embedded, types):
    asked = [Request(prompt, prompt) for prompt in PROMPTS]
    baseline = by_id(open_engine(embedded, GenerationOptions(24, 2)).complete(asked))
    done = typed_completions(embedded, " x", types)
    texts = {name: text for name, (text, *_) in done.items()}
    assert texts == {name: text for name, (text, *_) in baseline.items()}
