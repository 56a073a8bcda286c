"""The verifier: the launcher that builds the jail, and what answers requests in it.

Started by the near side, it loads the interpreter, enters its namespaces and forks. The parent, the
launcher, only watches that the near side and the verifier live; the child is the first process of
the jail and answers on standard output what it is asked on standard input (see `framing`), until
that is closed.

What answers is `loop.lua` where programs are run by LuaJIT, else `loop`; both are to do the same.
With the former this process is forked for each test without a line of Python, and each page that it
has costs time: modules are imported where they are needed, and few are.
"""

from __future__ import annotations

import gc
import os
import resource
import select
import signal

from . import framing, namespaces, seccomp, system
from .lua import LuaInterpreter
from .script import ScriptLoop
from .system import write

TYPE_CHECKING = False  # as type checkers know it: `typing` is large
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from .loop import Loop, Runner

DESCRIPTORS = 32  # of the verifier and of each program


def main(options: dict[str, Any]) -> NoReturn:
    """Entry point, with the options of `worker.Worker`."""
    jail = options["jail"]
    commands = "commands" in options
    try:
        host = os.pidfd_open(options["host"])
        if os.getppid() != options["host"]:
            raise ProcessLookupError("the process that started the verifier is gone")
        runner = make_runner(options)
        filter = None if jail == "none" else make_filter(runner, needed=jail == "filter")
        loop = make_loop(runner, filter, jail)
        system.forget_environment_and_locale()
        baseline = address_space()
        for group in options["groups"]:
            write(group, str(os.getpid()))
        if jail == "namespaces":
            namespaces.enter(commands=commands)
        child = os.fork()
    except (OSError, AttributeError) as error:
        greet(ready=False, filter=False, text=str(error))
        os._exit(1)
    if child:
        stand_by(host, child)
    try:
        settle()
        if jail != "none":
            namespaces.lock()
    except OSError as error:
        greet(ready=False, filter=False, text=str(error))
        os._exit(1)
    greet(ready=True, filter=filter is not None, text=runner.version)
    loop.serve(baseline)
    os._exit(0)


def greet(*, ready: bool, filter: bool, text: str) -> None:
    """Say whether requests will be answered, and the interpreter's version or what hinders."""
    data = text.encode(errors="replace")
    system.write_all(1, framing.GREETING.pack(ready, filter, len(data)) + data)


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


def make_loop(runner: Runner, filter: seccomp.Filter | None, jail: str) -> Loop | ScriptLoop:
    """What answers requests."""
    if isinstance(runner, LuaInterpreter) and runner.is_luajit:
        try:
            return ScriptLoop(runner, filter, jail)
        except OSError:  # a LuaJIT without what the script needs
            pass
    from .loop import Loop  # with modules that LuaJIT does without

    return Loop(runner, filter, jail)


def settle() -> None:
    """Make this process what its children are to inherit."""
    system.prctl(system.PR_SET_PDEATHSIG, signal.SIGKILL)
    system.prctl(system.PR_SET_CHILD_SUBREAPER, 1)
    os.closerange(3, system.HIGHEST_DESCRIPTOR)
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
    return int(system.read("/proc/self/statm").split()[0]) * os.sysconf("SC_PAGE_SIZE")


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
