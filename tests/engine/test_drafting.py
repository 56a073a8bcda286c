from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.engine import GenerationOptions, SlotEngine, open_engine
from knm.engine.drafting import Drafting
from knm.engine.phases import recorded
from knm.engine.state import Admission, SlotState
from knm.models import LoadedModel
from knm.records import GREEDY, Completion, Request, Sampling
from knm.retrieval import Retriever, resolve_preset
from tests.engine.random_models import DEVICES, HIDDEN, VOCABULARY, number_requests, random_model
from tests.engine.test_contexts import BAYES, COPIES, retriever_on
from tests.engine.test_phases import Notes
from tests.retrieval.stores import store_of

TOKENS = 40
MOST = 15


@pytest.fixture(params=DEVICES)
def device(request) -> str:
    name: str = request.param
    return name


def repeated(count: int, **settings: Any) -> list[Request]:
    """Prompts that say everything three times, as a random model then goes on to."""
    return [
        replace(each, prompt=" ".join([each.prompt] * 3))
        for each in number_requests(count, longest=20, **settings)
    ]


def decoded(
    loaded: LoadedModel,
    requests: list[Request],
    draft_tokens: int,
    *,
    slots: int = 5,
    tokens: int = TOKENS,
    retriever: Retriever | None = None,
) -> tuple[list[Completion], int, SlotEngine]:
    """Completions without their times, how many steps they took, and the engine."""
    options = GenerationOptions(tokens, slots, draft_tokens)
    engine = open_engine(loaded, options, retriever, notify=lambda line: None)
    assert isinstance(engine, SlotEngine)
    notes = Notes()
    with recorded(notes):
        done = engine.complete(requests)
    return [replace(each, seconds=0.0) for each in done], notes.steps, engine


def check_the_same(loaded: LoadedModel, requests: list[Request], **settings: Any) -> SlotEngine:
    """That drafts save steps and change nothing."""
    without, steps, engine = decoded(loaded, requests, 0, **settings)
    assert engine.drafted == 0
    drafted, fewer, engine = decoded(loaded, requests, MOST, **settings)
    assert drafted == without
    if loaded.device.type == "cpu":  # which has more rows than slots here, and counts each step
        assert fewer < steps
    assert fewer <= steps
    assert engine.drafted > 0
    return engine


def store_on(device: str, preset: str, **changes: Any) -> Retriever:
    draw = np.random.default_rng(0)
    store = store_of(draw.standard_normal((400, HIDDEN)) * 2, draw.integers(2, VOCABULARY, 400))
    return Retriever(store, resolve_preset(preset, **changes), device=device)


