import random
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from knm.engine import GenerationOptions, SlotEngine, open_engine
from knm.engine import devices as devices_module
from knm.engine.architectures import read_decoder
from knm.engine.devices import open_program
from knm.engine.program import SlotProgram
from knm.engine.state import Admission
from knm.errors import UserError
from knm.models import LoadedModel
from knm.records import GREEDY, Completion, Request, Sampling
from knm.retrieval import Retriever, resolve_preset
from tests.engine.random_models import (
    DEVICES,
    HIDDEN,
    KINDS,
    VOCABULARY,
    number_requests,
    random_model,
)
from tests.retrieval.stores import store_of

TOKENS = 24
SLOTS = 5
SAMPLED = Sampling(temperature=1.5, top_p=0.9, seed=3)


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    name: str = request.param
    return name


def engine_of(loaded: LoadedModel, slots: int = SLOTS, **options: Any) -> SlotEngine:
    retriever = options.pop("retriever", None)
    generation = GenerationOptions(options.pop("tokens", TOKENS), slots)
    engine = open_engine(loaded, generation, retriever, notify=lambda line: None)
    assert isinstance(engine, SlotEngine)
    return engine


def generated(loaded: LoadedModel, request: Request, tokens: int) -> list[int]:
    ids = torch.tensor([loaded.tokenizer(request.prompt)["input_ids"]], device=loaded.device)
    output = loaded.model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=tokens,
        do_sample=False,
        pad_token_id=0,
    )
    written: list[int] = output[0, ids.shape[1] :].tolist()
    return written


def retriever_on(device: str, preset: str = "v1", **changes: Any) -> Retriever:
    draw = np.random.default_rng(0)
    keys = draw.standard_normal((400, HIDDEN)) * 2
    store = store_of(keys, draw.integers(2, VOCABULARY, 400))
    return Retriever(store, resolve_preset(preset, **changes), device=device)


def by_id(completions: list[Completion]) -> dict[str, tuple[Any, ...]]:
    return {
        done.id: (done.text, done.finish_reason, done.completion_tokens, done.interventions)
        for done in completions
    }


@pytest.mark.parametrize("kind", KINDS)
def test_greedy_completions_are_those_of_generate(kind, device):
    loaded = random_model(kind, device)
    requests = number_requests(7)
    expected = [generated(loaded, request, TOKENS) for request in requests]
    for done, written in zip(engine_of(loaded).complete(requests), expected, strict=True):
        ended = written[-1] == 1
        assert done.text == loaded.tokenizer.decode(written[:-1] if ended else written)
        assert done.completion_tokens == len(written)
        assert done.finish_reason == ("stop" if ended else "length")


@pytest.mark.parametrize("kind", KINDS)
def test_the_model_keeps_its_values(kind):
    loaded = random_model(kind)
    before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    engine_of(loaded).complete(number_requests(1))
    after = loaded.model.state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.fixture(params=["greedy", "sampled", "knn", "gated"])
def setting(request, device) -> tuple[list[Request], Retriever | None]:
    requests = number_requests(9)
    if request.param == "sampled":
        # every other row, so that greedy and sampled rows are neighbours
        return [
            replace(each, sampling=SAMPLED) if place % 2 else each
            for place, each in enumerate(requests)
        ], None
    if request.param == "knn":
        return requests, retriever_on(device, lmbda=0.6, temperature=50.0)
    if request.param == "gated":
        return requests, retriever_on(device, "v3", lmbda=0.9, gate=0.3)
    return requests, None


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_completion_depends_on_its_request_alone(setting, device, dtype):
    requests, retriever = setting
    loaded = random_model(device=device, dtype=dtype)
    everything = by_id(engine_of(loaded, retriever=retriever).complete(requests))
    assert len({text for text, *_ in everything.values()}) > len(requests) // 2
    shuffled = random.Random(1).sample(requests, len(requests))
    engine = engine_of(loaded, retriever=retriever)
    assert by_id(engine.complete(shuffled)) == everything
    # a subset, in an engine that others have used
    few = by_id(engine.complete(requests[3:5]))
    assert few == {name: everything[name] for name in few}
    alone = by_id(engine_of(loaded, retriever=retriever).complete(requests[7:8]))
    assert alone == {name: everything[name] for name in alone}


def test_requests_that_come_and_go_meanwhile_change_nothing(device):
    loaded = random_model(device=device)
    requests = number_requests(9)
    everything = by_id(engine_of(loaded).complete(requests))
    engine = engine_of(loaded)
    tickets = [engine.submit(request) for request in requests[:6]]
    done = [event for _ in range(2) for event in engine.step()]
    engine.cancel(tickets[1])
    engine.cancel(tickets[5])
    engine.cancel(999)
    for request in requests[6:]:
        engine.submit(replace(request, max_new_tokens=200))  # the cache must grow
    while engine.busy:
        done += engine.step()
    finished = [event.completion for event in done if event.completion is not None]
    assert {each.id for each in finished} == {
        request.id for place, request in enumerate(requests) if place not in (1, 5)
    }
    assert all(everything[name] == each for name, each in by_id(finished).items())


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_threads_divide_no_row(threads):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        loaded = random_model()
        requests = number_requests(6)
        everything = by_id(engine_of(loaded, 6, tokens=8).complete(requests))
        assert by_id(engine_of(loaded, 6, tokens=8).complete(requests[::-1])) == everything
    finally:
        torch.set_num_threads(before)


