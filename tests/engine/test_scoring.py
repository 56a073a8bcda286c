"""Log-probabilities of given tokens, against the model itself and against its own greedy words."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from knm.engine import ContextExceeded, Event, GenerationOptions
from knm.engine.opening import open_engine
from knm.engine.scoring import ScoringEngine
from knm.errors import UserError
from knm.models import LoadedModel
from knm.records import Completion, Request, Scoring
from knm.retrieval import LMOutput, Preset, Retriever
from tests.engine.random_models import POSITIONS, VOCABULARY, number_requests, random_model
from tests.engine.test_contexts import BAYES, COPIES, retriever_on

STATIC = Preset("static", 0.6, temperature=50.0)
ECHO = Scoring(2, echo=True)


def engine_of(loaded: LoadedModel, retriever: Retriever | None = None) -> ScoringEngine:
    inner = open_engine(loaded, GenerationOptions(12, 4), retriever, notify=lambda _: None)
    return ScoringEngine(inner, loaded, retriever)


def run(engine: ScoringEngine, requests: list[Request]) -> list[Event]:
    tickets = [engine.submit(request) for request in requests]
    ended = {}
    while engine.busy:
        for event in engine.step():
            if event.completion is not None or event.error is not None:
                ended[event.ticket] = event
    return [ended[ticket] for ticket in tickets]


def score(engine: ScoringEngine, request: Request, scoring: Scoring = ECHO) -> Any:
    (event,) = run(engine, [replace(request, max_new_tokens=0, scoring=scoring)])
    assert event.error is None
    return event.scores


@torch.inference_mode()
def reference(loaded: LoadedModel, ids: list[int], retriever: Retriever | None, start: int) -> Any:
    """Log-probabilities (T - 1, V) of all that follows a token, one full pass for each place."""
    model: Any = loaded.model
    if retriever is None:
        return model(torch.tensor([ids])).logits[0, :-1].log_softmax(-1)
    context = retriever.context_behind([ids[:start]], "cpu")
    rows = []
    for place in range(1, len(ids)):
        hidden = model.get_decoder()(torch.tensor([ids[:place]])).last_hidden_state[:, -1]
        lm = LMOutput.read(model.get_output_embeddings()(hidden))
        logits = lm.logits
        if place >= start:
            correction = retriever.correct(hidden, lm, context)
            if context is not None:
                retriever.advance(context, correction, torch.tensor([ids[place]]))
            logits = correction.logits
        rows.append(logits[0].log_softmax(-1))
    return torch.stack(rows)


@pytest.mark.parametrize("kind", ["qwen3", "gpt2"])
def test_without_a_datastore_a_text_has_the_models_own_log_probabilities(kind):
    loaded = random_model(kind)
    request = number_requests(1, longest=40)[0]
    ids = [int(word) for word in request.prompt.split()]
    told = score(engine_of(loaded), request).prompt
    expected = reference(loaded, ids, None, 1)
    assert [score.text for score in told] == [f" {token}" for token in ids]
    assert told[0].log_prob is None
    for place, one in enumerate(told[1:], 1):
        row = expected[place - 1]
        assert one.log_prob == pytest.approx(row[ids[place]].item(), abs=1e-4)
        best = row.argmax().item()
        assert one.top[0] == (f" {best}", pytest.approx(row[best].item(), abs=1e-4))
        # A greedy token is known by being the likeliest, to the bit.
        assert (max(value for _, value in one.top) == one.log_prob) == (best == ids[place])


@pytest.mark.parametrize("asked", [None, 5])
@pytest.mark.parametrize("preset", [STATIC, BAYES, COPIES], ids=lambda each: each.name)
def test_a_datastore_corrects_what_stands_behind_the_question(preset, asked):
    loaded, retriever = random_model(), retriever_on("cpu", preset)
    engine = engine_of(loaded, retriever)
    draw = torch.Generator().manual_seed(3)
    ids = torch.randint(2, VOCABULARY, (30,), generator=draw).tolist()
    request = Request("p", "", chat=False, ids=tuple(ids))
    scores = score(engine, request, Scoring(0, echo=True, asked=asked))
    expected = reference(loaded, ids, retriever, asked or 1)
    found = [one.log_prob for one in scores.prompt[1:]]
    own = [expected[place - 1, ids[place]].item() for place in range(1, 30)]
    assert found == pytest.approx(own, abs=1e-4)
    assert scores.interventions.steps == 30 - (asked or 1)
    plain = score(engine_of(loaded), request).prompt
    moved = [
        place for place in range(1, 30) if abs(found[place - 1] - plain[place].log_prob) > 0.01
    ]
    assert moved
    assert min(moved) >= (asked or 1)


@pytest.mark.parametrize("preset", [None, STATIC, BAYES], ids=str)
def test_what_was_written_greedily_is_likeliest_wherever_it_is_scored(preset):
    loaded = random_model()
    retriever = None if preset is None else retriever_on("cpu", preset)
    asked = [replace(each, scoring=Scoring(1)) for each in number_requests(3)]
    for event in run(engine_of(loaded, retriever), asked):
        assert event.completion is not None
        assert event.scores is not None
        told = event.scores.completion
        assert len(told) == event.completion.completion_tokens
        assert all(one.top == ((one.text, one.log_prob),) for one in told)
        assert event.scores.prompt == ()


def test_a_completion_is_the_same_with_log_probabilities_and_without():
    requests = number_requests(4)
    engine = engine_of(random_model(), retriever_on("cpu", BAYES))

    def completions(scoring: Scoring | None) -> list[Completion]:
        ended = run(engine, [replace(each, scoring=scoring) for each in requests])
        return [replace(event.completion, seconds=0.0) for event in ended if event.completion]

    assert completions(None) == completions(Scoring(3, echo=True))


def test_probabilities_of_all_tokens_sum_to_one():
    told = score(
        engine_of(random_model(), retriever_on("cpu", STATIC)),
        number_requests(1)[0],
        Scoring(VOCABULARY, echo=True),
    )
    for one in told.prompt[1:]:
        assert math.fsum(math.exp(value) for _, value in one.top) == pytest.approx(1, abs=1e-3)


def test_what_is_withheld_is_scored_by_the_model_alone():
    loaded, request = random_model(), number_requests(1)[0]
    engine = engine_of(loaded, retriever_on("cpu", STATIC))
    scores = score(engine, replace(request, withheld="of another kind"))
    assert scores.interventions.withheld == "of another kind"
    assert scores.prompt == score(engine_of(loaded), request).prompt


def test_a_text_may_fill_the_context_and_not_exceed_it():
    engine = engine_of(random_model())
    fits = Request("p", "", chat=False, ids=(7,) * POSITIONS)
    assert len(score(engine, fits).prompt) == POSITIONS
    with pytest.raises(ContextExceeded):
        score(engine, replace(fits, ids=(7,) * (POSITIONS + 1)))


def test_token_ids_of_another_vocabulary_are_refused():
    with pytest.raises(UserError, match=f"token {VOCABULARY} of the prompt"):
        score(engine_of(random_model()), Request("p", "", chat=False, ids=(5, VOCABULARY)))


def test_a_text_that_nobody_waits_for_is_not_scored():
    engine = engine_of(random_model())
    request = replace(number_requests(1)[0], max_new_tokens=0, scoring=ECHO)
    engine.cancel(engine.submit(request))
    assert not engine.busy
    assert engine.step() == []