@pytest.mark.parametrize("kind", ["qwen2", "gpt2"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_drafts_save_steps_and_change_no_completion(kind, dtype, device):
    loaded = random_model(kind, device, dtype)
    # more than there are slots, so that some are refilled while others are drafted for
    check_the_same(loaded, repeated(12))


@pytest.mark.parametrize("top_p", [1.0, 0.9])
def test_sampled_tokens_are_drawn_as_without_drafts(top_p, device):
    loaded = random_model(device=device)
    cool = Sampling(temperature=0.4, top_p=top_p, seed=3)
    requests = [
        replace(each, sampling=cool) if place % 3 else each
        for place, each in enumerate(repeated(12))
    ]
    check_the_same(loaded, requests)


@pytest.mark.parametrize("preset", ["dense", "gentle", "v3"])
def test_what_a_datastore_did_is_told_as_without_drafts(preset, device):
    loaded = random_model(device=device)
    changes: dict[str, Any] = {"lmbda": 0.6, "temperature": 50.0}
    if preset == "v3":
        changes["gate"] = 0.3
    retriever = store_on(device, preset, **changes)
    without, _, _ = decoded(loaded, repeated(9), 0, retriever=retriever)
    told = [each.interventions for each in without]
    assert any(each is not None and each.changes for each in told)
    check_the_same(loaded, repeated(9), retriever=retriever)


def test_words_that_a_draft_would_have_written_count_as_written(device):
    loaded = random_model(device=device)
    check_the_same(loaded, repeated(9), retriever=retriever_on(device, COPIES))


def test_reading_ahead_is_being_told_token_by_token(device):
    loaded = random_model(device=device)
    retriever = retriever_on(device, COPIES)
    retriever.attach(loaded.model, loaded.tokenizer)
    prompts = [[5, 6], [7], [8, 8, 9]]
    told, read = (retriever.context_behind(prompts, device) for _ in range(2))
    assert told is not None
    assert read is not None
    written = torch.tensor([[20, 21, 22], [5, 23, 20], [24, 25, 26]], device=device)
    nobody = torch.full((3,), -1, device=device)
    for tokens in written.T:
        retriever.tell(told, nobody, nobody, tokens)
    before = read.rows(torch.arange(3, device=device))
    retriever.read_ahead(read, torch.cat([written, written[:, -1:]], 1), written.new_full((3,), 3))
    assert all(map(torch.equal, told.parts(), read.parts()))
    assert not torch.equal(before.seen, read.seen)


def test_no_drafts_where_corrections_look_back_on_corrections(device):
    loaded = random_model(device=device)
    retriever = retriever_on(device, BAYES)
    assert not retriever.reads_ahead
    without, _, _ = decoded(loaded, repeated(9), 0, retriever=retriever)
    drafted, _, engine = decoded(loaded, repeated(9), MOST, retriever=retriever)
    assert drafted == without
    assert engine.drafted == 0


def test_a_completion_ends_within_a_draft_where_it_ends_without(device):
    """By a stop string, the limit of a request, and the end token."""
    loaded = random_model(device=device)
    requests = repeated(6)
    full, _, _ = decoded(loaded, requests, 0)
    cut = [
        replace(each, stop=(" ".join(done.text.split()[place : place + 2]),))
        for place, (each, done) in enumerate(zip(requests, full, strict=True), 9)
    ]
    short = [
        replace(each, id=f"{each.id}-{limit}", max_new_tokens=limit)
        for each in requests
        for limit in (1, 2, 7, 23)
    ]
    # The last go on alone: a GPU has no rows for drafts before.
    last = [replace(each, id=f"{each.id}-last") for each in requests[:2]]
    check_the_same(loaded, [*cut, *short, *last])
    # What is written most often, as an end token.
    written = [token for done in full for token in done.tokens]
    loaded.model.config.eos_token_id = max(set(written), key=written.count)
    ended, _, _ = decoded(loaded, requests, 0)
    assert any(done.finish_reason == "stop" and done.completion_tokens > 3 for done in ended)
    check_the_same(loaded, requests)


def test_drafts_end_where_the_context_does(device):
    loaded = random_model(device=device)
    requests = [
        Request(f"long-{length}", " ".join(["7", "9"] * (length // 2)), chat=False)
        for length in (484, 500, 508)
    ]
    check_the_same(loaded, requests)


def test_a_full_batch_drafts_nothing_and_goes_on_to_when_it_empties(device):
    loaded = random_model(device=device)
    requests = [
        replace(each, max_new_tokens=60 if place < 3 else 9)
        for place, each in enumerate(repeated(16))
    ]
    engine = check_the_same(loaded, requests, slots=16, tokens=60)
    assert engine.drafted < 3 * 60


def test_a_completion_depends_on_its_request_alone(device):
    loaded = random_model(device=device)
    requests = repeated(9)
    everything, _, engine = decoded(loaded, requests, MOST)
    again = [replace(each, seconds=0.0) for each in engine.complete(requests[::-1])]
    assert again[::-1] == everything
    alone, _, _ = decoded(loaded, requests[4:5], MOST, slots=1)
    assert alone == everything[4:5]


def test_longer_requests_that_come_meanwhile_change_nothing(device):
    """The cache grows, and the texts with it."""
    loaded = random_model(device=device)
    requests = repeated(6)
    longer = [replace(each, id=f"long-{each.id}", max_new_tokens=None) for each in repeated(3)]
    longer = [replace(each, prompt=" ".join([each.prompt] * 5)) for each in longer]
    expected, _, _ = decoded(loaded, [*requests, *longer], 0)
    options = GenerationOptions(TOKENS, 16, MOST)
    engine = open_engine(loaded, options, notify=lambda line: None)
    for request in requests:
        engine.submit(request)
    done = [event for _ in range(2) for event in engine.step()]
    for request in longer:
        engine.submit(request)
    while engine.busy:
        done += engine.step()
    found = {event.completion.id: event.completion for event in done if event.completion}
    assert {name: each.text for name, each in found.items()} == {
        each.id: each.text for each in expected
    }


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(st.lists(st.integers(1, 3), min_size=2, max_size=30), min_size=1, max_size=8),
    most=st.integers(1, 6),
    spare=st.integers(0, 12),
    room=st.integers(0, 10),
)
def test_rows_are_shared_out_and_what_was_chosen_is_settled(texts, most, spare, room):
    """Against the same in plain Python. Of each text the second half is what the model chooses."""
    rows, capacity = len(texts) + spare, max(len(text) // 2 + 1 for text in texts) + room
    device = torch.device("cpu")
    drafting = Drafting(rows, capacity, most, device)
    state = SlotState.allocate(rows, 1, None, device)
    slots = [2 * number % rows if rows % 2 else number for number in range(len(texts))]
    told = [text[: len(text) // 2 + 1] for text in texts]
    admissions = [Admission(text, 0, GREEDY, corrected=True) for text in told]
    state.occupy(slots, admissions)
    drafting.begin(slots, told)
    plan = drafting.plan(state, capacity - 1)
    fed = [
        [
            (int(token), int(position))
            for token, position, owner in zip(
                plan.rows.tokens, plan.rows.positions, plan.rows.slots, strict=True
            )
            if owner == slot
        ]
        for slot in range(rows)
    ]
    assert int((plan.rows.slots == rows).sum()) == rows - sum(map(len, fed))
    shares = []
    for slot, text in zip(slots, told, strict=True):
        draft = expected_draft(text, min(most, capacity - len(text)))
        share = len(fed[slot]) - 1
        assert fed[slot] == [
            (token, len(text) - 1 + place) for place, token in enumerate([text[-1], *draft[:share]])
        ]
        shares.append((share, len(draft)))
    assert all(fed[slot] == [] for slot in range(rows) if slot not in slots)
    # Nobody has two more than another that wants more, and nobody wants while rows are free.
    hungry = [share for share, wanted in shares if share < wanted]
    assert not hungry or max(share for share, _ in shares) <= min(hungry) + 1
    assert not hungry or sum(map(len, fed)) == rows

    rest = {
        slot: text[len(text) // 2 + 1 :] + [0] * most
        for slot, text in zip(slots, texts, strict=True)
    }
    chosen = torch.tensor(
        [
            9 if owner == rows else ([*rest[int(owner)], 0][int(ahead)])
            for owner, ahead in zip(plan.rows.slots, plan.ahead, strict=True)
        ]
    )
    owners, tokens, written = plan.settle(chosen)
    for slot in slots:
        draft = [token for token, _ in fed[slot][1:]]
        right = 0
        while right < len(draft) and draft[right] == rest[slot][right]:
            right += 1
        assert int(written[slot]) == right + 1
        stands = rest[slot][: right + 1]
        assert tokens[slot].tolist() == stands + stands[-1:] * (most - right)
        assert chosen[owners == slot].tolist() == stands
    assert int(written.sum()) == int((owners < rows).sum())


def expected_draft(text: list[int], most: int) -> list[int]:
    """What follows the latest place before the end of `text` that is most like its end."""
    best = (0, -1)
    for place in range(len(text) - 1):
        length = 0
        while length < min(3, place + 1) and text[place - length] == text[-1 - length]:
            length += 1
        if length:
            best = max(best, (length, place))
    length, place = best
    draft: list[int] = []
    while length and len(draft) < most:
        draft.append([*text, *draft][place + 1 + len(draft)])
    return draft
