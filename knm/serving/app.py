"""The HTTP in front of an engine: OpenAI's completion calls, health, metrics and configuration."""

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from knm.codec import to_json
from knm.engine import EngineConfiguration, Event
from knm.jsonio import dumps, find_surrogate
from knm.records import ChatArguments, Completion, Messages
from knm.serving.answers import Answer, render_metrics
from knm.serving.calls import (
    Call,
    Kind,
    Render,
    read_chat_call,
    read_completion_call,
    read_response_call,
)
from knm.serving.errors import ApiError, EngineFailed, QueueFull, as_api_error, engine_failed
from knm.serving.fields import Bounds
from knm.serving.loop import EngineLoop, Subscription

LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
MOST_BODY_BYTES: Final = 64 << 20
HEARTBEAT_SECONDS: Final = 5.0
"""A stream says at least so often that its server lives."""

_CLIENT_LEFT: Final = 499  # as nginx has it; nobody reads it

Handler = Callable[[Request], Awaitable[Response]]
News = tuple[int, Event]
ReadTurn = Callable[[Any, Bounds, Render], Call]


def make_app(
    loop: EngineLoop, configuration: EngineConfiguration, *, token: str | None, loopback: bool
) -> Starlette:
    """The application. With `token` every path but /health asks for it.

    On the loopback only requests addressed to it are answered: a page in a browser that was led
    here by a name of its own is not.
    """
    service = _Service(loop, configuration)
    paths: list[tuple[str, str, Handler]] = [
        ("POST", "/v1/completions", service.completions),
        ("POST", "/v1/chat/completions", service.chat_completions),
        ("POST", "/v1/responses", service.responses),
        ("GET", "/v1/models", service.models),
        ("GET", "/v1/models/{name:path}", service.model),
        ("GET", "/v1/knm/configuration", service.configuration),
        ("GET", "/metrics", service.metrics),
    ]
    routes = [
        Route(path, _authorized(handler, token), methods=[method])
        for method, path, handler in paths
    ]
    hosts = [*LOOPBACK, "[::1]"] if loopback else ["*"]
    return Starlette(
        routes=[*routes, Route("/health", service.health, methods=["GET"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)],
        exception_handlers={ApiError: _error_answer, HTTPException: _error_answer},
    )


class _Service:
    """The handlers."""

    def __init__(self, loop: EngineLoop, configuration: EngineConfiguration) -> None:
        self._loop = loop
        self._configuration = configuration

    async def completions(self, request: Request) -> Response:
        call = read_completion_call(await _body(request), self._bounds())
        return await self._answer(request, call)

    async def chat_completions(self, request: Request) -> Response:
        return await self._answer_turn(request, read_chat_call)

    async def responses(self, request: Request) -> Response:
        return await self._answer_turn(request, read_response_call)

    async def _answer_turn(self, request: Request, read: ReadTurn) -> Response:
        body = await _body(request)
        call = await run_in_threadpool(read, body, self._bounds(), self._render)
        return await self._answer(request, call)

    async def models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [self._model()]})

    async def model(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name != self._configuration.model:
            raise ApiError(
                404,
                f"model {name!r}: this server has {self._configuration.model!r}",
                param="model",
                code="model_not_found",
            )
        return JSONResponse(self._model())

    def _model(self) -> dict[str, Any]:
        """The one model; `max_model_len` is what clients of other servers ask for its context."""
        return {
            "id": self._configuration.model,
            "object": "model",
            "created": 0,
            "owned_by": "knm",
            "max_model_len": self._configuration.context,
        }

    async def configuration(self, _request: Request) -> Response:
        return JSONResponse(to_json(self._configuration))

    async def metrics(self, _request: Request) -> Response:
        return PlainTextResponse(render_metrics(self._loop))

    async def health(self, _request: Request) -> Response:
        status = self._loop.status
        return JSONResponse({"status": status}, status_code=503 if status == "failed" else 200)

    def _bounds(self) -> Bounds:
        there = self._configuration
        assert there.max_new_tokens is not None, "a server knows its own bound"
        return Bounds(there.model, there.max_new_tokens, there.context)

    def _render(self, messages: Messages, arguments: ChatArguments) -> str:
        try:
            return self._loop.open().render_chat(messages, arguments)
        except EngineFailed as error:
            raise engine_failed(error) from None
        except Exception as error:  # a template of a model may raise whatever it likes
            raise ApiError(400, f"messages: {error}", param="messages") from None

    async def _answer(self, request: Request, call: Call) -> Response:
        news: asyncio.Queue[News] = asyncio.Queue()
        events = asyncio.get_running_loop()

        def deliver(place: int, event: Event) -> None:
            with suppress(RuntimeError):  # the server is shutting down
                events.call_soon_threadsafe(news.put_nowait, (place, event))

        try:
            subscription = self._loop.submit(call.requests, deliver, streamed=call.pieces)
        except QueueFull as error:
            raise ApiError(429, f"the queue is full: {error}", code="queue_full") from None
        except EngineFailed as error:
            raise engine_failed(error) from None
        answer = Answer(call, self._configuration.model)
        if call.stream:
            chunks = _stream(
                call,
                answer,
                news,
                stalled=lambda: self._loop.stalled,
                leave=lambda: self._loop.withdraw(subscription),
            )
            return StreamingResponse(chunks, media_type="text/event-stream")
        ended = await self._gather(request, call, news, subscription)
        if ended is None:
            return Response(status_code=_CLIENT_LEFT)
        return JSONResponse(answer.full(ended))

    async def _gather(
        self,
        request: Request,
        call: Call,
        news: asyncio.Queue[News],
        subscription: Subscription,
    ) -> list[Event] | None:
        """Wait for the last event of every request; None when the client has gone."""
        gathering = asyncio.ensure_future(_last_events(len(call.requests), news))
        leaving = asyncio.ensure_future(_departure(request))
        try:
            await asyncio.wait({gathering, leaving}, return_when=asyncio.FIRST_COMPLETED)
            return gathering.result() if gathering.done() else None
        finally:
            gathering.cancel()
            leaving.cancel()
            self._loop.withdraw(subscription)


async def _last_events(count: int, news: asyncio.Queue[News]) -> list[Event]:
    found: dict[int, Event] = {}
    while len(found) < count:
        place, event = await news.get()
        if event.error is not None:
            raise as_api_error(event.error)
        if event.completion is not None:
            found[place] = event
    return [found[place] for place in range(count)]


async def _stream(
    call: Call,
    answer: Answer,
    news: asyncio.Queue[News],
    *,
    stalled: Callable[[], bool],
    leave: Callable[[], None],
) -> AsyncIterator[str]:
    """Server-sent events of an answer; ends early, and says why, when the engine fails.

    What has come meanwhile is told together: a client that is slow costs no more for it.
    """
    found: dict[int, Completion] = {}
    broken = 0
    try:
        if call.kind is Kind.CHAT:
            for index in range(len(call.requests)):
                yield _event(answer.role(index))
        while len(found) + broken < len(call.requests):
            came = await _what_came(news)
            if not came:
                if stalled():
                    yield _event(engine_failed(EngineFailed("it does not move")).to_json())
                    return
                yield ": waiting\n\n"
            told: list[str] = []
            for place, event in came:
                if event.error is not None:
                    if not call.whole or isinstance(event.error, EngineFailed):
                        yield "".join([*told, _event(as_api_error(event.error).to_json())])
                        return
                    broken += 1
                    told.append(_event(answer.broken(place, event.error)))
                elif event.completion is not None:
                    found[place] = event.completion
                    rest = event.text if call.pieces else event.completion.text
                    told.append(_event(answer.end(place, event.completion, rest, event.scores)))
                elif call.pieces:
                    told.append(_event(answer.piece(place, event.text)))
            if told:
                yield "".join(told)
        if call.include_usage:
            yield _event(answer.usage(found))
        yield "data: [DONE]\n\n"
    finally:
        leave()


async def _what_came(news: asyncio.Queue[News]) -> list[News]:
    """All that is there, or else the next to come; nothing where none came for a heartbeat."""
    came = []
    with suppress(TimeoutError):
        if news.empty():
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                came.append(await news.get())
        while not news.empty():
            came.append(news.get_nowait())
    return came


def _event(value: dict[str, Any]) -> str:
    return f"data: {dumps(value)}\n\n"


async def _departure(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _body(request: Request) -> Any:
    """The body's JSON. A content type that a web page may send unasked is refused."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise ApiError(415, "send Content-Type: application/json")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BODY_BYTES:
            raise ApiError(413, f"the body is larger than {MOST_BODY_BYTES} bytes")
        parts.append(part)
    try:
        body = json.loads(b"".join(parts))
    except (ValueError, RecursionError) as error:
        raise ApiError(400, f"the body is not JSON: {error}") from None
    broken = find_surrogate(body)
    if broken is not None:
        raise ApiError(400, f"{broken}: has an unpaired surrogate; send valid Unicode")
    return body


def _authorized(handler: Handler, token: str | None) -> Handler:
    if token is None:
        return handler
    expected = token.encode()

    async def guarded(request: Request) -> Response:
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        given = credentials.strip().encode() if scheme.lower() == "bearer" else b""
        if not hmac.compare_digest(given, expected):
            raise ApiError(401, "the bearer token is missing or wrong", code="invalid_api_key")
        return await handler(request)

    return guarded


async def _error_answer(_request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        error = ApiError(error.status_code, error.detail)
    assert isinstance(error, ApiError)
    headers = {"Retry-After": "1"} if error.status == 429 else None
    return JSONResponse(error.to_json(), status_code=error.status, headers=headers)
