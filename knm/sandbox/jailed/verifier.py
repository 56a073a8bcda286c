"""The verifier: the launcher that builds the jail, and the loop that answers requests in it.

Started by the near side, it loads the interpreter, enters its namespaces and forks. The parent, the
launcher, only watches that the near side and the verifier live; the child is the first process of
the jail and answers on standard output what it is asked on standard input, until that is closed.

Requests (see `framing`): `{"do": "program", "size", limits...}` and the program's bytes: keep it,
compile it; `{"do": "run", "size"}` and the input's bytes: run it on them; `{"do": "stop"}`, while
either is done: end it. Each but the last is answered with the fields of `child.Exit` plus `stdout`
(size) and `stderr` (sizes of its first and its last part, and between them the size of what was
left out), then those bytes.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
from typing import Any, NoReturn, Protocol

from . import framing, namespaces, seccomp, system
from .child import HIGHEST_DESCRIPTOR, Bounds, Exit, Job, run_in_child
from .lua import LuaInterpreter
from .system import read, write

DESCRIPTORS = 32  # of the verifier and of each program
COMMAND_ADDRESS_SPACE = 32 << 20  # about what an idle interpreter takes
STDERR_HEAD = 8 << 10
STDERR_TAIL = 56 << 10


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


def main() -> NoReturn:
    """Entry point. Its one argument is the JSON of the options that `worker.Worker` sends."""
    options = json.loads(sys.argv[1])
    jail = options["jail"]
    commands = "commands" in options
    try:
        host = os.pidfd_open(options["host"])
        if os.getppid() != options["host"]:
            raise ProcessLookupError("the process that started the verifier is gone")
        runner = make_runner(options)
        filter = None if jail == "none" else make_filter(runner, needed=jail == "filter")
        system.forget_environment_and_locale()
        baseline = address_space()
        for group in options["groups"]:
            write(group, str(os.getpid()))
        if jail == "namespaces":
            namespaces.enter(commands=commands)
        verifier = os.fork()
    except (OSError, AttributeError) as error:
        send({"ready": False, "error": str(error)})
        os._exit(1)
    if verifier:
        stand_by(host, verifier)
    try:
        settle()
        if jail != "none":
            namespaces.lock()
    except OSError as error:
        send({"ready": False, "error": str(error)})
        os._exit(1)
    send({"ready": True, "version": runner.version, "filter": filter is not None})
    Verifier(runner, baseline, filter, jail).serve()
    os._exit(0)


def make_runner(options: dict[str, Any]) -> Runner:
    """What runs programs of the language that the options describe."""
    if "commands" not in options:
        return LuaInterpreter(options["library"], options["interpreter"], options["filename"])
    from .command import CommandRunner  # with modules that no other language needs

    box = namespaces.BOX if options["jail"] == "namespaces" else options["box"]
    return CommandRunner(**options["commands"], filename=options["filename"], box=box)


def make_filter(runner: Runner, *, needed: bool) -> seccomp.Filter | None:
    """The filter of system calls for running programs; None if this system has no such thing.

    Raises:
        OSError: it has none, and nothing else would hold a program.
    """
    try:
        policy = seccomp.COMMAND if runner.executes else seccomp.INTERPRETER
        filter = seccomp.Filter(policy)
        filter.probe()
    except OSError:
        if needed:
            raise
        return None
    return filter


def settle() -> None:
    """Make this process what its children are to inherit."""
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    os.closerange(3, HIGHEST_DESCRIPTOR)
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    for kind, value in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_NOFILE, DESCRIPTORS),
    ):
        resource.setrlimit(kind, (value, value))
    # Objects that are never touched again share their pages with every child.
    gc.disable()
    gc.freeze()


def address_space() -> int:
    """Bytes of address space that this process, and so each child at its start, occupies."""
    return int(read("/proc/self/statm").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def stand_by(host: int, verifier: int) -> NoReturn:
    """Wait for the end of the host process or of the verifier, then leave, and last.

    A parent-death signal would not do here: it is tied to the host's *thread*. It is there for the
    verifier, should this process be killed.
    """
    system.prctl(system.PR_SET_DUMPABLE, 0)  # in a container programs could look into it
    os.closerange(0, 2)  # the verifier's end must be seen as the end of its pipes
    poller = select.poll()
    poller.register(host, select.POLLIN)
    poller.register(os.pidfd_open(verifier), select.POLLIN)
    poller.poll()
    os.kill(verifier, signal.SIGKILL)
    os.waitpid(verifier, 0)
    os._exit(0)


class Verifier:
    """Answers requests, one after the other. Holds at most one program, as a memory file."""

    def __init__(
        self, runner: Runner, baseline: int, filter: seccomp.Filter | None, jail: str
    ) -> None:
        self.runner = runner
        self.jail = jail
        self.baseline = COMMAND_ADDRESS_SPACE if runner.executes else baseline
        self.program = os.memfd_create("program")
        self.bounds = self.compiler_bounds = Bounds(0, 0, 0)
        self.run = Job(runner.run, runner.executes, filter, True, runner.out_of_memory)
        # An interpreter reads a program as it runs one; a compiler needs files and processes.
        self.compile = self.run._replace(main=runner.compile)
        if runner.executes:
            self.compile = self.compile._replace(filter=None, alone=False)

    def serve(self) -> None:
        """Answer until standard input ends."""
        while True:
            try:
                request = framing.read_header(read_exactly)
                if request["do"] == "stop":
                    continue  # what it was meant for has ended (see `child.watch`)
                payload = receive(request["size"])
            except EOFError:
                return
            if request["do"] == "program":
                self.keep(payload, request)
                self.answer(self.compile, os.memfd_create("stdin"), self.compiler_bounds)
            else:
                self.answer(self.run, payload, self.bounds)

    def keep(self, program: int, request: dict[str, Any]) -> None:
        """Take over a program and its limits, and forget the last one."""
        os.close(self.program)
        self.program = program
        self.runner.clear()
        self.bounds = self.compiler_bounds = Bounds(
            request["cpu_seconds"],
            self.baseline + request["memory_bytes"],
            request["output_bytes"],
        )
        if self.compile.executes:
            self.compiler_bounds = self.bounds._replace(
                cpu_seconds=max(self.bounds.cpu_seconds, request["compiler_seconds"]),
                address_space=max(self.bounds.address_space, request["compiler_memory"]),
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
    sizes = {"stdout": written, "stderr": [head, complained - head - tail, tail]}
    send(end._asdict() | sizes)
    move(stdout, 0, written)
    move(stderr, 0, head)
    move(stderr, complained - tail, tail)


def send(header: dict[str, Any]) -> None:
    """Write one header to standard output."""
    data = framing.pack_header(header)
    while data:
        data = data[os.write(1, data) :]


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
