"""Waiting for completions of an engine that streams."""

from collections.abc import Sequence

from knm.engine.records import Completion, Event, Request, StreamingEngine


def drive(
    engine: StreamingEngine, requests: Sequence[Request], others: list[Event] | None = None
) -> list[Completion]:
    """Submit `requests` and step until all are done; their completions in order.

    Events of other tickets are added to `others`.

    Raises:
        Exception: what went wrong with any of them; the rest is cancelled.
    """
    tickets: list[int] = []
    done: dict[int, Completion] = {}
    try:
        tickets += (engine.submit(request) for request in requests)
        while len(done) < len(tickets):
            for event in engine.step():
                if event.ticket not in tickets:
                    if others is not None:
                        others.append(event)
                elif event.error is not None:
                    raise event.error
                elif event.completion is not None:
                    done[event.ticket] = event.completion
    finally:
        for ticket in tickets:
            if ticket not in done:
                engine.cancel(ticket)
    return [done[ticket] for ticket in tickets]
