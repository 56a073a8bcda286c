"""Asking an engine server for completions: standard library only, for processes that stay small."""

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from knm.codec import from_json
from knm.engine import ContextExceeded, EngineConfiguration
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.records import Completion, Interventions, Request, Sampling
from knm.serving.errors import CONTEXT_EXCEEDED, EngineFailed, EngineLost, EngineRefused

Outcome = Completion | Exception

_SILENCE_SECONDS: Final = 300.0
"""A living server says something every few seconds, a starting one on a crowded machine may not."""
_ANSWER_SECONDS: Final = 3600.0
"""A server that streams nothing says nothing until it has the whole answer."""
_CONNECT_SECONDS: Final = 10.0
_FIRST_PAUSE_SECONDS: Final = 0.25
_LONGEST_PAUSE_SECONDS: Final = 10.0
_PATIENCE_SECONDS: Final = 900.0
_BUSY: Final = frozenset({429, 503})


@dataclass(frozen=True)
class ChatAnswer:
    """What a model answered one turn, and what it cost; 0 is a cost that was not told."""

    text: str
    finish_reason: str | None
    prompt_tokens: int
    completion_tokens: int


class EngineClient:
    """A client of `knm serve`. Its methods may be called from several threads."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Nothing is sent yet.

        Raises:
            UserError: the URL is none of HTTP.
        """
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise UserError(
                f"{named('engine')} {url}: expected a URL such as http://127.0.0.1:8000"
            )
        self.url = url
        self._parts = parts
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._closed = threading.Event()
        self._open: set[http.client.HTTPConnection] = set()

    def configuration(self) -> EngineConfiguration:
        """What the server says of its engine.

        Raises:
            UserError: nobody is there, the token is wrong, or it is not a server of ours.
        """
        value = self._get("/v1/knm/configuration")
        return EngineConfiguration.from_json(value, f"{named('engine')} {self.url}")

    def complete(
        self, model: str, requests: Sequence[Request], deliver: Callable[[int, Outcome], None]
    ) -> None:
        """Have requests completed, alike in all but id, prompt and sample.

        `deliver` is called with a request's place and its completion, or what was wrong with it,
        as they come. A server that is full is asked again, less and less often.

        Raises:
            EngineFailed: the engine is dead.
            EngineLost: the server is, or it does not answer.
        """
        body = dumps(_body(model, requests)).encode()
        try:
            for event in self._events(body):
                if "error" in event:
                    raise EngineFailed(event["error"]["message"])
                for choice in event["choices"]:
                    place = choice["index"]
                    deliver(place, _outcome(requests[place], choice))
        except (OSError, http.client.HTTPException) as error:
            raise EngineLost(f"{self.url}: {error or type(error).__name__}") from error

    def close(self) -> None:
        """End all calls in progress."""
        self._closed.set()
        for connection in list(self._open):
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    def models(self) -> list[str]:
        """The models that the server names; any server that speaks OpenAI's protocol will do.

        Raises:
            UserError: nobody is there, the token is wrong, or it does not speak it.
        """
        value = self._get("/v1/models")
        listed = value.get("data") if isinstance(value, dict) else None
        if not isinstance(listed, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get("id"), str) for entry in listed
        ):
            raise UserError(f"{named('engine')} {self.url}: names no models; is it an OpenAI API?")
        return [entry["id"] for entry in listed]

    def chat(
        self, model: str, prompt: str, sampling: Sampling, max_tokens: int | None = None
    ) -> ChatAnswer:
        """One user turn answered, by any server that speaks OpenAI's protocol.

        Raises:
            EngineRefused: it does not take this request.
            EngineFailed: it answers with another error.
            EngineLost: it is gone, or does not answer.
        """
        body = {
            "model": model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": sampling.seed,
            **({} if max_tokens is None else {"max_tokens": max_tokens}),
        }
        try:
            with self._answered(
                "/v1/chat/completions", dumps(body).encode(), _ANSWER_SECONDS
            ) as response:
                return _read_chat(json.loads(response.read()))
        except ValueError as error:
            raise EngineFailed(f"{self.url}: not an answer of OpenAI's protocol: {error}") from None
        except (OSError, http.client.HTTPException) as error:
            raise EngineLost(f"{self.url}: {error or type(error).__name__}") from error

    def _get(self, path: str) -> Any:
        """The JSON at a path; None where the answer is none.

        Raises:
            UserError: nobody is there, the token is wrong, or the answer is an error.
        """
        try:
            with closing(self._connect(_CONNECT_SECONDS)) as connection:
                connection.request("GET", self._path(path), None, self._headers)
                response = connection.getresponse()
                body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UserError(
                f"{named('engine')} {self.url}: cannot be reached: {error}; start it with `knm "
                "serve`"
            ) from None
        if response.status == 401:
            raise UserError(
                f"{named('engine')} {self.url}: wants a token; set KNM_ENGINE_TOKEN to it"
            )
        if response.status != 200:
            raise UserError(
                f"{named('engine')} {self.url}: answers {response.status}; is it `knm serve`?"
            )
        try:
            return json.loads(body)
        except ValueError:
            return None

    def _events(self, body: bytes) -> Iterator[dict[str, Any]]:
        with self._answered("/v1/completions", body) as response:
            yield from _read_events(response)

    @contextmanager
    def _answered(
        self, path: str, body: bytes, silence: float = _SILENCE_SECONDS
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer to a call; a server that is full is asked again, less and less often."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        pause = _FIRST_PAUSE_SECONDS
        while not self._closed.is_set():
            with closing(self._connect(silence)) as connection:
                self._open.add(connection)
                try:
                    connection.request("POST", self._path(path), body, self._headers)
                    response = connection.getresponse()
                    if response.status == 200:
                        yield response
                        return
                    error = _read_error(response)
                finally:
                    self._open.discard(connection)
            if response.status not in _BUSY or error.get("code") == "engine_failed":
                kind = EngineRefused if response.status == 400 else EngineFailed
                raise kind(f"{response.status}: {error.get('message')}")
            if time.monotonic() > give_up:
                raise EngineLost(f"{self.url}: busy for {_PATIENCE_SECONDS:.0f} s")
            self._closed.wait(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        raise EngineLost("the run has ended")

    def _connect(self, timeout: float) -> http.client.HTTPConnection:
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        assert self._parts.hostname is not None
        return kind(self._parts.hostname, self._parts.port, timeout=timeout)

    def _path(self, path: str) -> str:
        return self._parts.path.rstrip("/").removesuffix("/v1") + path


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


def _outcome(request: Request, choice: dict[str, Any]) -> Outcome:
    details = choice["knm"]
    if details.get("code") == CONTEXT_EXCEEDED:
        return ContextExceeded(request.id, details["prompt_tokens"], details["context"])
    if "error" in details:
        return EngineFailed(details["error"])
    interventions = details["interventions"]
    return Completion(
        id=request.id,
        text=choice["text"],
        finish_reason=choice["finish_reason"],
        prompt_tokens=details["prompt_tokens"],
        completion_tokens=details["completion_tokens"],
        seconds=details["seconds"],
        interventions=None
        if interventions is None
        else from_json(Interventions, interventions, "an engine's answer"),
    )


def _read_chat(value: Any) -> ChatAnswer:
    try:
        choice = value["choices"][0]
        text = choice["message"]["content"] or ""
        usage = value.get("usage") or {}
        return ChatAnswer(
            str(text),
            choice.get("finish_reason"),
            int(usage.get("prompt_tokens", 0)),
            int(usage.get("completion_tokens", 0)),
        )
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError(f"no message in it ({error!r})") from None


def _read_events(response: http.client.HTTPResponse) -> Iterator[dict[str, Any]]:
    """The JSON of each server-sent event. A stream that just stops was cut."""
    for line in response:
        if not line.endswith(b"\n"):
            break
        if line.startswith(b"data: "):
            data = line.removeprefix(b"data: ").strip()
            if data == b"[DONE]":
                return
            yield json.loads(data)
    raise EngineLost("the engine's answer was cut off")


def _read_error(response: http.client.HTTPResponse) -> dict[str, Any]:
    try:
        error = json.loads(response.read())["error"]
    except (ValueError, KeyError, TypeError):
        return {"message": response.reason}
    return error if isinstance(error, dict) else {"message": str(error)}
