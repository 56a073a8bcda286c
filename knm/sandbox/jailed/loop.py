"""Answering requests in Python, for programs that anything but LuaJIT runs: see `verifier`."""

import contextlib
import os
import signal
from typing import Protocol

from . import framing
from .child import Bounds, Exit, Job, run_in_child
from .script import STDERR_HEAD, STDERR_TAIL
from .seccomp import Filter
from .system import read, write_all

COMMAND_ADDRESS_SPACE = 32 << 20  # about what an idle interpreter takes


class Runner(Protocol):
    """Compiles and runs programs, in the child of the verifier that calls it."""

    executes: bool
    out_of_memory: bytes
    version: str

    def compile(self, source: bytes) -> int:
        """Check or build the program; the exit status."""

    def run(self, source: bytes) -> int:
        """Run the program; the exit status."""

    def clear(self) -> None:
        """Leave nothing of the last program. Called in the verifier itself."""


class Loop:
    """Answers requests, one after the other. Holds at most one program, as a memory file."""

    def __init__(self, runner: Runner, filter: Filter | None, jail: str) -> None:
        self.runner = runner
        self.jail = jail
        self.baseline = 0
        self.program = -1
        self.bounds = self.compiler_bounds = Bounds(0, 0, 0)
        self.run = Job(runner.run, runner.executes, filter, True, runner.out_of_memory)
        # An interpreter reads a program as it runs one; a compiler needs files and processes.
        self.compile = self.run._replace(main=runner.compile)
        if runner.executes:
            self.compile = self.compile._replace(filter=None, alone=False)

    def serve(self, baseline: int) -> None:
        """Answer until standard input ends.

        Args:
            baseline: bytes of address space that a child has at its start.
        """
        self.baseline = COMMAND_ADDRESS_SPACE if self.runner.executes else baseline
        self.program = os.memfd_create("program")
        while True:
            try:
                kind, size, *limits = framing.REQUEST.unpack(read_exactly(framing.REQUEST.size))
                if kind == framing.STOP:
                    continue  # what it was meant for has ended (see `child.watch`)
                payload = receive(size)
            except EOFError:
                return
            if kind == framing.PROGRAM:
                self.keep(payload, *limits)
                self.answer(self.compile, os.memfd_create("stdin"), self.compiler_bounds)
            else:
                self.answer(self.run, payload, self.bounds)

    def keep(
        self,
        program: int,
        cpu_seconds: float,
        memory_bytes: int,
        output_bytes: int,
        compiler_seconds: float,
        compiler_memory: int,
    ) -> None:
        """Take over a program and its limits, and forget the last one."""
        os.close(self.program)
        self.program = program
        self.runner.clear()
        self.bounds = self.compiler_bounds = Bounds(
            cpu_seconds, self.baseline + memory_bytes, output_bytes
        )
        if self.compile.executes:
            self.compiler_bounds = self.bounds._replace(
                cpu_seconds=max(cpu_seconds, compiler_seconds),
                address_space=max(self.bounds.address_space, compiler_memory),
            )

    def answer(self, job: Job, stdin: int, bounds: Bounds) -> None:
        """Do a job on `stdin`, which is closed, and send what came of it."""
        stdout, stderr = os.memfd_create("stdout"), os.memfd_create("stderr")
        streams = (stdin, stdout, stderr)
        end = run_in_child(job, self.program, streams, bounds)
        if self.jail == "namespaces":
            kill_everyone_else()
        elif not job.alone or job.filter is None:
            kill_strays()
        send_result(end, stdout, stderr)
        for stream in streams:
            os.close(stream)


def kill_everyone_else() -> None:
    """End every other process of this pid namespace, of which this one is the first."""
    assert os.getpid() == 1, "outside of a pid namespace this would kill the user's processes"
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(-1, signal.SIGKILL)
        while True:
            os.wait()


def kill_strays() -> None:
    """End what a child left behind: this process has inherited it (see `settle`)."""
    while children := read(f"/proc/self/task/{os.getpid()}/children").split():
        for child in map(int, children):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def send_result(end: Exit, stdout: int, stderr: int) -> None:
    """Send how a child ended, all of its output, and the ends of its error output."""
    written, complained = os.fstat(stdout).st_size, os.fstat(stderr).st_size
    head = min(complained, STDERR_HEAD)
    tail = min(complained - head, STDERR_TAIL)
    fault = (end.fault or "").encode()
    answer = framing.ANSWER.pack(
        -1 if end.status is None else end.status,
        end.signal or 0,
        framing.REASONS.index(end.stopped),
        len(fault),
        end.cpu_seconds,
        end.wall_seconds,
        end.peak_memory_bytes,
        written,
        head,
        complained - head - tail,
        tail,
    )
    write_all(1, answer + fault)
    move(stdout, 0, written)
    move(stderr, 0, head)
    move(stderr, complained - tail, tail)


def move(file: int, offset: int, size: int) -> None:
    """Send part of a memory file to standard output."""
    while size:
        moved = os.splice(file, 1, size, offset_src=offset)
        offset, size = offset + moved, size - moved


def receive(size: int) -> int:
    """A memory file with the next `size` bytes of standard input, positioned at its start."""
    file = os.memfd_create("payload")
    while size:
        moved = os.splice(0, file, size)
        if moved == 0:
            raise EOFError
        size -= moved
    os.lseek(file, 0, os.SEEK_SET)
    return file


def read_exactly(count: int) -> bytes:
    """The next bytes of standard input, and not one more."""
    data = b""
    while len(data) < count:
        part = os.read(0, count - len(data))
        if not part:
            raise EOFError
        data += part
    return data
