"""The near side of one verifier process: start it, put a program and inputs to it, end it."""

import contextlib
import itertools
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from knm.languages.execution import Execution
from knm.sandbox.cgroups import make_group
from knm.sandbox.idling import IdleClock
from knm.sandbox.jailed import framing
from knm.sandbox.libraries import library_path
from knm.sandbox.types import COMPILER_MEMORY, COMPILER_SECONDS, Limits

START_SECONDS = 30.0
GRACE_SECONDS = 60.0  # beyond the wall time of a test, before the verifier is given up
LOOK_SECONDS = 0.1  # how often a process that takes long is looked at
STOP_SECONDS = 5.0
JOINED_BYTES = 1 << 20
VERIFIER_MEMORY = 128 << 20
SERIALS = itertools.count()

# Isolated and without site packages: what the verifier loads, every fork of it carries.
BOOTSTRAP = (
    "import sys; sys.path.append({folder!r}); from jailed.verifier import main; main({options})"
)


class Jail(StrEnum):
    """What holds a program, beside its limits: see `jailed`."""

    NAMESPACES = "namespaces"
    FILTER = "filter"
    NONE = "none"


class WorkerLost(Exception):
    """The verifier died, hung or could not start a process: trouble of ours, worth a retry."""


class WorkerRefused(Exception):
    """The verifier could not be started; the message is the reason that it gave."""


@dataclass(frozen=True)
class Outcome:
    """How one process ended and what it wrote.

    Either `exit_code` or `signal` is set. `stopped` is "cpu" or "wall" where a limit of time ended
    it. Of a long `stderr` only both ends are kept, with a mark between them. `written_bytes` is the
    size of the longer of the two streams.
    """

    exit_code: int | None
    signal: int | None
    stopped: str | None
    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int
    written_bytes: int
    stdout: bytes
    stderr: bytes


def language_options(language: Execution) -> dict[str, Any]:
    """What the verifier must know of a language.

    Raises:
        UserError: its interpreter is not installed.
    """
    if language.commands is not None:
        return {"filename": language.filename, "commands": asdict(language.commands)}
    return {
        "filename": language.filename,
        "interpreter": language.interpreter,
        "library": library_path(language),
    }


def most_memory(limits: Limits, verifier: int = VERIFIER_MEMORY) -> int:
    """What a verifier and all that it runs may take together, in bytes.

    Inputs and outputs are memory too: the payload, two streams, and what a compiler writes.
    """
    return max(limits.memory_bytes, COMPILER_MEMORY) + 4 * limits.output_bytes + verifier


