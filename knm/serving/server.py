"""Running the application: on a socket that the caller made, in the main thread."""

import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import uvicorn

from knm.engine import EngineConfiguration
from knm.serving.app import make_app
from knm.serving.loop import EngineLoop
from knm.serving.sockets import is_loopback

if TYPE_CHECKING:
    from knm.engine import OpenedEngine

_GOODBYE_SECONDS: Final = 2


def serve(
    open_engine: "Callable[[], OpenedEngine]",
    configuration: EngineConfiguration,
    listener: socket.socket,
    *,
    token: str | None,
    capacity: int,
    load_now: bool,
) -> None:
    """Serve until SIGINT or SIGTERM. Without `load_now` the model waits for the first request."""
    loop = EngineLoop(open_engine, capacity)
    if load_now:
        loop.open()
    loopback = is_loopback(listener.getsockname()[0])
    app = make_app(loop, configuration, token=token, loopback=loopback)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=_GOODBYE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listener])
