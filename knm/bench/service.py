"""An engine for others: what `knm serve` does."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from knm.bench.engines import ensure_datastore, prepare_engine
from knm.codec import to_json
from knm.errors import UserError
from knm.options import ServedEngineOptions
from knm.serving import EngineFailed
from knm.serving.process import is_loopback, listen, url_of

TOKEN_VARIABLE: Final = "KNM_ENGINE_TOKEN"


def serve_engine(
    options: ServedEngineOptions,
    root: Path,
    host: str,
    port: int,
    *,
    capacity: int,
    announce: Callable[[str, dict[str, Any]], None],
    notify: Callable[[str], None],
) -> None:
    """Serve the engine that `options` describe until SIGINT or SIGTERM.

    `announce` is called with the address and the configuration when the model is loaded, `notify`
    with what takes long before that.

    Raises:
        UserError: something is missing or does not fit together, the address cannot be listened
            on, or others can reach it and there is no token.
    """
    token = os.environ.get(TOKEN_VARIABLE) or None
    if not is_loopback(host) and token is None:
        raise UserError(
            f"--host {host}: others can reach that address; set {TOKEN_VARIABLE} to a secret that "
            "clients have to show, or listen on 127.0.0.1"
        )
    setup = prepare_engine(options, root)
    with listen(host, port) as listener:
        from knm.engine import describe_setup, open_setup
        from knm.serving.loop import EngineLoop
        from knm.serving.server import serve

        ensure_datastore(setup, notify)
        configuration = describe_setup(setup)
        loop = EngineLoop(lambda: open_setup(setup), capacity)
        try:
            loop.open()
        except EngineFailed as error:
            told = error.__cause__.marked if isinstance(error.__cause__, UserError) else error
            raise UserError(f"the engine cannot be opened: {told}") from error
        announce(url_of(listener), to_json(configuration))
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            serve(loop, configuration, listener, token=token)
        except KeyboardInterrupt:
            pass
        finally:
            loop.close()
