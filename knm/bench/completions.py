"""The completions of a run: from the cache, or else from the engine, asked for all at once."""

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import groupby
from typing import Final

from knm.bench.engines import EngineAddress
from knm.engine import CompletionCache, EngineConfiguration, completion_key
from knm.records import Completion, Request
from knm.serving import EngineClient, EngineLost

CALL_SIZE: Final = 64
CALLS: Final = 8
"""Together what the engine has at a time of one process: enough to fill its slots, and a server
that others use too is not handed everything at once."""


class CompletionService:
    """Completions of requests, in whichever order they are asked for.

    What the cache lacks is requested when the service is made, in the order given, and kept in the
    cache the moment it comes: a run that is killed loses only what was being decoded. When the
    engine dies, everything outstanding ends with its error at once.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        configuration: EngineConfiguration,
        connect: Callable[[], EngineAddress],
        cache: CompletionCache,
        *,
        since: float = 0.0,
    ) -> None:
        """`connect` is called only if the cache lacks something stored at `since` or later."""
        self._configuration = configuration
        self._cache = cache
        self._client: EngineClient | None = None
        self._outcomes: dict[Request, Completion | Exception] = {}
        self._changed = threading.Condition()
        self._calls: queue.SimpleQueue[list[Request]] = queue.SimpleQueue()
        missing = []
        for request in requests:
            kept = cache.get(completion_key(configuration, request), since=since)
            if kept is None:
                missing.append(request)
            else:
                self._outcomes[request] = kept
        self.from_cache = len(self._outcomes)
        self._missing = frozenset(missing)
        if missing:
            self._begin(missing, connect)

    def complete(self, request: Request) -> Completion:
        """Wait for a completion.

        Raises:
            EngineFailed, EngineLost: there will be none.
        """
        with self._changed:
            while request not in self._outcomes:
                self._changed.wait()
        outcome = self._outcomes[request]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Give up what is outstanding."""
        if self._client is not None:
            self._client.close()

    def _begin(self, missing: list[Request], connect: Callable[[], EngineAddress]) -> None:
        self._client = connect().client()
        # A call is about requests that differ in nothing else; problems may have their own stops.
        for _, alike in groupby(missing, lambda each: replace(each, id="", prompt="", sample=0)):
            requests = list(alike)
            for start in range(0, len(requests), CALL_SIZE):
                self._calls.put(requests[start : start + CALL_SIZE])
        for _ in range(min(CALLS, self._calls.qsize())):
            threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        try:
            while True:
                self._call(self._calls.get_nowait())
        except queue.Empty:
            return
        except Exception as error:
            self._end_all(error)

    def _call(self, requests: list[Request]) -> None:
        def deliver(place: int, outcome: Completion | Exception) -> None:
            request = requests[place]
            if isinstance(outcome, Completion):
                key = completion_key(self._configuration, request)
                self._cache.put(key, outcome, self._configuration)
            self._end(request, outcome)

        assert self._client is not None
        self._client.complete(self._configuration.model, requests, deliver)
        for request in requests:
            self._end(request, EngineLost("the engine passed this problem over"))

    def _end(self, request: Request, outcome: Completion | Exception) -> None:
        with self._changed:
            self._outcomes.setdefault(request, outcome)
            self._changed.notify_all()

    def _end_all(self, error: Exception) -> None:
        for request in self._missing:
            self._end(request, error)
