"""The verifier: the launcher that builds the jail, and the loop that answers requests in it.

Started by the near side, it loads the interpreter, enters its namespaces and forks. The parent, the
launcher, only watches that the near side and the verifier live; the child is the first process of
the jail and answers on standard output what it is asked on standard input, until that is closed.

Requests (see `framing`): `{"do": "program", "size", limits...}` and the program's bytes: keep it,
compile it; `{"do": "run", "size"}` and the input's bytes: run it on them. Each is answered with the
fields of `child.Exit` plus `stdout` (size) and `stderr` (sizes of its first and its last part, and
between them the size of what was left out), then those bytes.
"""

import contextlib
import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from . import framing, namespaces, system
from .child import HIGHEST_DESCRIPTOR, Bounds, Exit, run_in_child
from .lua import LuaInterpreter

DESCRIPTORS = 16  # of the verifier and of each program
STDERR_HEAD = 8 << 10
STDERR_TAIL = 56 << 10


def main() -> NoReturn:
    """Entry point. Its one argument is the JSON of the options that `worker.Worker` sends."""
    options = json.loads(sys.argv[1])
    try:
        host = os.pidfd_open(options["host"])
        if os.getppid() != options["host"]:
            raise ProcessLookupError("the process that started the verifier is gone")
        interpreter = LuaInterpreter(options["library"], options["program"], options["filename"])
        system.forget_environment_and_locale()
        baseline = address_space()
        if options["confined"]:
            namespaces.enter()
        verifier = os.fork()
    except (OSError, AttributeError) as error:
        send({"ready": False, "error": str(error)})
        os._exit(1)
    if verifier:
        stand_by(host, verifier)
    try:
        settle()
        if options["confined"]:
            namespaces.lock()
    except OSError as error:
        send({"ready": False, "error": str(error)})
        os._exit(1)
    send({"ready": True, "version": interpreter.version})
    Verifier(interpreter, baseline, confined=options["confined"]).serve()
    os._exit(0)


def settle() -> None:
    """Make this process what its children are to inherit."""
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
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
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123  pathlib is not loaded
        return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def stand_by(host: int, verifier: int) -> NoReturn:
    """Wait for the end of the host process or of the verifier, then leave, and last.

    A parent-death signal would not do here: it is tied to the host's *thread*. It is there for the
    verifier, should this process be killed.
    """
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

    def __init__(self, interpreter: LuaInterpreter, baseline: int, *, confined: bool) -> None:
        self.interpreter = interpreter
        self.baseline = baseline
        self.confined = confined
        self.program = os.memfd_create("program")
        self.bounds = Bounds(0, 0, 0, 0)

    def serve(self) -> None:
        """Answer until standard input ends."""
        while True:
            try:
                request = framing.read_header(read_exactly)
                payload = receive(request["size"])
            except EOFError:
                return
            if request["do"] == "program":
                os.close(self.program)
                self.program = payload
                self.bounds = Bounds(
                    request["cpu_seconds"],
                    request["wall_seconds"],
                    self.baseline + request["memory_bytes"],
                    request["output_bytes"],
                )
                empty = os.memfd_create("stdin")
                self.answer(self.interpreter.compile, empty)
            else:
                self.answer(self.interpreter.run, payload)

    def answer(self, run: Callable[[bytes], int], stdin: int) -> None:
        """Run the program on `stdin`, which is closed, and send what came of it."""
        stdout, stderr = os.memfd_create("stdout"), os.memfd_create("stderr")
        streams = (stdin, stdout, stderr)
        end = run_in_child(run, self.program, streams, self.bounds, self.interpreter.out_of_memory)
        if self.confined:
            kill_everyone_else()
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
