"""Requests one by one in front of an engine that decodes whole batches."""

from collections import deque
from collections.abc import Sequence

from knm.engine.batched import BatchedEngine
from knm.engine.records import Completion, Event, GenerationOptions, Request
from knm.models import LoadedModel
from knm.retrieval import Retriever


class QueuedEngine:
    """A `BatchedEngine` as a `StreamingEngine`: a step decodes the next batch to its end.

    Text comes only with the completion. Batches are cut from the queue in its order.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        options: GenerationOptions,
        retriever: Retriever | None = None,
    ) -> None:
        self._engine = BatchedEngine(loaded, options, retriever)
        self._batch_size = options.batch_size
        self._queue: deque[tuple[int, Request]] = deque()
        self._submitted = 0

    def submit(self, request: Request) -> int:
        """See `StreamingEngine.submit`."""
        self._submitted += 1
        self._queue.append((self._submitted, request))
        return self._submitted

    def cancel(self, ticket: int) -> None:
        """See `StreamingEngine.cancel`."""
        self._queue = deque(entry for entry in self._queue if entry[0] != ticket)

    def step(self) -> list[Event]:
        """See `StreamingEngine.step`."""
        size = min(self._batch_size, len(self._queue))
        batch = [self._queue.popleft() for _ in range(size)]
        completions = self.complete([request for _, request in batch])
        return [
            Event(ticket, text=completion.text, completion=completion)
            for (ticket, _), completion in zip(batch, completions, strict=True)
        ]

    @property
    def busy(self) -> bool:
        """See `StreamingEngine.busy`."""
        return bool(self._queue)

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """See `Engine.complete`."""
        return self._engine.complete(requests)
