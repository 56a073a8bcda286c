"""`python -m knm.serving.child SOCKET AHEAD`: the engine process of one bench run.

Standard input brings one line of JSON, then stays open as long as the process that started this
one lives: its end is the order to go, however that process ended. Where AHEAD is 1 that line will
take seconds to come, and the libraries are loaded meanwhile.
"""

import gc
import json
import os
import socket
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from knm.engine import EngineConfiguration
from knm.models.placement import wait_without_spinning
from knm.serving.loop import EngineLoop
from knm.serving.server import serve

if TYPE_CHECKING:
    from knm.engine import OpenedEngine


def main() -> None:
    """Serve on the socket inherited, until standard input ends."""
    wait_without_spinning()
    # Loading a model's libraries makes 400,000 objects that stay: looking among them for garbage
    # took an eighth of the time.
    gc.disable()
    if sys.argv[2] == "1":
        threading.Thread(target=_load_libraries, daemon=True).start()
    line = sys.stdin.readline()
    if not line:
        os._exit(0)
    order = json.loads(line)
    threading.Thread(target=_leave_with_parent, daemon=True).start()

    def open_engine() -> "OpenedEngine":
        from knm.engine import EngineSetup, open_writer

        try:
            return open_writer(EngineSetup.from_json(order["setup"]))
        finally:
            gc.freeze()
            gc.enable()

    serve(
        EngineLoop(open_engine, order["capacity"]),
        EngineConfiguration.from_json(order["configuration"], "standard input"),
        socket.socket(fileno=int(sys.argv[1])),
        token=order["token"],
    )


def _load_libraries() -> None:
    with suppress(Exception):  # whatever it is, opening the engine meets it too and tells of it
        import knm.engine.opening  # noqa: F401


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
