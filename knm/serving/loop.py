"""The thread that owns an engine, and how others hand it requests.

Knows nothing of HTTP. Requests that are equal while they wait or decode are decoded once: by the
engine's contract a completion depends on its request alone.
"""

import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from knm.engine import Event, StreamingEngine
from knm.errors import UserError
from knm.records import Request
from knm.serving.errors import EngineFailed, QueueFull, ServerStopping

if TYPE_CHECKING:
    from knm.engine import OpenedEngine

Deliver = Callable[[int, Event], None]
"""Called in the engine's thread with a request's place among those submitted, and its news."""

_GOODBYE_SECONDS: Final = 10.0
_STALL_SECONDS: Final = 1800.0
"""Longer than any step of a living engine: plain `generate` decodes a batch to its end in one."""


@dataclass
class _Job:
    """One request in work, and who waits for it."""

    request: Request
    streamed: bool
    listeners: list[tuple["Subscription", int]] = field(default_factory=list)
    text: str = ""
    ticket: int | None = None


@dataclass(eq=False)
class Subscription:
    """Requests that were submitted together."""

    deliver: Deliver
    jobs: list[_Job] = field(default_factory=list)


@dataclass
class Counters:
    """What an engine has done since it started."""

    completions: dict[str, int] = field(default_factory=dict)  # by finish reason
    errors: int = 0
    cancelled: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    busy_seconds: float = 0.0


