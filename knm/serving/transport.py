"""HTTP to one server: what is sent, how long it is waited for, and when it is asked again.

Standard library only, for processes that stay small. Knows nothing of what is asked.
"""

import http.client
import json
import random
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from knm.errors import UserError, named
from knm.serving.errors import EngineFailed, EngineLost, EngineRefused

KEY_VARIABLES: Final = ("KNM_API_KEY", "KNM_ENGINE_TOKEN", "OPENAI_API_KEY")
"""Where a key stands that servers are shown; the first that is set."""

_CONNECT_SECONDS: Final = 10.0
_LONGEST_PAUSE_SECONDS: Final = 10.0
_BUSY: Final = frozenset({429, 503})
_PASSING: Final = frozenset({408, 425, 500, 502, 503, 504, 520, 522, 524, 529})
"""Faults that the same call may not meet again."""
_REFUSED: Final = frozenset({400, 413, 422})
_FINAL_CODES: Final = frozenset({"engine_failed", "insufficient_quota"})
"""Errors that look like those of a busy server, and do not pass."""
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
"""A machine that is gone without a word is noticed within a minute and a half."""


@dataclass(frozen=True)
class Patience:
    """How long a server is waited for, in seconds.

    `silence` is how long it may say nothing, `busy` how long it may say that it is full; a call
    that met a passing fault (5xx, no answer, a connection lost) is repeated `repeats` times, after
    pauses that grow from `first_pause`.
    """

    silence: float = 300.0
    busy: float = 900.0
    repeats: int = 0
    first_pause: float = 0.25


def parse_url(url: str) -> SplitResult:
    """The parts of a server's address.

    Raises:
        UserError: the URL is none of HTTP, or holds a secret.
    """
    with suppress(ValueError):
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            if parts.username is None and not parts.query and not parts.fragment:
                return parts
            raise UserError(
                f"{named('engine')} {parts.scheme}://{parts.hostname}: reports name the URL: leave "
                f"user, password and query out of it, and put a key into {KEY_VARIABLES[0]}"
            )
    raise UserError(f"{named('engine')} {url}: expected a URL such as http://127.0.0.1:8000")


