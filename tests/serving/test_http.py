"""The application over real sockets, with an engine that needs no model."""

import http.client
import json
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from knm.codec import from_json
from knm.engine import ContextExceeded
from knm.errors import UserError
from knm.records import Completion, Interventions, Request
from knm.serving import EngineClient, EngineFailed, EngineLost
from tests.engine.configurations import CONFIGURATION, INTERVENTIONS
from tests.serving.scripted import ScriptedEngine, serving


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def url(engine):
    with serving(engine) as address:
        yield address


def connect(url) -> http.client.HTTPConnection:
    return http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)


def call(url, method, path, body=None, headers=None):
    connection = connect(url)
    headers = {"Content-Type": "application/json"} | (headers or {})
    connection.request(method, path, None if body is None else json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def complete(url, body, **headers):
    status, text = call(url, "POST", "/v1/completions", body, headers)
    return status, json.loads(text)


def ask(url, *prompts, token=None):
    outcomes: dict[int, Any] = {}
    requests = [Request(prompt, prompt, max_new_tokens=3) for prompt in prompts]
    EngineClient(url, token).complete("embedded", requests, outcomes.__setitem__)
    return outcomes


def wait_until(condition):
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_the_client_gets_completions_as_the_engine_made_them(url, engine):
    outcomes = ask(url, "a", "b")
    assert {done.text for done in outcomes.values()} == {"a 0 1 2", "b 0 1 2"}
    assert outcomes[0].interventions == INTERVENTIONS
    assert [request.chat for request in engine.submitted] == [True, True]


def test_an_answer_has_usage_and_details_of_each_choice(url):
    status, answer = complete(url, {"prompt": "a", "n": 2, "temperature": 1, "max_tokens": 3})
    assert status == 200
    assert [choice["text"] for choice in answer["choices"]] == ["a 0 1 2"] * 2
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 6, "total_tokens": 9}
    details = answer["choices"][0]["knm"]
    assert from_json(Interventions, details["interventions"], "here") == INTERVENTIONS


def test_a_conversation_is_rendered_by_the_model(url, engine):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    status, text = call(url, "POST", "/v1/chat/completions", {"messages": messages})
    assert status == 200
    assert engine.submitted[0].prompt == "system:s|user:u"
    assert json.loads(text)["choices"][0]["message"]["role"] == "assistant"


def test_models_health_and_metrics(url):
    ask(url, "a")
    assert json.loads(call(url, "GET", "/v1/models")[1])["data"][0]["id"] == "embedded"
    assert json.loads(call(url, "GET", "/health")[1]) == {"status": "ready"}
    metrics = call(url, "GET", "/metrics")[1]
    assert 'knm_completions_total{finish_reason="stop"} 1' in metrics
    assert "knm_completion_tokens_total 3" in metrics


def test_the_configuration_is_published(url):
    assert EngineClient(url).configuration() == CONFIGURATION


def test_a_request_that_the_engine_refuses_is_an_error_of_its_own(url):
    assert complete(url, {"prompt": "refuse"})[0] == 400
    outcomes = ask(url, "refuse", "b")
    assert isinstance(outcomes[0], EngineFailed)
    assert isinstance(outcomes[1], Completion)


def test_a_prompt_that_fills_the_context_is_said_in_openais_words(url):
    status, answer = complete(url, {"prompt": "long"})
    assert (status, answer["error"]["code"]) == (400, "context_length_exceeded")
    assert answer["error"]["type"] == "invalid_request_error"
    outcomes = ask(url, "long", "b")
    assert isinstance(outcomes[0], ContextExceeded)
    assert (outcomes[0].prompt_tokens, outcomes[0].context) == (600, 512)
    assert isinstance(outcomes[1], Completion)


def test_a_dead_engine_is_an_error_at_once_for_all(url):
    with pytest.raises(EngineFailed, match="CUDA error"):
        ask(url, "a", "die", "b")
    started = time.monotonic()
    with pytest.raises(EngineFailed, match="CUDA error"):
        ask(url, "c")
    assert time.monotonic() - started < 5
    assert call(url, "GET", "/health")[0] == 503
    assert complete(url, {"prompt": "c"})[1]["error"]["code"] == "engine_failed"


def test_an_engine_that_does_not_move_is_a_dead_one(url, engine, monkeypatch):
    monkeypatch.setattr("knm.serving.app.HEARTBEAT_SECONDS", 0.05)
    ask(url, "a")
    engine.gate.clear()
    monkeypatch.setattr("knm.serving.loop._STALL_SECONDS", 0.3)
    with pytest.raises(EngineFailed, match="does not move"):
        ask(url, "b")


