"""One address for several servers: what other processes of a run ask, so that all ask as one.

Without it each worker of xdist would send every request itself, and each would find out alone that
a server is gone.
"""

import queue
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from knm.engine import (
    ContextExceeded,
    EngineConfiguration,
    Event,
    OpenedEngine,
    StreamingEngine,
)
from knm.errors import UserError
from knm.records import ChatArguments, Completion, Messages, Request
from knm.serving.client import Outcome
from knm.serving.errors import EngineLost
from knm.serving.fleet import Dispatcher
from knm.serving.loop import EngineLoop
from knm.serving.process import listen, url_of
from knm.serving.server import make_server
from knm.serving.servers import Server

_CAPACITY: Final = 10_000_000  # a run is bounded by its problems
_LONGEST: Final = 2**31  # the servers' own bounds hold
_TURN_SECONDS: Final = 0.02

MakeDispatcher = Callable[[Callable[[Request, Outcome], None]], Dispatcher]


class Relay:
    """A server on the loopback, in threads of this process, in front of others."""

    def __init__(self, make_dispatcher: MakeDispatcher, configuration: EngineConfiguration) -> None:
        """`make_dispatcher` is given what is to be told of each outcome."""
        engine = _DispatchedEngine(make_dispatcher)
        self._engine = engine
        self._loop = EngineLoop(lambda: OpenedEngine(engine, _refuse_conversation), _CAPACITY)
        token = secrets.token_urlsafe(24)
        self._listener = listen("127.0.0.1", 0)
        self.server = Server(url_of(self._listener), token)
        bounds = replace(configuration, max_new_tokens=_LONGEST)
        self._web = make_server(self._loop, bounds, token=token, loopback=True)
        self._thread = threading.Thread(
            target=self._web.run, kwargs={"sockets": [self._listener]}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Give up what is outstanding."""
        self._engine.close()
        self._web.should_exit = True
        self._thread.join()
        self._loop.close()
        self._listener.close()


class _DispatchedEngine(StreamingEngine):
    """Servers as a `StreamingEngine`. What was written once is not asked for again."""

    def __init__(self, make_dispatcher: MakeDispatcher) -> None:
        self._news: queue.SimpleQueue[tuple[Request, Outcome]] = queue.SimpleQueue()
        self._dispatcher = make_dispatcher(lambda *news: self._news.put(news))
        self._done: dict[Request, Completion] = {}
        self._tickets: dict[int, Request] = {}
        self._asked: set[Request] = set()
        self._places: dict[str, int] = {}
        self._new: list[tuple[int, Request]] = []
        self._count = 0

    def submit_all(
        self,
        requests: Sequence[Request],
        *,
        streamed: bool = False,  # noqa: ARG002
    ) -> list[int | UserError]:
        """Queue requests; none is refused here."""
        return list(map(self._queue_up, requests))

    def _queue_up(self, request: Request) -> int:
        self._count += 1
        self._tickets[self._count] = request
        if request in self._done:
            self._news.put((request, self._done[request]))
        elif request not in self._asked:
            self._asked.add(request)
            place = self._places.setdefault(request.id, len(self._places))
            self._new.append((place, request))
        return self._count

    def cancel(self, ticket: int) -> None:
        """Tell nobody; it is asked for all the same, as the next worker may want it."""
        self._tickets.pop(ticket, None)

    def step(self) -> list[Event]:
        """Send what is new, and wait a moment for what comes."""
        if self._new:
            self._dispatcher.ask(self._new)
            self._new = []
        came: dict[Request, Outcome] = {}
        until = time.monotonic() + _TURN_SECONDS
        while (left := until - time.monotonic()) > 0:
            try:
                request, outcome = self._news.get(timeout=left)
            except queue.Empty:
                break
            came.setdefault(request, outcome)
        for request, outcome in came.items():
            self._asked.discard(request)
            if isinstance(outcome, Completion):
                self._done[request] = outcome
        tickets = [ticket for ticket, request in self._tickets.items() if request in came]
        return [_event(ticket, came[self._tickets.pop(ticket)]) for ticket in tickets]

    @property
    def busy(self) -> bool:
        """Whether any request is waited for."""
        return bool(self._tickets)

    def close(self) -> None:
        """Give up what is outstanding."""
        self._dispatcher.close()


def _event(ticket: int, outcome: Outcome) -> Event:
    if isinstance(outcome, Completion):
        return Event(ticket, text=outcome.text, completion=outcome)
    # This engine lives, whatever became of a request: it is the request's fault alone.
    told = outcome if isinstance(outcome, ContextExceeded) else EngineLost(str(outcome))
    return Event(ticket, error=told)


def _refuse_conversation(_messages: Messages, _arguments: ChatArguments) -> str:
    raise ValueError("conversations are for the servers themselves")
