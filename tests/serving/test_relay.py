"""What workers ask instead of the servers: all of them as one."""

import time
from collections.abc import Callable
from contextlib import contextmanager

from knm.engine import ContextExceeded, EngineConfiguration
from knm.records import Completion, Request
from knm.serving import Dialect, Dispatcher, EngineClient, EngineFailed, Fleet, Server
from knm.serving.relay import Relay
from tests.engine.configurations import CONFIGURATION, INTERVENTIONS
from tests.serving.openai_server import OpenAIServer, error, speaking
from tests.serving.scripted import ScriptedEngine, serving

REQUESTS = [Request(f"p{number}", f"p{number}", max_new_tokens=2) for number in range(20)]


@contextmanager
def relaying(server: Server, configuration: EngineConfiguration = CONFIGURATION):
    def connect(deliver: Callable[..., None]) -> Dispatcher:
        return Dispatcher(Fleet([server], print), configuration.model, deliver)

    relay = Relay(connect, configuration)
    try:
        yield relay.server.client()
    finally:
        relay.close()


def ask(client: EngineClient, model: str, requests) -> list[Completion | Exception]:
    outcomes: dict[int, Completion | Exception] = {}
    client.complete(model, requests, outcomes.__setitem__)
    return [outcomes[place] for place in range(len(requests))]


def test_what_a_server_tells_comes_through_and_is_asked_for_once():
    engine = ScriptedEngine()
    with serving(engine, capacity=1000) as url, relaying(Server(url)) as client:
        first, again = (ask(client, "embedded", REQUESTS) for _ in range(2))
    assert first == again
    assert [str(getattr(each, "text", each)) for each in first] == [
        f"p{number} 0 1" for number in range(20)
    ]
    assert all(getattr(each, "interventions", None) == INTERVENTIONS for each in first)
    assert len(engine.submitted) == 20


def test_each_fault_is_its_own_requests():
    def fails(_path, body):
        return error(400, "poison") if "p3" in str(body) else None

    model = EngineConfiguration.of_another_kind("small", {"id": "small"})
    server = OpenAIServer(object_to=fails)
    with speaking(server) as url, relaying(Server(url, None, Dialect()), model) as client:
        outcomes = ask(client, "small", REQUESTS)
    assert isinstance(outcomes[3], EngineFailed)
    assert "poison" in str(outcomes[3])
    assert sum(isinstance(each, Completion) for each in outcomes) == 19


def test_a_full_context_comes_through_as_what_it_is():
    with serving(ScriptedEngine()) as url, relaying(Server(url)) as client:
        (outcome,) = ask(client, "embedded", [Request("long", "long", max_new_tokens=2)])
    assert isinstance(outcome, ContextExceeded)
    assert (outcome.prompt_tokens, outcome.context) == (600, 512)


def test_servers_that_are_gone_leave_nobody_waiting():
    began = time.monotonic()
    with relaying(Server("http://127.0.0.1:9")) as client:
        outcomes = ask(client, "embedded", REQUESTS)
    assert all(isinstance(each, EngineFailed) for each in outcomes)
    assert time.monotonic() - began < 30
