"""Running the application: on a socket that the caller made, in the main thread."""

import socket
from typing import Final

import uvicorn

from knm.engine import EngineConfiguration
from knm.serving.app import make_app
from knm.serving.loop import EngineLoop
from knm.serving.sockets import is_loopback

_GOODBYE_SECONDS: Final = 2


def serve(
    loop: EngineLoop,
    configuration: EngineConfiguration,
    listener: socket.socket,
    *,
    token: str | None,
) -> None:
    """Serve until SIGINT or SIGTERM."""
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
