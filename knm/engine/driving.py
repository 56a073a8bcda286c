"""Waiting for completions of an engine that streams."""

from collections.abc import Sequence

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
    engine: StreamingEngine, requests: Sequence[Request]
) -> list[Completion | Exception]:
    """Submit `requests` and step until all are done: each one's completion, or what went wrong.

    Nothing else may be with the engine meanwhile.

    Raises:
        UserError: the engine refuses a request for another reason than its length.
    """
    tickets: dict[int, int] = {}
    done: dict[int, Completion | Exception] = {}
    for number, request in enumerate(requests):
        try:
            tickets[engine.submit(request)] = number
        except ContextExceeded as error:
            done[number] = error
    while len(done) < len(requests):
        for event in engine.step():
            ended = event.completion or event.error
            if ended is not None:
                done[tickets[event.ticket]] = ended
    return [done[number] for number in range(len(requests))]
