"""What it costs to be served: an engine behind `knm serve`'s HTTP against the same one by itself.

    python -m benchmarks.serving --rounds 3 --limit 96
    python -m benchmarks.serving --pieces 32

The bench's problems on the embedded model, on the CPU. One process decodes them all by its engine;
another one serves, and as many clients as `--clients` ask it, each for a problem at a time: for a
stream, for one whose choices come whole, as a run asks, or for an answer in one piece. Both engines
have decoded before. The order turns by round. Beside the rates stand seconds of the cores that
engine and server used, which other work on the machine changes less than time.

With `--pieces` the engine behind the server computes nothing: it writes so many pieces of each
answer, one every 30 ms. What the server uses then is what HTTP, JSON and threads cost: microseconds
of a core per answer and per piece, the least of the rounds.
"""

import argparse
import http.client
import json
import os
import statistics
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.decode_embedded import ROOT
from knm.bench import make_options, prepare_engine, prepare_run
from knm.engine import Event, OpenedEngine, StreamingEngine, describe_setup, open_setup
from knm.engine.requests import drive
from knm.errors import UserError
from knm.jsonio import dumps
from knm.models.placement import wait_without_spinning
from knm.records import Completion, Request
from knm.serving.loop import EngineLoop
from knm.serving.process import listen, url_of
from knm.serving.server import serve

WAYS = ("stream", "whole", "plain")
PIECE = "  local x = 1\n"


@dataclass(frozen=True)
class Figures:
    """Tokens that were written, seconds that passed, and those of the cores."""

    tokens: int
    seconds: float
    cores: float


def main() -> None:
    """Run the rounds; print a line of each, and the medians of their ratios."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit", type=int, help="only the first N problems")
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--slots", type=int, default=32)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=WAYS)
    parser.add_argument("--pieces", type=int, help="of an engine that computes nothing")
    options = parser.parse_args()
    wait_without_spinning()
    run = prepare_run(make_options({}), ROOT)
    requests = [run.requests(problem)[0] for problem in run.problem_set.problems][: options.limit]
    if options.pieces:
        measure_server(requests, options)
        return
    alone = Worker(decode, options.slots)
    server = Worker(answer, options.slots)
    url = str(server.line.recv())
    asked: dict[str, Callable[[], Figures]] = {"alone": partial(alone.ask, requests)}
    for way in options.ways:
        asked[way] = partial(ask_server, server, url, way, requests, options.clients)
    for each in asked.values():  # once before it counts
        each()
    found: dict[str, list[Figures]] = {name: [] for name in asked}
    for number in range(options.rounds):
        for name in sorted(asked, reverse=number % 2 == 1):
            figures = asked[name]()
            found[name].append(figures)
            speed = figures.tokens / figures.seconds
            print(
                f"{name:7} {figures.tokens:6} tokens {figures.seconds:6.1f} s {speed:7.1f} /s "
                f"{figures.cores:6.1f} s of the cores",
                flush=True,
            )
    for way in options.ways:
        pairs = list(zip(found[way], found["alone"], strict=True))
        rate = statistics.median(
            (ours.tokens / ours.seconds) / (base.tokens / base.seconds) for ours, base in pairs
        )
        cores = statistics.median(
            (base.cores / base.tokens) / (ours.cores / ours.tokens) for ours, base in pairs
        )
        print(f"{way:7} / alone: {rate:.2f} by time, {cores:.2f} by seconds of the cores")
    alone.close()
    server.close()


class Worker:
    """A process with an engine of its own."""

    def __init__(self, work: Callable[[int, Connection], None], slots: int) -> None:
        context = get_context("spawn")
        self.line, theirs = context.Pipe()
        self.process = context.Process(target=work, args=(slots, theirs), daemon=True)
        self.process.start()

    def ask(self, requests: Sequence[Request]) -> Figures:
        """Have requests decoded."""
        self.line.send(list(requests))
        found = self.line.recv()
        assert isinstance(found, Figures)
        return found

    def cores(self) -> float:
        """Seconds of the cores that it has used so far."""
        told = Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = told.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        self.process.kill()
        self.process.join()


def _open(slots: int) -> OpenedEngine:
    return open_setup(prepare_engine(make_options({"device": "cpu", "batch_size": slots}), ROOT))


def decode(slots: int, line: Connection) -> None:
    """The engine alone: it decodes what it is sent."""
    engine = _open(slots).engine
    while True:
        requests = line.recv()
        started, used = time.perf_counter(), time.process_time()
        done = drive(engine, requests)
        seconds, cores = time.perf_counter() - started, time.process_time() - used
        line.send(Figures(sum(each.completion_tokens for each in done), seconds, cores))


def answer(slots: int, line: Connection) -> None:
    """The engine served: it says where."""
    _serve(lambda: _open(slots), line)


def answer_at_once(pieces: int, line: Connection) -> None:
    """The same with an engine that computes nothing."""
    _serve(lambda: OpenedEngine(Pieces(pieces), lambda *_: ""), line)


def _serve(open_engine: Callable[[], OpenedEngine], line: Connection) -> None:
    setup = prepare_engine(make_options({"device": "cpu"}), ROOT)
    loop = EngineLoop(open_engine, capacity=10_000)
    with listen("127.0.0.1", 0) as listener:
        line.send(url_of(listener))
        serve(loop, describe_setup(setup), listener, token=None)


class Pieces(StreamingEngine):
    """Writes a piece of each answer every 30 ms, and computes nothing."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._running: dict[int, tuple[Request, bool, int]] = {}
        self._tickets = 0

    def submit_all(
        self, requests: Sequence[Request], *, streamed: bool = False
    ) -> list[int | UserError]:
        """Begin them all."""
        first = self._tickets + 1
        self._tickets += len(requests)
        for ticket, request in enumerate(requests, first):
            self._running[ticket] = (request, streamed, self._count)
        return list(range(first, self._tickets + 1))

    def cancel(self, ticket: int) -> None:
        """Forget a request."""
        self._running.pop(ticket, None)

    def step(self) -> list[Event]:
        """The next piece of each."""
        time.sleep(0.03)
        events = []
        for ticket, (request, streamed, left) in list(self._running.items()):
            if left > 1:
                self._running[ticket] = (request, streamed, left - 1)
                events += [Event(ticket, text=PIECE)] if streamed else []
                continue
            del self._running[ticket]
            tokens = tuple(range(8 * self._count))
            text = PIECE * self._count
            done = Completion(request.id, text, "stop", 190, len(tokens), 1.0, None, tokens)
            events.append(Event(ticket, text=PIECE, completion=done))
        return events

    @property
    def busy(self) -> bool:
        """Whether any is being written."""
        return bool(self._running)


