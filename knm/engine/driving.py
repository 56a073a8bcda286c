"""Waiting for completions of an engine that streams."""

from collections.abc import Callable, Sequence

from knm.engine.records import Completion, ContextExceeded, Event, Request, StreamingEngine


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


def drive_each(
    engine: StreamingEngine,
    requests: Sequence[Request],
    deliver: Callable[[int, Completion | Exception], None],
) -> None:
    """Submit `requests` and step until all are done.

    `deliver` is called with a request's place and its completion, or what went wrong with it, as it
    comes. Nothing else may be with the engine meanwhile.

    Raises:
        UserError: the engine refuses a request for another reason than its length.
    """
    waiting: dict[int, int] = {}
    for number, request in enumerate(requests):
        try:
            waiting[engine.submit(request)] = number
        except ContextExceeded as error:
            deliver(number, error)
    while waiting:
        for event in engine.step():
            ended = event.completion or event.error
            if ended is not None:
                deliver(waiting.pop(event.ticket), ended)
