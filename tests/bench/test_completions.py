"""Completions of a run: cache first, the rest asked for at once, a dead engine never waited for."""

import time

import pytest

from knm.bench import CompletionService
from knm.engine import CompletionCache, ContextExceeded
from knm.records import Completion, Request
from knm.serving import Dispatcher, EngineFailed, EngineLost, Fleet, Server
from tests.engine.configurations import CONFIGURATION
from tests.serving.scripted import ScriptedEngine, serving

REQUESTS = [Request(f"p{number}", f"p{number}", max_new_tokens=3) for number in range(200)]


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def cache(tmp_path):
    opened = CompletionCache(tmp_path, print)
    yield opened
    opened.close()


def nobody(_deliver) -> Dispatcher:
    raise AssertionError("the engine is not needed")


def service(url, cache, requests=REQUESTS, **settings) -> CompletionService:
    fleet = Fleet([Server(each) for each in url.split(",")], settings.pop("say", print))

    def connect(deliver) -> Dispatcher:
        return Dispatcher(fleet, "embedded", deliver)

    return CompletionService(requests, CONFIGURATION, connect, cache, **settings)


def test_everything_is_asked_for_before_anything_is_wanted(engine, cache):
    engine.gate.clear()
    with serving(engine, capacity=1000) as url:
        completions = service(url, cache)
        give_up = time.monotonic() + 10
        while not engine.submitted:
            assert time.monotonic() < give_up
        engine.gate.set()
        assert completions.complete(REQUESTS[-1]).text == "p199 0 1 2"
        assert {completions.complete(request).text for request in REQUESTS} == {
            f"p{number} 0 1 2" for number in range(200)
        }
    assert engine.submitted == REQUESTS


def test_what_is_kept_is_never_asked_for(engine, cache):
    with serving(engine) as url:
        completions = service(url, cache, REQUESTS[:3])
        first = [completions.complete(request) for request in REQUESTS[:3]]
    again = CompletionService(REQUESTS[:3], CONFIGURATION, nobody, cache)
    assert [again.complete(request) for request in REQUESTS[:3]] == first
    assert again.from_cache == 3


def test_a_resumed_run_asks_for_the_rest(engine, cache):
    with serving(engine) as url:
        for request in REQUESTS[:2]:
            service(url, cache, [request]).complete(request)
        completions = service(url, cache, REQUESTS[:5])
        for request in REQUESTS[:5]:
            completions.complete(request)
    assert len(engine.submitted) == 5


def test_a_fresh_run_asks_for_all_and_replaces_what_was_kept(engine, cache):
    with serving(engine) as url:
        for _ in range(2):
            service(url, cache, REQUESTS[:1], since=time.time()).complete(REQUESTS[0])
    assert len(engine.submitted) == 2


def test_two_workers_that_ask_for_the_same_get_the_same_from_one_decoding(engine, tmp_path):
    engine.gate.clear()
    caches = [CompletionCache(tmp_path, print) for _ in range(2)]
    with serving(engine, capacity=1000) as url:
        workers = [service(url, cache, REQUESTS[:50]) for cache in caches]
        time.sleep(0.3)
        engine.gate.set()
        texts = [[worker.complete(r).text for r in REQUESTS[:50]] for worker in workers]
    assert texts[0] == texts[1]
    assert len(engine.submitted) == 50
    for opened in caches:
        opened.close()


def test_a_dead_engine_ends_everything_at_once(engine, cache):
    requests = [Request("die", "die", max_new_tokens=3), *REQUESTS]
    with serving(engine, capacity=1000) as url:
        completions = service(url, cache, requests)
        started = time.monotonic()
        for request in requests:
            with pytest.raises(EngineFailed, match="CUDA error"):
                completions.complete(request)
    assert time.monotonic() - started < 10


def test_an_engine_that_is_not_there_ends_everything_at_once(cache):
    completions = service("http://127.0.0.1:9", cache)
    for request in REQUESTS:
        with pytest.raises(EngineLost):
            completions.complete(request)


def test_one_problem_that_the_engine_refuses_is_one_fault(engine, cache):
    refused = Request("empty", "refuse", max_new_tokens=3)
    with serving(engine) as url:
        completions = service(url, cache, [refused, *REQUESTS[:2]])
        with pytest.raises(EngineFailed, match="the prompt is empty"):
            completions.complete(refused)
        assert isinstance(completions.complete(REQUESTS[1]), Completion)


def test_a_prompt_that_fills_the_context_is_told_from_a_fault(engine, cache):
    long = Request("long", "long", max_new_tokens=3)
    with serving(engine) as url:
        completions = service(url, cache, [long, *REQUESTS[:2]])
        with pytest.raises(ContextExceeded, match="its prompt has 600 tokens, .* 512"):
            completions.complete(long)
        assert isinstance(completions.complete(REQUESTS[1]), Completion)


def test_problems_may_differ_in_what_stops_them(engine, cache):
    stops = [("a",), ("a",), ("b",)]
    asked = [
        Request(f"p{number}", "p", chat=False, max_new_tokens=3, stop=stop)
        for number, stop in enumerate(stops)
    ]
    with serving(engine) as url:
        completions = service(url, cache, asked)
        for request in asked:
            completions.complete(request)
    assert sorted(engine.submitted, key=lambda each: each.id) == asked