def test_samples_differ_by_index_and_seed_and_repeat(device):
    loaded = random_model(device=device)
    (request,) = number_requests(1, sampling=SAMPLED)
    variants = [
        request,
        replace(request, sample=1),
        replace(request, sampling=replace(SAMPLED, seed=4)),
        replace(request, id="other"),
    ]
    texts = [done.text for done in engine_of(loaded).complete(variants)]
    assert len(set(texts)) == 4
    assert engine_of(loaded, 2).complete(variants)[0].text == texts[0]


def test_a_nucleus_of_one_token_is_greedy(device):
    loaded = random_model(device=device)
    requests = number_requests(4)
    greedy = by_id(engine_of(loaded).complete(requests))
    narrow = Sampling(temperature=1.0, top_p=1e-9)
    narrowed = [replace(request, sampling=narrow) for request in requests]
    assert by_id(engine_of(loaded).complete(narrowed)) == greedy


def test_weight_0_is_the_baseline(device):
    loaded = random_model(device=device)
    requests = number_requests(4)
    plain = engine_of(loaded).complete(requests)
    zero = engine_of(loaded, retriever=retriever_on(device, lmbda=0.0)).complete(requests)
    assert [done.text for done in zero] == [done.text for done in plain]
    assert all(done.interventions and not done.interventions.searched for done in zero)


def test_full_weight_writes_what_the_store_says(device):
    loaded = random_model(device=device)
    store = store_of(np.zeros((1, HIDDEN)), [17])
    retriever = Retriever(store, resolve_preset("v1", lmbda=1.0), device=device)
    (done,) = engine_of(loaded, retriever=retriever).complete(number_requests(1))
    assert done.text == " 17" * TOKENS
    assert done.interventions is not None
    first = done.interventions.changes[0]
    assert (first.token, first.neighbours[0].record) == (" 17", "record")
    assert done.interventions.searched == done.interventions.steps == TOKENS


def test_a_stop_string_ends_a_completion_before_it(device):
    loaded = random_model(device=device)
    (request,) = number_requests(1)
    (full,) = engine_of(loaded).complete([request])
    words = full.text.split()
    stop = f" {words[9]} {words[10]}"
    (cut,) = engine_of(loaded).complete([replace(request, stop=("never", stop))])
    assert cut.text == full.text[: full.text.index(stop)]
    assert cut.finish_reason == "stop"
    assert cut.completion_tokens <= 11


def test_the_texts_of_a_stream_add_up(device):
    loaded = random_model(device=device)
    requests = number_requests(8, stop=("9 4", " 5 "))
    engine = engine_of(loaded)
    texts = {engine.submit(request, streamed=True): "" for request in requests}
    completions = {}
    while engine.busy:
        for event in engine.step():
            assert event.ticket not in completions
            texts[event.ticket] += event.text
            if event.completion is not None:
                completions[event.ticket] = event.completion
    assert {ticket: done.text for ticket, done in completions.items()} == texts


def test_a_request_may_ask_for_fewer_tokens_but_not_for_more():
    loaded = random_model()
    few, many = number_requests(2)
    engine = engine_of(loaded)
    done = engine.complete([replace(few, max_new_tokens=3), replace(many, max_new_tokens=9999)])
    assert [each.completion_tokens for each in done] == [3, TOKENS]


def test_the_context_bounds_a_completion():
    loaded = random_model()
    prompt = " ".join(["7"] * 505)
    done = engine_of(loaded).complete([Request("long", prompt, chat=False)])
    assert done[0].completion_tokens == 7
    with pytest.raises(UserError, match="its prompt has 512 tokens, the model's context 512"):
        engine_of(loaded).submit(Request("full", prompt + " 7" * 7, chat=False))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt": ""}, "the prompt is empty"),
        ({"max_new_tokens": 0}, "must be at least 1"),
        ({"sampling": Sampling(temperature=-1)}, "temperature -1"),
        ({"sampling": Sampling(top_p=0)}, "top_p 0"),
        ({"chat": True}, "no chat template"),
    ],
)
def test_requests_that_cannot_be_served_are_refused(changes, message):
    (request,) = number_requests(1)
    with pytest.raises(UserError, match=message):
        engine_of(random_model()).submit(replace(request, **changes))