def measure_server(requests: Sequence[Request], options: argparse.Namespace) -> None:
    """Print what each way costs the server."""
    server = Worker(answer_at_once, options.pieces)
    url = str(server.line.recv())
    for way in options.ways:
        spent = [
            ask_server(server, url, way, requests, options.clients).cores
            for _ in range(options.rounds + 1)
        ]
        least = min(spent[1:]) / len(requests) * 1e6
        print(f"{way:7} {least:7.0f} us an answer, {least / options.pieces:6.1f} us a piece")
    server.close()


def ask_server(
    server: Worker, url: str, way: str, requests: Sequence[Request], clients: int
) -> Figures:
    """Have all requests completed by so many clients at a time."""
    address = urlsplit(url).netloc
    started, used = time.perf_counter(), server.cores()
    with ThreadPoolExecutor(clients) as pool:
        counts = pool.map(lambda request: ask(address, way, request), requests)
        tokens = sum(counts)
    return Figures(tokens, time.perf_counter() - started, server.cores() - used)


_connections = threading.local()


def ask(address: str, way: str, request: Request) -> int:
    """Tokens of one completion."""
    if not hasattr(_connections, "of"):
        _connections.of = http.client.HTTPConnection(address)
    body = {
        "model": "embedded",
        "prompt": request.prompt,
        "max_tokens": request.max_new_tokens,
        "temperature": 0,
        "knm": {"chat": request.chat, **({"whole": True} if way == "whole" else {})},
        **({} if way == "plain" else {"stream": True, "stream_options": {"include_usage": True}}),
    }
    headers = {"Content-Type": "application/json"}
    _connections.of.request("POST", "/v1/completions", dumps(body).encode(), headers)
    told = _connections.of.getresponse().read()
    if way != "plain":
        told = told.split(b"data: ")[-2]  # before [DONE]
    return int(json.loads(told)["usage"]["completion_tokens"])


if __name__ == "__main__":
    main()
