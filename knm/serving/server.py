"""Running the application: on a socket that the caller made, in the main thread."""

import asyncio
import logging
import socket
from typing import Final

import uvicorn

from knm.engine import EngineConfiguration
from knm.serving.app import make_app
from knm.serving.loop import EngineLoop
from knm.serving.process import is_loopback

GOODBYE_SECONDS: Final = 2.0
_LAST_WORDS_SECONDS: Final = 3
"""So long clients have to take the answer that there will be none."""


class EngineServer(uvicorn.Server):
    """A server that ends by finishing what it can, and telling the others that it ends."""

    def __init__(self, config: uvicorn.Config, loop: EngineLoop, goodbye_seconds: float) -> None:
        super().__init__(config)
        self._loop = loop
        self._goodbye_seconds = goodbye_seconds

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let answers end for a while, then end them: 503, or an event in a stream."""
        stop = asyncio.get_running_loop().call_later(self._goodbye_seconds, self._loop.stop)
        try:
            await super().shutdown(sockets)
        finally:
            stop.cancel()


def make_server(
    loop: EngineLoop,
    configuration: EngineConfiguration,
    *,
    token: str | None,
    loopback: bool,
    goodbye_seconds: float = GOODBYE_SECONDS,
) -> EngineServer:
    """The server of an engine; `run` serves until SIGINT or SIGTERM.

    `goodbye_seconds` is how long the answers in work then have to come to their end.
    """
    config = uvicorn.Config(
        make_app(loop, configuration, token=token, loopback=loopback),
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=int(goodbye_seconds) + _LAST_WORDS_SECONDS,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    return EngineServer(config, loop, goodbye_seconds)


def serve(
    loop: EngineLoop,
    configuration: EngineConfiguration,
    listener: socket.socket,
    *,
    token: str | None,
) -> None:
    """Serve until SIGINT or SIGTERM."""
    loopback = is_loopback(listener.getsockname()[0])
    make_server(loop, configuration, token=token, loopback=loopback).run(sockets=[listener])


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log record is worth its lines: that an answer was cut off at the end is not."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
