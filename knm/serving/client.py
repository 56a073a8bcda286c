"""Asking an engine server for completions: standard library only, for processes that stay small."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Protocol

from knm.codec import from_json
from knm.engine import ContextExceeded, EngineConfiguration
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.records import Completion, Request
from knm.serving.errors import CONTEXT_EXCEEDED, MALFORMED, EngineFailed, EngineLost, shown
from knm.serving.transport import Patience, Transport

Outcome = Completion | Exception


class Client(Protocol):
    """Who asks a server for completions, of whatever kind it is."""

    takes_many: bool
    """Whether a call may hold many requests; else each is best asked for in a call of its own."""

    def complete(
        self,
        model: str,
        requests: Sequence[Request],
        deliver: Callable[[int, Outcome], None],
        entered: Callable[[], None] = lambda: None,
    ) -> None:
        """Have requests completed.

        `deliver` is called with a request's place and its completion, or what was wrong with it,
        as they come; `entered` when the server has them, if it tells, else at once.

        Raises:
            EngineFailed: the engine is dead, or answers with an error.
            EngineLost: the server is gone, or it does not answer.
        """

    def is_alive(self) -> bool:
        """Whether the server answers, and can decode as far as it knows."""

    def close(self) -> None:
        """End all calls in progress."""


class EngineClient:
    """A client of `knm serve`. Its methods may be called from several threads."""

    takes_many = True

    def __init__(self, url: str, token: str | None = None) -> None:
        """Nothing is sent yet.

        Raises:
            UserError: the URL is none of HTTP, or holds a secret.
        """
        self.url = url
        self._transport = Transport(url, token, Patience())

    def configuration(self) -> EngineConfiguration:
        """What the server says of its engine.

        Raises:
            UserError: nobody is there, the token is wrong, or it is not a server of ours.
        """
        status, value = self._transport.get("/v1/knm/configuration")
        if status != 200:
            raise UserError(f"{named('engine')} {self.url}: answers {status}; is it `knm serve`?")
        return EngineConfiguration.from_json(value, f"{named('engine')} {self.url}")

    def complete(
        self,
        model: str,
        requests: Sequence[Request],
        deliver: Callable[[int, Outcome], None],
        entered: Callable[[], None] = lambda: None,
    ) -> None:
        """Have requests completed, alike in all but id, prompt and sample.

        `deliver` is called with a request's place and its completion, or what was wrong with it,
        as they come, and `entered` when they are queued. A server that is full is asked again, less
        and less often.

        Raises:
            EngineFailed: the engine is dead, or what comes is no answer of such a server.
            EngineLost: the server is, or it does not answer.
        """
        body = dumps(_body(model, requests)).encode()
        with self._transport.stream("/v1/completions", body) as response:
            entered()
            for data in _read_events(response):
                try:
                    outcomes = _outcomes(requests, data)
                except MALFORMED as error:
                    raise EngineFailed(
                        f"{self.url}: not an answer of `knm serve`: {shown(data)}"
                    ) from error
                for place, outcome in outcomes:
                    deliver(place, outcome)

    def is_alive(self) -> bool:
        """Whether the server answers and its engine has not failed."""
        return self._transport.is_alive("/health")

    def close(self) -> None:
        """End all calls in progress."""
        self._transport.close()


def _body(model: str, requests: Sequence[Request]) -> dict[str, Any]:
    first = requests[0]
    common = replace(first, id="", prompt="", sample=0)
    assert all(replace(each, id="", prompt="", sample=0) == common for each in requests)
    return {
        "model": model,
        "prompt": [request.prompt for request in requests],
        "max_tokens": first.max_new_tokens,
        "stop": list(first.stop),
        "temperature": first.sampling.temperature,
        "top_p": first.sampling.top_p,
        "seed": first.sampling.seed,
        "stream": True,
        **({"chat_template_kwargs": dict(first.chat_arguments)} if first.chat_arguments else {}),
        "knm": {
            "chat": first.chat,
            **({"system": first.system} if first.system else {}),
            "ids": [request.id for request in requests],
            "samples": [request.sample for request in requests],
            "whole": True,
            "withheld": first.withheld,
        },
    }


def _outcomes(requests: Sequence[Request], data: bytes) -> list[tuple[int, Outcome]]:
    """What an event tells of requests, by their places.

    Raises:
        EngineFailed: the engine is dead.
        Exception: one of `MALFORMED`.
    """
    event = json.loads(data)
    if "error" in event:
        raise EngineFailed(event["error"]["message"])
    found = []
    for choice in event["choices"]:
        place = range(len(requests)).index(choice["index"])
        found.append((place, _outcome(requests[place], choice)))
    return found


def _outcome(request: Request, choice: dict[str, Any]) -> Outcome:
    details = choice["knm"]
    if details.get("code") == CONTEXT_EXCEEDED:
        return ContextExceeded(request.id, details["prompt_tokens"], details["context"])
    if "error" in details:
        return EngineFailed(details["error"])
    told = ("prompt_tokens", "completion_tokens", "seconds", "interventions")
    return from_json(
        Completion,
        {
            "id": request.id,
            "text": choice["text"],
            "finish_reason": choice["finish_reason"],
            **{name: details[name] for name in told},
        },
        "an engine's answer",
    )


def _read_events(response: Iterable[bytes]) -> Iterator[bytes]:
    """What each server-sent event says. A stream that just stops was cut."""
    for line in response:
        if not line.endswith(b"\n"):
            break
        if line.startswith(b"data: "):
            data = line.removeprefix(b"data: ").strip()
            if data == b"[DONE]":
                return
            yield data
    raise EngineLost("the engine's answer was cut off")
