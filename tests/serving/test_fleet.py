"""Several servers: who is asked for what, and what becomes of it when one is gone."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


@contextmanager
def babbling(lines: Sequence[bytes]) -> Iterator[str]:
    """A server that answers whatever it is asked by these lines; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer([b"{}"])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(lines)

        def _answer(self, given: Sequence[bytes]) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"".join(line + b"\n" for line in given))

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def choice(**changes: Any) -> bytes:
    """An event of one choice, of which something is changed."""
    told: dict[str, Any] = {"prompt_tokens": 1, "completion_tokens": 1, "seconds": 0.1}
    said = {"index": 0, "text": "x", "finish_reason": "stop", "knm": told | {"interventions": None}}
    return b"data: " + json.dumps({"choices": [{**said, **changes}]}).encode()


BABBLE = [
    b"data: <html>",
    b"data: []",
    b"data: {}",
    b"data: \xff",
    b"data: " + b"[" * 100_000,
    b'data: {"error": "gone"}',
    choice(index=-1),
    choice(index=1000),
    choice(index="0"),
    choice(text=None),
    choice(text=["x"]),
    choice(knm=None),
    choice(knm={"prompt_tokens": "many"}),
    choice(knm={"prompt_tokens": 1, "completion_tokens": 1, "seconds": "1", "interventions": 5}),
]


@pytest.mark.parametrize("line", BABBLE, ids=range(len(BABBLE)))
def test_what_is_no_answer_of_ours_is_the_servers_fault_and_others_are_asked(engines, line):
    _, servers = engines
    with babbling([choice(), line, b"data: [DONE]"]) as url:
        with pytest.raises(EngineFailed, match=rf"{url}: not an answer of `knm serve`: '"):
            Server(url).client().complete("embedded", [REQUESTS[0][1]] * 2, lambda *_: None)
        _, outcomes, said = dispatch([Server(url), servers[0]], REQUESTS[4:10])
        outcomes.wait(6)
    # What had come before the nonsense stays; nothing else of that answer counts.
    assert sum(getattr(each, "text", "") == "x" for each in outcomes.of.values()) == 1
    assert outcomes.texts() == {"x", "p2 0 1", "p3 0 1", "p4 0 1"}
    assert said == []


def test_whatever_a_server_says_is_nothing_or_an_error_that_names_it():
    lines: list[bytes] = []

    @settings(max_examples=50, deadline=None)
    @given(said=st.lists(st.binary(max_size=40).map(lambda line: b"data: " + line), max_size=3))
    def check(said):
        lines[:] = said
        delivered: list[int] = []
        with suppress(EngineFailed, EngineLost):
            client.complete("embedded", [REQUESTS[0][1]], lambda *_: delivered.append(1))
        assert not delivered

    with babbling(lines) as url:
        client = Server(url).client()
        check()


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