def test_out_of_memory_halves_the_slots_and_goes_on(monkeypatch):
    opened = devices_module.open_program

    def scarce(decoder, retriever, slots, *others):
        if slots > 2:
            raise torch.OutOfMemoryError("no more")
        return opened(decoder, retriever, slots, *others)

    monkeypatch.setattr("knm.engine.slots.open_program", scarce)
    loaded, requests, said = random_model(), number_requests(6), list[str]()
    engine = open_engine(loaded, GenerationOptions(TOKENS, 8), notify=said.append)
    found = by_id(list(engine.complete(requests)))
    assert [line[:40] for line in said] == [
        "out of memory with 8 prompts at a time: ",
        "out of memory with 4 prompts at a time: ",
    ]
    monkeypatch.undo()
    assert found == by_id(engine_of(loaded, 2).complete(requests))


def test_a_last_sequence_is_looked_at_after_each_step(monkeypatch):
    """No step is taken behind its end; with others it may go on until it is looked at."""
    steps = Counter[int]()
    run = SlotProgram.run

    def counted(program, mode):
        snapshot = run(program, mode)
        steps[len(snapshot.history)] += 1
        return snapshot

    monkeypatch.setattr(SlotProgram, "run", counted)
    loaded, (request, *others) = random_model(), number_requests(3, max_new_tokens=5)
    engine = engine_of(loaded, 32)
    alone = engine.complete([request])
    assert steps == {1: 5}
    steps.clear()
    assert by_id(engine.complete([request, *others])).items() >= by_id(alone).items()
    assert steps == {4: 2}


def test_a_failure_ends_every_request_with_an_error(monkeypatch):
    engine = engine_of(random_model())
    tickets = [engine.submit(request) for request in number_requests(7)]
    engine.step()
    monkeypatch.setattr(
        "knm.engine.program.SlotProgram.run", lambda *_: (_ for _ in ()).throw(ValueError("dead"))
    )
    events = engine.step()
    assert sorted(event.ticket for event in events) == tickets
    assert all(str(event.error) == "dead" for event in events)
    assert not engine.busy


def test_keys_of_another_width_are_refused():
    retriever = Retriever(store_of(np.zeros((1, HIDDEN + 8))), resolve_preset("v1"))
    with pytest.raises(UserError, match="72 dimensions"):
        engine_of(random_model(), retriever=retriever)


def test_samples_and_continuations_share_what_was_computed_of_their_prompts(device):
    """The completions are those that each request gets by itself; on a GPU in fewer prefills."""
    loaded = random_model(device=device)
    plain = number_requests(3)
    asked = [
        replace(each, sample=sample, sampling=replace(SAMPLED, top_p=1.0 - 0.2 * (sample % 2)))
        for each in plain
        for sample in range(4)
    ]
    asked += [replace(plain[0], prefix=tuple(range(2, 2 + count))) for count in (1, 3, 40, 41, 70)]
    engine = engine_of(loaded)
    together = by_text(engine.complete(asked))
    assert by_text(engine.complete(asked[::-1]))[::-1] == together
    alone = [by_text(engine_of(loaded).complete([request]))[0] for request in asked]
    assert alone == together


def by_text(completions: list[Completion]) -> list[tuple[str, int]]:
    return [(done.text, done.prompt_tokens) for done in completions]


def test_a_prompt_that_a_slot_holds_is_not_computed_again(device, monkeypatch):
    loaded, (request, other) = random_model(device=device), number_requests(2)
    engine = engine_of(loaded)
    engine.complete([request, other])
    program = engine._program
    assert program is not None
    computed: list[int] = []
    monkeypatch.setattr(
        program, "_prefill", lambda parts: computed.extend(len(part.tokens) for part in parts)
    )
    engine.complete([request, replace(other, sampling=SAMPLED)])
    assert computed == []


def test_a_prompt_takes_the_free_slot_that_holds_its_beginning(device):
    program = open_program(read_decoder(random_model(device=device).model), None, 16, 256)
    one, other = (Admission(prompt, 0, GREEDY, corrected=True) for prompt in ([5, 6, 7], [7, 6, 5]))
    assert program.admit([one, other, one], [3, 4, 5]) == [3, 4, 5]
    for slot in (3, 4, 5):
        program.free(slot)
    assert program.admit([other], [5, 4, 3]) == [4]
    assert program.admit([one, other], [5, 3, 9]) == [3, 5]


def test_memory_that_lacks_when_prompts_are_admitted_loses_none_of_them(monkeypatch):
    admit = SlotProgram.admit

    def scarce(program, admissions, free):
        if len(free) > 2:
            raise torch.OutOfMemoryError("no more")
        return admit(program, admissions, free)

    monkeypatch.setattr(SlotProgram, "admit", scarce)
    loaded, requests, said = random_model(), number_requests(6), list[str]()
    engine = open_engine(loaded, GenerationOptions(TOKENS, 8), notify=said.append)
    found = by_id(list(engine.complete(requests)))
    assert len(said) == 2
    monkeypatch.undo()
    assert found == by_id(engine_of(loaded, 2).complete(requests))
