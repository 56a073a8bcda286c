"""An engine process of one's own, started and ended, and what any engine needs of its machine."""

import ipaddress
import secrets
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from knm.codec import to_json
from knm.engine import EngineConfiguration
from knm.errors import UserError, named
from knm.jsonio import dumps
from knm.serving.client import EngineClient

if TYPE_CHECKING:
    from knm.engine import EngineSetup

_CAPACITY: Final = 1_000_000  # a run of ours is bounded by its problems
_PATIENCE_SECONDS: Final = 10.0
_LOG_LINES: Final = 20


class EngineProcess:
    """A process that owns the engine of this run, and ends with this process.

    It is a session of its own, so that Ctrl-C in a terminal reaches the run alone. Its address is
    known at once: whoever connects before it is up waits in the socket's queue.
    """

    def __init__(self, setup: "EngineSetup", configuration: EngineConfiguration) -> None:
        """Take the process that was started ahead, or start one."""
        self.token = secrets.token_urlsafe(24)
        started = _Interpreter.take()
        self.url, self._process, self._log = started.url, started.process, started.log
        order = {
            "setup": setup.to_json(),
            "configuration": to_json(configuration),
            "token": self.token,
            "capacity": _CAPACITY,
        }
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):  # it died: whoever asks it for something is told so
            self._process.stdin.write(dumps(order).encode() + b"\n")
            self._process.stdin.flush()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def client(self) -> EngineClient:
        """A client of this engine."""
        return EngineClient(self.url, self.token)

    def log_lines(self) -> list[str]:
        """The last lines that the process wrote."""
        text = Path(self._log.name).read_text(encoding="utf-8", errors="replace")
        return text.splitlines()[-_LOG_LINES:]

    def close(self) -> None:
        """End the process; it holds nothing that needs saving."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()


class _Interpreter:
    """A process that will own an engine, when it is told which.

    Started `ahead` it loads the libraries of any meanwhile.
    """

    _ahead: "ClassVar[_Interpreter | None]" = None

    def __init__(self, *, ahead: bool = False) -> None:
        self.log = tempfile.NamedTemporaryFile(prefix="knm-engine-", suffix=".log")  # noqa: SIM115
        with listen("127.0.0.1", 0) as listener:
            self.url = url_of(listener)
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "knm.serving.child",
                    str(listener.fileno()),
                    str(int(ahead)),
                ],
                stdin=subprocess.PIPE,
                stdout=self.log,
                stderr=self.log,
                pass_fds=[listener.fileno()],
                start_new_session=True,
            )

    @classmethod
    def take(cls) -> "_Interpreter":
        """The one that was started ahead, if there is one."""
        ahead, cls._ahead = cls._ahead, None
        return ahead or cls()

    @classmethod
    def start_ahead(cls) -> None:
        """See `start_ahead`."""
        if cls._ahead is None:
            cls._ahead = cls(ahead=True)

    @classmethod
    def end_ahead(cls) -> None:
        """See `end_ahead`."""
        ahead, cls._ahead = cls._ahead, None
        if ahead is not None:
            assert ahead.process.stdin is not None
            ahead.process.kill()
            ahead.process.wait()
            ahead.process.stdin.close()
            ahead.log.close()


def start_ahead() -> None:
    """Start what the next `EngineProcess` takes: its libraries load beside the work of the caller.

    Importing them takes seconds, more than finding out what the engine is to be.
    """
    _Interpreter.start_ahead()


def end_ahead() -> None:
    """End what was started ahead and that nothing took."""
    _Interpreter.end_ahead()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        UserError: the address is not ours, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError as error:
        raise UserError(
            f"{named('host')} {host} {named('port')} {port}: cannot listen there: "
            f"{error.strerror or error}; choose another {named('port')}, or 0 for any"
        ) from None
    return listener


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(listener: socket.socket) -> str:
    """Where a listening socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"
