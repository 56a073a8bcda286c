"""Requests spread over the servers of a run, and moved to the others when one is gone."""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Final

from knm.records import Completion, Request
from knm.serving.client import Client, Outcome
from knm.serving.errors import EngineFailed, EngineLost, EngineRefused
from knm.serving.servers import Server

CALL_SIZE: Final = 64
CALLS: Final = 8
"""Together what a server of ours has at a time of one process: enough to fill its slots, and one
that others use too is not handed everything at once."""
FOREIGN_CALLS: Final = 64
"""Requests, each a call of its own, that a server of another kind has at a time."""

_TRIES: Final = 3
"""So often requests are tried that servers fail at and survive."""


class Fleet:
    """Some servers that write the same, of which some may have died."""

    def __init__(self, servers: Sequence[Server], say: Callable[[str], None]) -> None:
        """`say` is told, once each, of servers that are gone while others go on."""
        self.clients: tuple[Client, ...] = tuple(server.client() for server in servers)
        self._names = {
            client: server.name for client, server in zip(self.clients, servers, strict=True)
        }
        self._say = say
        self._lock = threading.Lock()
        self._gone: dict[Client, Exception] = {}

    def choose(self, place: int) -> Client:
        """The client for what has this place in the run; another one where its server is gone.

        Raises:
            EngineFailed, EngineLost: all are gone.
        """
        with self._lock:
            first = self.clients[place % len(self.clients)]
            if first not in self._gone:
                return first
            living = [client for client in self.clients if client not in self._gone]
            if living:
                return living[place % len(living)]
            raise self._no_more()

    def complete(self, model: str, place: int, request: Request) -> Completion:
        """One request completed, by another server where its own fails.

        Raises:
            ContextExceeded, EngineRefused: it cannot be.
            EngineFailed, EngineLost: none gives an answer.
        """
        tries = 0
        while True:
            client = self.choose(place + tries)
            outcomes: dict[int, Outcome] = {}
            try:
                client.complete(model, [request], outcomes.__setitem__)
            except EngineRefused:
                raise
            except (EngineFailed, EngineLost) as error:
                tries += 1
                if self.survives(client, error) and tries >= _TRIES:
                    raise
                continue
            outcome = outcomes.get(0, EngineLost("no answer came"))
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

    def is_gone(self, client: Client) -> bool:
        """Whether a server was left out."""
        return client in self._gone

    def survives(self, client: Client, error: Exception) -> bool:
        """Whether a server is still there that a call failed at; it is left out if it is not."""
        if not self.is_gone(client) and client.is_alive():
            return True
        with self._lock:
            if client in self._gone:
                return False
            self._gone[client] = error
            left = len(self.clients) - len(self._gone)
        client.close()  # other calls of a server that hangs
        if left:
            count = f"{left} others go on" if left > 1 else "the other one goes on"
            self._say(f"{self._names[client]} is gone, {count}: {error}")
        return False

    def close(self) -> None:
        """End all calls in progress."""
        for client in self.clients:
            client.close()

    def _no_more(self) -> Exception:
        if len(self._gone) == 1:
            (error,) = self._gone.values()
            return error
        reasons = [f"{self._names[client]}: {error}" for client, error in self._gone.items()]
        return EngineLost("; ".join(reasons))


@dataclass
class _Batch:
    """Requests of one call. `places` are those of their problems in the run."""

    requests: list[Request]
    places: list[int]
    tries: int = 0


@dataclass
class _Lane:
    """What waits for one server, how many calls of it are under way, and whose turn it is."""

    waiting: deque[_Batch] = field(default_factory=deque)
    working: int = 0
    entering: threading.Lock = field(default_factory=threading.Lock)


class Dispatcher:
    """Has requests completed by a fleet; all of a problem go to one server.

    Each request ends once: with its completion, or what kept it from being. Where a server fails
    that lives on, its requests are tried again, elsewhere if there is another.
    """

    def __init__(
        self,
        fleet: Fleet,
        model: str,
        deliver: Callable[[Request, Outcome], None],
        *,
        foreign_calls: int = FOREIGN_CALLS,
    ) -> None:
        """`deliver` may be called in any thread, and again for a request that has ended."""
        self._fleet = fleet
        self._foreign_calls = foreign_calls
        self._model = model
        self._deliver = deliver
        self._lock = threading.Lock()
        self._lanes = {client: _Lane() for client in fleet.clients}
        self._closed = False

    def ask(self, requests: Sequence[tuple[int, Request]], tries: int = 0) -> None:
        """Have requests completed, each given with the place of its problem in the run."""
        shares: dict[Client, list[tuple[int, Request]]] = {}
        try:
            for place, request in requests:
                shares.setdefault(self._fleet.choose(place + tries), []).append((place, request))
        except (EngineFailed, EngineLost) as error:
            self._end([request for _, request in requests], error)
            return
        for client, share in shares.items():
            size = CALL_SIZE if client.takes_many else 1
            # A call is about requests that differ in nothing else; problems may have their own
            # stops.
            for _, alike in groupby(share, lambda each: _common(each[1])):
                group = list(alike)
                for start in range(0, len(group), size):
                    places, asked = zip(*group[start : start + size], strict=True)
                    self._put(client, _Batch(list(asked), list(places), tries))

    def close(self) -> None:
        """Give up what is outstanding."""
        self._closed = True
        self._fleet.close()

    def _put(self, client: Client, batch: _Batch) -> None:
        with self._lock:
            lane = self._lanes[client]
            lane.waiting.append(batch)
            if lane.working >= (CALLS if client.takes_many else self._foreign_calls):
                return
            lane.working += 1
        threading.Thread(target=self._work, args=(client, lane), daemon=True).start()

    def _work(self, client: Client, lane: _Lane) -> None:
        while True:
            with ExitStack() as turn:
                # Who takes a call enters it before the next is taken: what is asked for first is
                # decoded first, and whoever waits in that order need not wait for the rest.
                turn.enter_context(lane.entering)
                with self._lock:
                    if not lane.waiting:
                        lane.working -= 1
                        return
                    batch = lane.waiting.popleft()
                try:
                    self._call(client, batch, turn.close)
                except Exception as error:  # a fault of ours must not leave anybody waiting
                    self._end(batch.requests, error)

    def _call(self, client: Client, batch: _Batch, entered: Callable[[], None]) -> None:
        if self._fleet.is_gone(client):
            self.ask(list(zip(batch.places, batch.requests, strict=True)), batch.tries)
            return
        left = dict(enumerate(batch.requests))

        def deliver(place: int, outcome: Outcome) -> None:
            self._deliver(batch.requests[place], outcome)
            left.pop(place, None)

        try:
            client.complete(self._model, batch.requests, deliver, entered)
        except EngineRefused as error:
            self._end(left.values(), error)
        except (EngineFailed, EngineLost) as error:
            again = [(batch.places[place], request) for place, request in left.items()]
            tries = batch.tries + 1
            if self._closed or (self._fleet.survives(client, error) and tries >= _TRIES):
                self._end(left.values(), error)
            else:
                self.ask(again, tries)
        else:
            self._end(left.values(), EngineLost("the engine passed this problem over"))

    def _end(self, requests: Iterable[Request], error: Exception) -> None:
        for request in list(requests):
            self._deliver(request, error)


def _common(request: Request) -> Request:
    """What requests of one call have in common."""
    return replace(request, id="", prompt="", sample=0)
