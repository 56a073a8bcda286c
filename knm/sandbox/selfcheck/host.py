"""What the host lays out for attacks to reach: nobody must come to it.

A secret (in the environment, in a file that anyone may read, in the environment and the memory of
another process), a directory that anyone may write to, and sockets that listen. `harm` says what
has become of them.
"""

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

SECRET_VARIABLE = "KNM_CHECK_SECRET"
NOBODY = 65534
STRAY = "knm-stray"  # what a program calls a process that it leaves behind

# Holds the secret in its environment and, at the address that it prints, in its memory. Started by
# root it becomes the user that a jail becomes too, so that not the user's rights alone protect it.
VICTIM = f"""
import ctypes, os, sys, time
if os.geteuid() == 0:
    try:
        os.setresgid({NOBODY}, {NOBODY}, {NOBODY})
        os.setresuid({NOBODY}, {NOBODY}, {NOBODY})
    except OSError:
        pass
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
secret = ctypes.create_string_buffer(os.environ["{SECRET_VARIABLE}"].encode())
print(ctypes.addressof(secret), flush=True)
sys.stdin.read()
"""


class Host:
    """The host's side of all cases. Close it, or use it as a context."""

    def __init__(self) -> None:
        self.secret = f"knm-secret-{secrets.token_hex(8)}"
        self.expected = f"knm-expected-{secrets.token_hex(8)}"
        self.environment = os.environ.get(SECRET_VARIABLE)
        os.environ[SECRET_VARIABLE] = self.secret
        self.folder = tempfile.TemporaryDirectory(prefix="knm-check-")
        directory = Path(self.folder.name)
        directory.chmod(0o755)
        self.secret_file = directory / "secret.txt"
        self.secret_file.write_text(f"{self.secret}\n")
        self.secret_file.chmod(0o644)
        self.scratch = directory / "scratch"
        self.scratch.mkdir()
        self.scratch.chmod(0o777)
        self.unix_name = f"knm-check-{secrets.token_hex(8)}"
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(f"\0{self.unix_name}")
        self.unix.listen()
        for listener in (self.tcp, self.udp, self.unix):
            listener.setblocking(False)
        self.victim = self.start_victim()

    def start_victim(self) -> "subprocess.Popen[bytes]":
        """Another process of this user, which a program may not even see."""
        victim = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", VICTIM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={SECRET_VARIABLE: self.secret},
        )
        assert victim.stdout is not None
        self.victim_address = int(victim.stdout.readline())
        return victim

    def fill(self, text: str) -> str:
        """Put what the host laid out in place of the words that stand for it."""
        for word, value in (
            ("SECRET_FILE", self.secret_file),
            ("SCRATCH", self.scratch),
            ("TCP_PORT", self.tcp.getsockname()[1]),
            ("UDP_PORT", self.udp.getsockname()[1]),
            ("UNIX_NAME", self.unix_name),
            ("VICTIM", self.victim.pid),
            ("VICTIM_ADDRESS", self.victim_address),
            ("HOST", os.getpid()),
            ("EXPECTED", self.expected),
        ):
            text = text.replace(f"@{word}@", str(value))
        return text

    def harm(self) -> list[str]:
        """What was done to the host since the last call, in words; made good for the next case."""
        found = []
        if self.victim.poll() is not None or state_of(self.victim.pid) == "T":
            found.append("another process was killed or stopped")
            self.end_victim()
            self.victim = self.start_victim()
        for name, listener in (("TCP", self.tcp), ("UNIX", self.unix)):
            with contextlib.suppress(BlockingIOError):
                listener.accept()[0].close()
                found.append(f"a {name} connection arrived")
        with contextlib.suppress(BlockingIOError):
            self.udp.recv(1)
            found.append("a UDP packet arrived")
        for leftover in self.scratch.iterdir():
            found.append("a file was written on the host")
            leftover.unlink()
        if strays := processes_called(STRAY):
            found.append(f"{len(strays)} processes were left behind")
        return found

    def end_victim(self) -> None:
        """End the other process, whatever state it is in."""
        self.victim.kill()
        self.victim.communicate()

    def close(self) -> None:
        """Take everything away again."""
        self.end_victim()
        for listener in (self.tcp, self.udp, self.unix):
            listener.close()
        self.folder.cleanup()
        if self.environment is None:
            del os.environ[SECRET_VARIABLE]
        else:
            os.environ[SECRET_VARIABLE] = self.environment

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def processes() -> dict[int, tuple[str, int]]:
    """The state and the parent of each process; those that have ended are left out."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has just ended
            state, parent = status.read_text().rpartition(")")[2].split()[:2]
            if state not in "ZX":
                found[int(status.parent.name)] = (state, int(parent))
    return found


def state_of(process: int) -> str | None:
    """The letter of a process's state; None if it has ended."""
    return processes().get(process, (None, 0))[0]


def processes_called(name: str) -> list[int]:
    """The processes of that name."""
    found = []
    for file in Path("/proc").glob("[0-9]*/comm"):
        with contextlib.suppress(OSError):
            if file.read_text().strip() == name:
                found.append(int(file.parent.name))
    return found


def descendants(ancestor: int) -> set[int]:
    """The processes below one."""
    above = {process: parent for process, (_, parent) in processes().items()}
    found = {ancestor}
    while more := {process for process, parent in above.items() if parent in found} - found:
        found |= more
    return found - {ancestor}