class Worker:
    """A running verifier. Not for use by several threads at once.

    After `WorkerLost`, or any exception that left an exchange unfinished, only `close` makes sense.

    Raises:
        WorkerRefused: the jail or the interpreter could not be set up.
        WorkerLost: the verifier died before it could say why.
    """

    def __init__(self, language: Execution, jail: Jail) -> None:
        self.group = make_group(next(SERIALS)) if jail is Jail.NAMESPACES else None
        self.box = None if jail is Jail.NAMESPACES else tempfile.TemporaryDirectory(prefix="knm-")
        options = {
            **language_options(language),
            "jail": jail.value,
            "box": self.box and self.box.name,
            "groups": self.group.entries if self.group else [],
            "host": os.getpid(),
        }
        bootstrap = BOOTSTRAP.format(folder=str(Path(__file__).parent), options=options)
        self.diagnostics = tempfile.TemporaryFile()  # noqa: SIM115  closed by `close`
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", bootstrap],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.diagnostics,
            bufsize=0,
            env={},
            start_new_session=True,  # a Ctrl-C is for the host to handle
        )
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.requests = self.process.stdin.fileno()
        self.answers = self.process.stdout.fileno()
        os.set_blocking(self.requests, False)
        os.set_blocking(self.answers, False)
        self.clock = IdleClock(self.process.pid)
        self.patience = START_SECONDS  # of time in which nothing computes
        self.wall_seconds: float | None = None  # when to stop a program; None while none runs
        try:
            greeting = framing.GREETING.unpack(self.receive(framing.GREETING.size))
            ready, self.filtered, size = greeting
            text = self.receive(size).decode(errors="replace")
            if not ready:
                raise WorkerRefused(text)
        except BaseException:
            self.close()
            raise
        self.limits: Limits | None = None
        self.interpreter_version = text

    def load(self, program: bytes, limits: Limits) -> Outcome:
        """Keep a program for `run` and compile it: how the compiler ended."""
        self.patience = limits.wall_seconds + GRACE_SECONDS
        if self.group is not None and limits != self.limits:
            self.group.limit_memory(most_memory(limits))
        self.limits = limits
        bounds = (
            limits.cpu_seconds,
            limits.memory_bytes,
            limits.output_bytes,
            COMPILER_SECONDS,
            COMPILER_MEMORY,
        )
        return self.ask(framing.pack_request(framing.PROGRAM, len(program), bounds), program)

    def run(self, stdin: bytes) -> Outcome:
        """Run the program that was loaded on one input."""
        return self.ask(framing.pack_request(framing.RUN, len(stdin)), stdin)

    def close(self) -> None:
        """End the verifier and everything in its jail. May be called again."""
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        try:
            self.process.wait(STOP_SECONDS)  # it leaves when its input ends
        except subprocess.TimeoutExpired:
            self.process.kill()  # the launcher, with which the verifier dies
            self.process.wait()
        self.diagnostics.close()
        if self.box is not None:
            self.box.cleanup()
        if self.group is not None:
            self.group.remove()

    def ask(self, request: bytes, payload: bytes) -> Outcome:
        """One exchange.

        Raises:
            WorkerLost: no answer came.
        """
        self.clock.restart()
        # At once where that costs little: the verifier then wakes once.
        joined = len(payload) <= JOINED_BYTES
        self.send(request + payload if joined else request)
        if not joined:
            self.send(payload)
        assert self.limits is not None, "a program is loaded first"
        self.wall_seconds = self.limits.wall_seconds
        answer = framing.ANSWER.unpack(self.receive(framing.ANSWER.size))
        self.wall_seconds = None
        status, signal, stopped, fault, cpu, wall, peak, written, head, omitted, tail = answer
        if fault:
            reason = self.receive(fault).decode(errors="replace")
            raise WorkerLost(f"the verifier could not start a process: {reason}")
        stdout = self.receive(written)
        stderr = self.receive(head)
        if omitted:
            stderr += f"\n[{omitted:,} bytes omitted]\n".encode()
        stderr += self.receive(tail)
        return Outcome(
            exit_code=None if signal else status,
            signal=signal or None,
            stopped=framing.REASONS[stopped],
            cpu_seconds=cpu,
            wall_seconds=wall,
            peak_memory_bytes=peak,
            written_bytes=max(written, head + omitted + tail),
            stdout=stdout,
            stderr=stderr,
        )

    def send(self, data: bytes) -> None:
        """Write everything before patience ends."""
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self.requests, rest) :]
            except BlockingIOError:
                self.wait(self.requests, select.POLLOUT)
            except BrokenPipeError:
                raise self.lost() from None

    def receive(self, count: int) -> bytes:
        """Read exactly `count` bytes before patience ends."""
        data = bytearray()
        while len(data) < count:
            try:
                part = os.read(self.answers, min(count - len(data), 1 << 20))
            except BlockingIOError:
                self.wait(self.answers, select.POLLIN)
                continue
            if not part:
                raise self.lost()
            data += part
        return bytes(data)

    def wait(self, descriptor: int, event: int) -> None:
        """Wait until a pipe is ready, or has failed; stop a program that does nothing for long."""
        poller = select.poll()
        poller.register(descriptor, event)
        tick = min(LOOK_SECONDS, (self.wall_seconds or self.patience) / 10)
        while not poller.poll(max(1.0, tick * 1000)):
            idle = self.clock.look()
            if idle >= self.patience:
                raise WorkerLost("the verifier does not answer")
            if self.wall_seconds is not None and idle >= self.wall_seconds:
                self.wall_seconds = None
                self.stop()

    def stop(self) -> None:
        """Have the verifier end the program that it runs."""
        # Nothing else is in the pipe, unless the verifier hangs: then patience will end.
        with contextlib.suppress(BlockingIOError, BrokenPipeError):
            os.write(self.requests, framing.pack_request(framing.STOP))

    def lost(self) -> WorkerLost:
        """What to raise when the verifier is gone, with its last words."""
        self.diagnostics.seek(0)
        words = self.diagnostics.read().decode(errors="replace").strip()
        return WorkerLost("the verifier died" + (f": {words[-1000:]}" if words else ""))