class Transport:
    """Calls of one server. Its methods may be called from several threads."""

    def __init__(self, url: str, token: str | None, patience: Patience) -> None:
        """Nothing is sent yet.

        Raises:
            UserError: the URL is none of HTTP, or holds a secret.
        """
        parts = parse_url(url)
        self.url = url
        self._host, self._port = parts.hostname or "", parts.port
        self._secure = parts.scheme == "https"
        self._base = parts.path.rstrip("/").removesuffix("/v1")
        self._patience = patience
        self._headers = {"Content-Type": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._closed = threading.Event()
        self._open: set[http.client.HTTPConnection] = set()

    def get(self, path: str) -> tuple[int, Any]:
        """Status and JSON at a path; None where the answer is none.

        Raises:
            UserError: nobody is there, or the key is wrong.
        """
        try:
            with self._attempt("GET", path, None, _CONNECT_SECONDS) as response:
                status, body = response.status, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise UserError(
                f"{named('engine')} {self.url}: cannot be reached: {error or type(error).__name__};"
                " start it with `knm serve`, and wait until it has told its address"
            ) from None
        if status in {401, 403}:
            *most, last = KEY_VARIABLES
            raise UserError(
                f"{named('engine')} {self.url}: wants a key, or another: set {', '.join(most)} or "
                f"{last} to it"
            )
        try:
            return status, json.loads(body)
        except ValueError:
            return status, None

    def is_alive(self, path: str) -> bool:
        """Whether the server answers at a path, and well."""
        try:
            with self._attempt("GET", path, None, _CONNECT_SECONDS) as response:
                response.read()
                return response.status == 200
        except (OSError, http.client.HTTPException):
            return False

    @contextmanager
    def stream(self, path: str, body: bytes) -> Iterator[http.client.HTTPResponse]:
        """A good answer to a call, to be read as it comes; a server that is full is asked again.

        Raises:
            EngineRefused, EngineFailed: it answers with an error.
            EngineLost: it is gone, or does not answer.
        """
        pacing = _Pacing(self)
        try:
            while not self._closed.is_set():
                with self._attempt("POST", path, body, self._patience.silence) as response:
                    if response.status == 200:
                        yield response
                        return
                    error = _read_error(response.status, response.read())
                if not error.is_busy:
                    raise error.raised
                pacing.wait(error, _seconds_asked(response))
        except (OSError, http.client.HTTPException) as lost:
            raise EngineLost(f"{self.url}: {lost or type(lost).__name__}") from lost
        raise EngineLost("the run has ended")

    def call(self, path: str, body: bytes) -> bytes:
        """A good answer to a call. One that is full or has a passing fault is asked again.

        Raises:
            EngineRefused, EngineFailed: it answers with an error.
            EngineLost: it is gone, or does not answer.
        """
        pacing = _Pacing(self)
        while not self._closed.is_set():
            try:
                with self._attempt("POST", path, body, self._patience.silence) as response:
                    answer = response.read()
            except (OSError, http.client.HTTPException) as lost:
                pacing.count(EngineLost(f"{self.url}: {lost or type(lost).__name__}"))
                pacing.wait(lost, None)
                continue
            if response.status == 200:
                return answer
            error = _read_error(response.status, answer)
            asked = _seconds_asked(response)
            if not (error.is_busy and (response.status == 429 or asked is not None)):
                if not error.is_passing:
                    raise error.raised
                pacing.count(error.raised)
            pacing.wait(error, asked)
        raise EngineLost("the run has ended")

    def close(self) -> None:
        """End all calls in progress."""
        self._closed.set()
        for connection in list(self._open):
            with suppress(OSError, AttributeError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def _attempt(
        self, method: str, path: str, body: bytes | None, timeout: float
    ) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        with closing(kind(self._host, self._port, timeout=timeout)) as connection:
            self._open.add(connection)
            try:
                connection.connect()
                connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
                for name, value in _KEEPALIVE.items():
                    if hasattr(socket, name):  # not every system has all of them
                        connection.sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
                connection.request(method, self._base + path, body, self._headers)
                yield connection.getresponse()
            finally:
                self._open.discard(connection)


class _Pacing:
    """The pauses between the attempts at one call."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        patience = transport._patience
        self._repeats = patience.repeats
        self._give_up = time.monotonic() + patience.busy
        self._pause = patience.first_pause

    def count(self, fault: Exception) -> None:
        """A fault; raises it if there were too many."""
        if self._repeats == 0:
            raise fault
        self._repeats -= 1

    def wait(self, why: object, asked: float | None) -> None:
        """Pause, as long as the server `asked` or else a little longer than the last time."""
        seconds = self._pause * random.uniform(0.5, 1.0) if asked is None else asked
        if time.monotonic() + seconds > self._give_up:
            busy = self._transport._patience.busy
            raise EngineLost(f"{self._transport.url}: longer than {busy:.0f} s: {why}")
        self._transport._closed.wait(seconds)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE_SECONDS)


@dataclass(frozen=True)
class _ServerError:
    """An answer that is an error."""

    status: int
    message: str
    code: str | None

    def __str__(self) -> str:
        return f"{self.status}: {self.message}"

    @property
    def is_busy(self) -> bool:
        return self.status in _BUSY and self.code not in _FINAL_CODES

    @property
    def is_passing(self) -> bool:
        return self.status in _PASSING and self.code not in _FINAL_CODES

    @property
    def raised(self) -> EngineFailed:
        kind = EngineRefused if self.status in _REFUSED else EngineFailed
        error = kind(str(self))
        error.status = self.status
        return error


def _read_error(status: int, body: bytes) -> _ServerError:
    """An error of OpenAI's shape, of vLLM's older flat one, or of any other."""
    text = body.decode("utf-8", "replace").strip()
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    value = value.get("error", value) if isinstance(value, dict) else value
    if isinstance(value, dict):
        code = value.get("code")
        message = value.get("message") or value.get("detail") or text
        return _ServerError(status, str(message), code if isinstance(code, str) else None)
    reason = http.client.responses.get(status, "an error")
    return _ServerError(status, (value if isinstance(value, str) else text)[:500] or reason, None)


def _seconds_asked(response: http.client.HTTPResponse) -> float | None:
    """`Retry-After` of an answer, in seconds or as a date; None where it is not told."""
    text = response.getheader("Retry-After")
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(text).timestamp() - time.time()
        except (ValueError, OverflowError):
            return None
    return max(seconds, 0.0) if seconds == seconds and seconds != float("inf") else None