class EngineLoop:
    """Steps an engine as long as there is work. All methods may be called from any thread.

    The engine is opened when it is first needed: a run whose completions are all cached never
    loads a model.
    """

    def __init__(self, open_engine: "Callable[[], OpenedEngine]", capacity: int) -> None:
        """`capacity` bounds the requests that wait or decode."""
        self.capacity = capacity
        self.counters = Counters()
        self._open_engine = open_engine
        self._opened: OpenedEngine | None = None
        self._opening = threading.Event()
        self._ready = threading.Event()
        self._failure: EngineFailed | None = None
        self._changed = threading.Condition()
        self._jobs: dict[Request, _Job] = {}
        self._by_ticket: dict[int, _Job] = {}
        self._inbox: deque[_Job] = deque()
        self._withdrawn: list[int] = []
        self._closing = False
        self._last_turn = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def status(self) -> str:
        """One of unloaded, loading, ready, failed."""
        if self._failure is not None:
            return "failed"
        if self._ready.is_set():
            return "ready"
        return "loading" if self._opening.is_set() else "unloaded"

    @property
    def pending(self) -> int:
        """How many requests wait or decode."""
        return len(self._jobs)

    @property
    def stalled(self) -> bool:
        """Whether the engine has been in one step for so long that it will hardly return."""
        return self._ready.is_set() and time.monotonic() - self._last_turn > _STALL_SECONDS

    def open(self) -> "OpenedEngine":
        """Have the engine opened, and wait until it is.

        Raises:
            EngineFailed: it could not be.
        """
        self._opening.set()
        self._ready.wait()
        self._refuse_if_failed()
        assert self._opened is not None
        return self._opened

    def submit(
        self, requests: Sequence[Request], deliver: Deliver, *, streamed: bool = False
    ) -> Subscription:
        """Queue requests. Each gets events, the last with its completion or error.

        Where they are `streamed` text comes as it is written, unless an equal request is in work
        already that is not.

        Raises:
            QueueFull: there is no room for all of them.
            EngineFailed: the engine is dead.
        """
        subscription = Subscription(deliver)
        with self._changed:
            self._refuse_if_failed()
            new = {request for request in requests if request not in self._jobs}
            if len(self._jobs) + len(new) > self.capacity:
                raise QueueFull(f"{len(self._jobs)} of at most {self.capacity} requests wait")
            for place, request in enumerate(requests):
                self._join(request, subscription, place, streamed=streamed)
            self._opening.set()
            self._changed.notify()
        return subscription

    def withdraw(self, subscription: Subscription) -> None:
        """Forget requests that nobody waits for any more; those that have ended are passed over."""
        with self._changed:
            for job in subscription.jobs:
                job.listeners = [entry for entry in job.listeners if entry[0] is not subscription]
                if job.listeners or self._jobs.get(job.request) is not job:
                    continue
                del self._jobs[job.request]
                self.counters.cancelled += 1
                if job.ticket is not None:
                    del self._by_ticket[job.ticket]
                    self._withdrawn.append(job.ticket)
                elif job in self._inbox:  # else it is on its way to the engine, see `_enter`
                    self._inbox.remove(job)
            subscription.jobs.clear()
            self._changed.notify()

    def stop(self) -> None:
        """Take no more requests; those in work end with `ServerStopping`, at once."""
        self._fail(ServerStopping())

    def close(self) -> None:
        """Stop after the step in progress; requests in work end with an error."""
        self._closing = True
        self._opening.set()
        with self._changed:
            self._changed.notify()
        self._thread.join(_GOODBYE_SECONDS)

    def _refuse_if_failed(self) -> None:
        if self._failure is not None:
            raise type(self._failure)(str(self._failure)) from self._failure

    def _join(
        self, request: Request, subscription: Subscription, place: int, *, streamed: bool
    ) -> None:
        job = self._jobs.get(request)
        if job is None:
            job = self._jobs[request] = _Job(request, streamed)
            self._inbox.append(job)
        elif job.text:
            subscription.deliver(place, Event(0, text=job.text))
        job.listeners.append((subscription, place))
        subscription.jobs.append(job)

    def _run(self) -> None:
        self._opening.wait()
        try:
            if not self._closing:
                self._opened = self._open_engine()
                self._ready.set()
            while self._opened is not None and not self._closing:
                self._turn(self._opened.engine)
            raise ServerStopping
        except Exception as error:
            if not isinstance(error, (EngineFailed, UserError)):
                traceback.print_exc(file=sys.stderr)
            self._fail(error)

    def _turn(self, engine: StreamingEngine) -> None:
        with self._changed:
            while not (self._inbox or self._withdrawn or engine.busy or self._closing):
                self._changed.wait(_STALL_SECONDS / 2)
                self._last_turn = time.monotonic()
            while self._withdrawn:
                engine.cancel(self._withdrawn.pop())
            entering = list(self._inbox)
            self._inbox.clear()
        for streamed in (True, False):
            self._enter(engine, [job for job in entering if job.streamed is streamed])
        started = self._last_turn = time.monotonic()
        events = engine.step()
        with self._changed:
            self.counters.busy_seconds += time.monotonic() - started
            for event in events:
                job = self._by_ticket.get(event.ticket)
                if job is not None:
                    self._tell(job, event)

    def _enter(self, engine: StreamingEngine, jobs: Sequence[_Job]) -> None:
        """Hand jobs to the engine, which turns their prompts into tokens: nobody waits for that."""
        if not jobs:
            return
        requests = [job.request for job in jobs]
        queued = engine.submit_all(requests, streamed=jobs[0].streamed)
        with self._changed:
            for job, ticket in zip(jobs, queued, strict=True):
                wanted = self._jobs.get(job.request) is job  # nobody withdrew it meanwhile
                if isinstance(ticket, UserError):
                    if wanted:
                        self._tell(job, Event(0, error=ticket))
                elif wanted:
                    job.ticket = ticket
                    self._by_ticket[ticket] = job
                else:
                    engine.cancel(ticket)

    def _tell(self, job: _Job, event: Event) -> None:
        job.text += event.text
        if event.completion is not None or event.error is not None:
            del self._jobs[job.request]
            if job.ticket is not None:
                del self._by_ticket[job.ticket]
            self._count(event)
        for subscription, place in job.listeners:
            subscription.deliver(place, event)

    def _count(self, event: Event) -> None:
        done, counters = event.completion, self.counters
        if done is None:
            counters.errors += 1
            return
        reason = done.finish_reason or "unknown"
        counters.completions[reason] = counters.completions.get(reason, 0) + 1
        counters.prompt_tokens += done.prompt_tokens
        counters.completion_tokens += done.completion_tokens

    def _fail(self, error: Exception) -> None:
        name = "" if isinstance(error, UserError) else f"{type(error).__name__}: "
        failed = error
        if not isinstance(failed, EngineFailed):
            failed = EngineFailed(f"{name}{error}")
            failed.__cause__ = error
        with self._changed:
            self._failure = self._failure or failed
            self._opened = None
            self._ready.set()
            self._changed.notify()
            self._inbox.clear()
            for job in list(self._jobs.values()):
                self._tell(job, Event(0, error=self._failure))
