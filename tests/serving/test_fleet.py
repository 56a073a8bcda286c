"""Several servers: who is asked for what, and what becomes of it when one is gone."""

import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack

import pytest

from knm.records import Completion, Request
from knm.serving import Dialect, Dispatcher, EngineFailed, EngineLost, Fleet, Server
from knm.serving.fleet import CALL_SIZE
from tests.serving.openai_server import OpenAIServer, error, speaking
from tests.serving.scripted import ScriptedEngine, serving

REQUESTS = [
    (number, Request(f"p{number}", f"p{number}", sample=sample, max_new_tokens=2))
    for number in range(90)
    for sample in range(2)
]


class Outcomes:
    """What a dispatcher told, the first of each request."""

    def __init__(self) -> None:
        self.of: dict[Request, Completion | Exception] = {}
        self.came = threading.Condition()

    def __call__(self, request: Request, outcome: Completion | Exception) -> None:
        with self.came:
            self.of.setdefault(request, outcome)
            self.came.notify_all()

    def wait(self, count: int) -> None:
        with self.came:
            assert self.came.wait_for(lambda: len(self.of) >= count, 60)

    def texts(self) -> set[str]:
        return {str(getattr(outcome, "text", outcome)) for outcome in self.of.values()}


def dispatch(servers: Sequence[Server], requests=REQUESTS, **settings):
    said: list[str] = []
    outcomes = Outcomes()
    dispatcher = Dispatcher(Fleet(servers, said.append), "embedded", outcomes, **settings)
    dispatcher.ask(requests)
    return dispatcher, outcomes, said


@pytest.fixture
def engines():
    """Three engines and the servers in front of them; `kill` closes one."""
    with ExitStack() as stack:
        found = [ScriptedEngine() for _ in range(3)]
        urls = [stack.enter_context(serving(engine, capacity=1000)) for engine in found]
        yield found, [Server(url) for url in urls]


def test_problems_take_turns_and_all_samples_of_one_go_to_the_same_server(engines):
    found, servers = engines
    _, outcomes, said = dispatch(servers)
    outcomes.wait(len(REQUESTS))
    assert outcomes.texts() == {f"p{number} 0 1" for number in range(90)}
    for number, engine in enumerate(found):
        ids = [request.id for request in engine.submitted]
        assert sorted(set(ids)) == sorted(f"p{each}" for each in range(number, 90, 3))
        assert len(ids) == 60
    assert said == []


def test_a_server_gets_the_first_call_first_though_it_is_the_longest(engines):
    found, servers = engines
    asked = [
        (number, Request(f"p{number}", "x" * 50_000 if number < CALL_SIZE else "y"))
        for number in range(3 * CALL_SIZE)
    ]
    _, outcomes, _ = dispatch(servers[:1], asked)
    outcomes.wait(len(asked))
    assert [request.id for request in found[0].submitted] == [request.id for _, request in asked]


def test_a_server_that_dies_leaves_its_problems_to_the_others(engines):
    found, servers = engines
    found[1].gate.clear()
    _, outcomes, said = dispatch(servers)
    give_up = time.monotonic() + 20
    while not found[1].submitted:
        assert time.monotonic() < give_up
        time.sleep(0.01)
    found[1].fault = RuntimeError("CUDA error: unspecified launch failure")
    found[1].gate.set()
    outcomes.wait(len(REQUESTS))
    assert outcomes.texts() == {f"p{number} 0 1" for number in range(90)}
    (line,) = said
    assert line.startswith(f"{servers[1].url} is gone, 2 others go on: ")
    assert "CUDA error" in line


def test_one_that_is_not_there_costs_one_line(engines):
    _, servers = engines
    _, outcomes, said = dispatch([Server("http://127.0.0.1:9"), servers[0]])
    outcomes.wait(len(REQUESTS))
    assert outcomes.texts() == {f"p{number} 0 1" for number in range(90)}
    (line,) = said
    assert line.startswith("http://127.0.0.1:9 is gone, the other one goes on: ")


def test_when_all_are_gone_each_problem_ends_with_the_reasons():
    _, outcomes, said = dispatch(
        [Server("http://127.0.0.1:9"), Server("http://127.0.0.1:9/b", device="cuda:1")]
    )
    outcomes.wait(len(REQUESTS))
    assert {type(outcome) for outcome in outcomes.of.values()} == {EngineLost}
    assert len(said) == 1
    assert "engine on cuda:1" in "".join(outcomes.texts())
    assert "http://127.0.0.1:9: " in "".join(outcomes.texts())


def foreign(url: str) -> Server:
    return Server(url, None, Dialect())


def test_a_foreign_server_gets_as_many_calls_at_a_time_as_are_allowed():
    server = OpenAIServer(seconds=0.05)
    with speaking(server) as url:
        _, outcomes, _ = dispatch([foreign(url)], REQUESTS[:40], foreign_calls=5)
        outcomes.wait(40)
    assert server.most == 5
    assert len(server.bodies) == 40


def test_a_request_that_a_living_server_fails_at_is_tried_on_another():
    bad = OpenAIServer(object_to=lambda *_: error(501, "not here"))
    good = OpenAIServer()
    with speaking(bad) as first, speaking(good) as second:
        _, outcomes, said = dispatch([foreign(first), foreign(second)], REQUESTS[:20])
        outcomes.wait(20)
    assert outcomes.texts() == {f"p{number} written" for number in range(10)}
    assert said == []


def test_a_request_that_every_server_fails_at_is_a_fault_of_its_own():
    def fails(_path, body):
        return error(501, "poison") if "p3" in str(body) else None

    server = OpenAIServer(object_to=fails)
    with speaking(server) as url:
        _, outcomes, _ = dispatch([foreign(url)], REQUESTS[:20])
        outcomes.wait(20)
    failed = {request.id for request, each in outcomes.of.items() if isinstance(each, EngineFailed)}
    assert failed == {"p3"}
    assert sum(prompt == "p3" for prompt in server.prompts()) == 6


def test_what_is_outstanding_ends_with_the_run(engines):
    found, servers = engines
    for engine in found:
        engine.gate.clear()
    dispatcher, outcomes, said = dispatch(servers)
    time.sleep(0.2)
    dispatcher.close()
    outcomes.wait(len(REQUESTS))
    assert all(isinstance(outcome, EngineLost) for outcome in outcomes.of.values())
    assert said == []
