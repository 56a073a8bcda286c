"""The completions of a run: from the cache, or else from its servers, asked for all at once."""

import threading
from collections.abc import Callable, Iterable

from knm.engine import CompletionCache, EngineConfiguration, completion_key
from knm.records import Completion, Request
from knm.serving import Dispatcher

Outcome = Completion | Exception
Connect = Callable[[Callable[[Request, Outcome], None]], Dispatcher]


class CompletionService:
    """Completions of requests, in whichever order they are asked for.

    What the cache lacks is requested when the service is made, in the order given, and kept in the
    cache the moment it comes: a run that is killed loses only what was being decoded. When there is
    no engine any more, everything outstanding ends with its error at once.
    """

    def __init__(
        self,
        requests: Iterable[Request],
        configuration: EngineConfiguration,
        connect: Connect,
        cache: CompletionCache,
        *,
        since: float = 0.0,
    ) -> None:
        """`connect` is called only if the cache lacks something stored at `since` or later.

        It is given what to tell of each outcome, and gives who has requests completed.
        """
        self._configuration = configuration
        self._cache = cache
        self._dispatcher: Dispatcher | None = None
        self._outcomes: dict[Request, Outcome] = {}
        self._changed = threading.Condition()
        # Places are those among all problems: workers that find different ones in the cache still
        # ask the same server for the same.
        places: dict[str, int] = {}
        missing = []
        for request in requests:
            place = places.setdefault(request.id, len(places))
            kept = cache.get(completion_key(configuration, request), since=since)
            if kept is None:
                missing.append((place, request))
            else:
                self._outcomes[request] = kept
        self.from_cache = len(self._outcomes)
        if missing:
            self._dispatcher = connect(self._end)
            self._dispatcher.ask(missing)

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
        if self._dispatcher is not None:
            self._dispatcher.close()

    def _end(self, request: Request, outcome: Outcome) -> None:
        if isinstance(outcome, Completion):
            key = completion_key(self._configuration, request)
            self._cache.put(key, outcome, self._configuration)
        with self._changed:
            self._outcomes.setdefault(request, outcome)
            self._changed.notify_all()
