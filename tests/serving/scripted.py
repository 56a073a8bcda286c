"""An engine without a model, and a server in front of it."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from knm.engine import (
    ContextExceeded,
    EngineConfiguration,
    Event,
    OpenedEngine,
    StreamingEngine,
)
from knm.engine.requests import attempt
from knm.errors import UserError
from knm.records import Request
from knm.serving.loop import EngineLoop
from knm.serving.process import listen, url_of
from knm.serving.server import GOODBYE_SECONDS, make_server
from tests.engine.configurations import CONFIGURATION, completion


class ScriptedEngine(StreamingEngine):
    """Writes `<prompt> 0 1 2 ...`, a word for each running request a step, as far as it may.

    A prompt of `refuse` is refused, one of `long` fills the context, one of `die` kills the engine.
    Steps wait for `gate`. A `fault` that is set kills the engine, too.
    """

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.fault: Exception | None = None
        self.submitted: list[Request] = []
        self.cancelled: list[int] = []
        self._running: dict[int, tuple[Request, list[str]]] = {}

    def submit_all(
        self, requests: Sequence[Request], *, streamed: bool = False
    ) -> list[int | UserError]:
        return [attempt(partial(self.accept, request)) for request in requests]

    def accept(self, request: Request) -> int:
        if request.prompt == "refuse":
            raise UserError("the prompt is empty")
        if request.prompt == "long":
            raise ContextExceeded(request.id, 600, 512)
        self.submitted.append(request)
        ticket = len(self.submitted)
        self._running[ticket] = (request, [request.prompt])
        return ticket

    def cancel(self, ticket: int) -> None:
        self.cancelled.append(ticket)
        self._running.pop(ticket, None)

    def step(self) -> list[Event]:
        self.gate.wait()
        if self.fault is not None:
            raise self.fault
        events = []
        for ticket, (request, words) in list(self._running.items()):
            if request.prompt == "die":
                raise RuntimeError("CUDA error: unspecified launch failure")
            bound = request.max_new_tokens or 4
            if len(words) <= bound:
                words.append(f" {len(words) - 1}")
                events.append(Event(ticket, text=words[-1] if len(words) > 2 else "".join(words)))
            else:
                del self._running[ticket]
                done = completion(request, "".join(words), completion_tokens=bound)
                events.append(Event(ticket, completion=done))
        return events

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def opened(self) -> OpenedEngine:
        return OpenedEngine(
            self, lambda messages, _: "|".join(f"{m['role']}:{m['content']}" for m in messages)
        )


@contextmanager
def serving(
    engine: ScriptedEngine,
    *,
    configuration: EngineConfiguration = CONFIGURATION,
    capacity: int = 100,
    token: str | None = None,
    goodbye_seconds: float = GOODBYE_SECONDS,
) -> Iterator[str]:
    """The engine behind HTTP on the loopback; gives the address."""
    with behind_http(
        engine.opened,
        configuration,
        capacity=capacity,
        token=token,
        goodbye_seconds=goodbye_seconds,
        release=engine.gate.set,
    ) as url:
        yield url


@contextmanager
def behind_http(
    open_engine: Callable[[], OpenedEngine],
    configuration: EngineConfiguration,
    *,
    capacity: int = 100,
    token: str | None = None,
    goodbye_seconds: float = GOODBYE_SECONDS,
    release: Callable[[], None] = lambda: None,
) -> Iterator[str]:
    """Any engine behind HTTP on the loopback, in this process; gives the address.

    `release` is called when nobody is answered any more, before the engine's thread is waited for.
    """
    loop = EngineLoop(open_engine, capacity)
    with listen("127.0.0.1", 0) as listener:
        server = make_server(
            loop, configuration, token=token, loopback=True, goodbye_seconds=goodbye_seconds
        )
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield url_of(listener)
        finally:
            server.should_exit = True
            thread.join()
            release()
            loop.close()
