"""A server that is told to end: what is in work is finished, or told that it will not be."""

import http.client
import json
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from knm.records import Request
from knm.serving import EngineClient, EngineFailed
from tests.serving.scripted import ScriptedEngine, serving

STOPPING = {
    "message": "the server is shutting down",
    "type": "server_error",
    "param": None,
    "code": "server_stopping",
}


@pytest.fixture
def engine() -> ScriptedEngine:
    """An engine that is in a step until its gate is opened."""
    stuck = ScriptedEngine()
    stuck.gate.clear()
    return stuck


def ask(url: str, **body: object) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    headers = {"Content-Type": "application/json"}
    connection.request("POST", "/v1/completions", json.dumps(body), headers)
    response = connection.getresponse()
    text = response.read().decode()
    connection.close()
    return response.status, text


def pending(url: str) -> int:
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    connection.close()
    return int(text.partition("\nknm_pending_requests ")[2].split()[0])


def wait_until(condition: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


def test_what_cannot_be_finished_is_told_so_in_openais_shape(engine, capsys):
    with ThreadPoolExecutor() as pool:
        with serving(engine, goodbye_seconds=0.3) as url:
            plain = pool.submit(ask, url, prompt="a")
            streamed = pool.submit(ask, url, prompt="b", stream=True)
            batch = pool.submit(
                EngineClient(url).complete, "embedded", [Request("c", "c", max_new_tokens=3)], print
            )
            wait_until(lambda: pending(url) == 3)
        status, text = plain.result()
        assert (status, json.loads(text)) == (503, {"error": STOPPING})
        status, text = streamed.result()
        assert status == 200
        last = text.removesuffix("\n\n").rpartition("\n\n")[2]
        assert json.loads(last.removeprefix("data: ")) == {"error": STOPPING}
        with pytest.raises(EngineFailed, match="shutting down"):
            batch.result()
    assert capsys.readouterr().err == ""


def test_what_can_be_finished_is(engine):
    with ThreadPoolExecutor() as pool:
        with serving(engine, goodbye_seconds=0.3) as url:
            answer = pool.submit(ask, url, prompt="a", max_tokens=3)
            wait_until(lambda: bool(engine.submitted))
            threading.Timer(0.1, engine.gate.set).start()
        status, text = answer.result()
    assert (status, json.loads(text)["choices"][0]["text"]) == (200, "a 0 1 2")
