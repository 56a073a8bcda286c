"""`python -m knm.serving.child`: the engine process of one bench run.

Standard input brings one line of JSON, then stays open as long as the process that started this
one lives: its end is the order to go, however that process ended.
"""

import json
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

from knm.engine import EngineConfiguration
from knm.serving.loop import EngineLoop
from knm.serving.process import wait_without_spinning
from knm.serving.server import serve

if TYPE_CHECKING:
    from knm.engine import OpenedEngine


def main() -> None:
    """Serve on the socket inherited, until standard input ends."""
    wait_without_spinning()
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_leave_with_parent, daemon=True).start()

    def open_engine() -> "OpenedEngine":
        from knm.engine import EngineSetup, open_setup

        return open_setup(EngineSetup.from_json(order["setup"]))

    serve(
        EngineLoop(open_engine, order["capacity"]),
        EngineConfiguration.from_json(order["configuration"], "standard input"),
        socket.socket(fileno=order["socket"]),
        token=order["token"],
    )


def _leave_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    main()