def test_a_full_queue_is_told_to_others_and_waited_for_by_the_bench(engine):
    with serving(engine, capacity=1) as url:
        engine.gate.clear()
        client = EngineClient(url)
        waiting = connect(url)
        body = json.dumps({"prompt": "a", "temperature": 0})
        waiting.request("POST", "/v1/completions", body, {"Content-Type": "application/json"})
        wait_until(lambda: engine.submitted)
        status, answer = complete(url, {"prompt": "b"})
        assert (status, answer["error"]["code"]) == (429, "queue_full")
        engine.gate.set()
        outcomes: dict[int, Any] = {}
        client.complete("embedded", [Request("c", "c")], outcomes.__setitem__)
        assert waiting.getresponse().status == 200
        waiting.close()
        assert isinstance(outcomes[0], Completion)


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_takes_its_request_along(url, engine, stream):
    connection = connect(url)
    body = {"prompt": "a", "max_tokens": 64, "stream": stream, "temperature": 0}
    engine.gate.clear()
    connection.request(
        "POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"}
    )
    wait_until(lambda: engine.submitted)
    connection.close()
    wait_until(lambda: "knm_pending_requests 0" in call(url, "GET", "/metrics")[1])
    engine.gate.set()
    wait_until(lambda: engine.cancelled == [1])


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_of_a_token_may_be_written_in_any_case(engine, scheme):
    with serving(engine, token="secret") as url:
        for right in (f"{scheme} secret", f"{scheme}  secret"):
            assert complete(url, {"prompt": "a"}, Authorization=right)[0] == 200
        for wrong in (f"{scheme}secret", "secret", f"Basic {scheme} secret", scheme):
            assert complete(url, {"prompt": "a"}, Authorization=wrong)[0] == 401


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/v1/completions", {"prompt": "x\ud83d"}, "prompt"),
        ("/v1/completions", {"prompt": ["x", "\ude00\ud83d"]}, "prompt[1]"),
        ("/v1/completions", {"prompt": "x", "stop": ["\ud83d"]}, "stop[0]"),
        ("/v1/completions", {"prompt": "x", "knm": {"ids": ["\ud83d"]}}, "knm.ids[0]"),
        ("/v1/completions", {"prompt": "x", "\ud83d": 1}, "(a name)"),
        ("/v1/completions", "\ud83d", "text"),
        (
            "/v1/chat/completions",
            {"messages": [{"role": "user", "content": "x\ud83d"}]},
            "messages[0].content",
        ),
    ],
)
def test_half_a_character_is_the_clients_fault(url, path, body, place):
    status, text = call(url, "POST", path, body)
    assert status == 400
    error = json.loads(text)["error"]
    assert error["message"] == f"{place}: has an unpaired surrogate; send valid Unicode"
    assert error["type"] == "invalid_request_error"
    assert complete(url, {"prompt": "\U0001f600", "max_tokens": 1})[0] == 200


def test_the_token_guards_everything_but_health(engine):
    with serving(engine, token="secret") as url:
        assert call(url, "GET", "/health")[0] == 200
        for path in ("/v1/models", "/metrics", "/v1/knm/configuration"):
            assert call(url, "GET", path)[0] == 401
        assert complete(url, {"prompt": "a"}, Authorization="Bearer wrong")[0] == 401
        assert isinstance(ask(url, "a", token="secret")[0], Completion)
        with pytest.raises(UserError, match="KNM_ENGINE_TOKEN"):
            EngineClient(url).configuration()


def test_a_page_in_a_browser_is_not_answered(url):
    assert call(url, "GET", "/v1/models", headers={"Host": "attacker.example"})[0] == 400
    status, _ = complete(url, {"prompt": "a"}, **{"Content-Type": "text/plain"})
    assert status == 415


def test_what_is_not_json_or_not_there_is_said_in_openais_shape(url):
    connection = connect(url)
    connection.request("POST", "/v1/completions", "{", {"Content-Type": "application/json"})
    error = json.loads(connection.getresponse().read())["error"]
    connection.close()
    assert error["type"] == "invalid_request_error"
    assert "not JSON" in error["message"]
    assert json.loads(call(url, "GET", "/v2")[1])["error"]["message"] == "Not Found"


def test_nobody_there_is_a_user_error():
    with pytest.raises(UserError, match="cannot be reached"):
        EngineClient("http://127.0.0.1:9").configuration()
    with pytest.raises(EngineLost):
        EngineClient("http://127.0.0.1:9").complete("embedded", [Request("a", "a")], print)


def test_an_address_that_is_none_is_a_user_error():
    with pytest.raises(UserError, match="engine localhost"):
        EngineClient("localhost:8000")


def test_all_that_a_prompt_says_travels(url, engine):
    request = Request(
        "p",
        "p",
        system="Be brief.",
        chat_arguments=(("budget", 3), ("enable_thinking", False)),
        max_new_tokens=3,
        stop=("end",),
    )
    EngineClient(url).complete("embedded", [request], lambda *_: None)
    assert engine.submitted == [request]


def test_a_model_is_told_with_its_context(url):
    status, text = call(url, "GET", "/v1/models/embedded")
    assert (status, json.loads(text)["id"]) == (200, "embedded")
    status, text = call(url, "GET", "/v1/models/own/other")
    assert (status, json.loads(text)["error"]["code"]) == (404, "model_not_found")


def test_a_response_has_openais_shape(url):
    status, text = call(url, "POST", "/v1/responses", {"input": "a", "max_output_tokens": 3})
    answer = json.loads(text)
    assert (status, answer["object"], answer["status"]) == (200, "response", "completed")
    assert answer["output"][0]["content"][0]["text"] == "a 0 1 2"
    assert answer["usage"]["output_tokens"] == 3
