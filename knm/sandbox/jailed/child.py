"""One process per test: fork, confine, run, watch, collect.

What the child does between the fork and the program is kept to the least: each page of memory that
Python touches there is copied first, and that is most of what a test costs. `loop.lua` does the
same without Python.
"""

import contextlib
import math
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from .seccomp import Filter
from .system import HIGHEST_DESCRIPTOR

SHORTEST_LOOK = 0.005


class Bounds(NamedTuple):
    """What one process may take; sizes in bytes, `address_space` including what it starts with."""

    cpu_seconds: float
    address_space: int
    output_bytes: int


class Job(NamedTuple):
    """What a child does.

    `main` takes the program's text and returns the exit status, or, where `executes`, becomes
    another program. `filter` binds it to a policy of system calls. `alone` forbids it to start
    processes. `out_of_memory` is written to standard error where Python itself finds no memory.
    """

    main: Callable[[bytes], int]
    executes: bool = False
    filter: Filter | None = None
    alone: bool = True
    out_of_memory: bytes = b""


class Exit(NamedTuple):
    """How a process ended. Exactly one of `status`, `signal` and `fault` is set.

    `stopped` is "cpu" or "wall" where a limit of time ended it, or should have; `fault` says why it
    could not be started, which is our trouble and not the program's.
    """

    status: int | None = None
    signal: int | None = None
    stopped: str | None = None
    fault: str | None = None
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_bytes: int = 0


def run_in_child(job: Job, program: int, streams: tuple[int, int, int], bounds: Bounds) -> Exit:
    """Do a job in a process of its own and see it ended.

    Args:
        job: what to do.
        program: descriptor of the file that holds the program.
        streams: descriptors of standard input, output and error.
        bounds: enforced on the process.
    """
    # Stays open until the program begins: what is written there is a fault of ours, and the
    # program cannot forge it.
    fault, tell = os.pipe()
    started = time.monotonic()
    try:
        child = os.fork()
    except OSError as error:
        os.close(fault)
        os.close(tell)
        return Exit(fault=f"fork: {error}")
    if child == 0:
        be_child(job, program, streams, bounds, tell)
    os.close(tell)
    try:
        stopped = watch(child, bounds)
        _, status, usage = os.wait4(child, 0)
        reason = os.read(fault, 4096).decode(errors="replace")
    finally:
        os.close(fault)
    cpu_seconds = usage.ru_utime + usage.ru_stime
    if stopped is None and cpu_seconds > bounds.cpu_seconds:
        stopped = "cpu"
    end = Exit(
        status=os.WEXITSTATUS(status) if os.WIFEXITED(status) else None,
        signal=os.WTERMSIG(status) if os.WIFSIGNALED(status) else None,
        stopped=stopped,
        cpu_seconds=cpu_seconds,
        wall_seconds=time.monotonic() - started,
        peak_memory_bytes=usage.ru_maxrss * 1024,
    )
    return end._replace(status=None, signal=None, fault=reason) if reason else end


def watch(child: int, bounds: Bounds) -> str | None:
    """Wait for the child's end; kill it when its time is up, and say which time it was.

    Time on the wall is the near side's to measure: it sends a request to stop. Leaves with the
    child if the near side has closed its end of standard input.
    """
    clock = ~child << 3 | 2  # the kernel's number for the CPU clock of another process
    process = os.pidfd_open(child)
    try:
        poller = select.poll()
        poller.register(process, select.POLLIN)
        poller.register(0, select.POLLIN)
        cpu_left = bounds.cpu_seconds
        stopped = None
        while stopped is None:
            # One thread uses at most one second of CPU a second, so this cannot oversleep much.
            seconds = max(SHORTEST_LOOK, cpu_left)
            ready = dict(poller.poll(math.ceil(seconds * 1000)))
            if process in ready:
                return None
            if ready.get(0, 0) & select.POLLIN:
                stopped = "wall"
                break
            if ready:
                kill_group(child)
                os._exit(0)
            try:
                cpu_left = bounds.cpu_seconds - time.clock_gettime(clock)
            except OSError:
                continue  # it has just ended
            if cpu_left <= 0:
                stopped = "cpu"
        kill_group(child)
        return stopped
    finally:
        os.close(process)


def kill_group(child: int) -> None:
    """Kill a child that has not been waited for, and what shares its process group."""
    os.kill(child, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):  # it may not have come to make its group
        os.killpg(child, signal.SIGKILL)


def be_child(
    job: Job, program: int, streams: tuple[int, int, int], bounds: Bounds, tell: int
) -> NoReturn:
    """Confine this process, do the job, leave. Never returns into the verifier's loop."""
    status = 1
    try:
        source = prepare(program, streams)
        limit(bounds, alone=job.alone)
        os.closerange(3, tell)
        os.closerange(tell + 1, HIGHEST_DESCRIPTOR)
        if job.filter is not None:
            job.filter.install()
        if not job.executes:  # else beginning closes it: it was made to
            os.close(tell)
        status = job.main(source)
    except MemoryError:
        os.write(2, job.out_of_memory)  # Python's own, within the program's limit
    except BaseException as error:
        os.write(tell, f"{type(error).__name__}: {error}".encode())  # closed once it has begun
    finally:
        os._exit(status)


def prepare(program: int, streams: tuple[int, int, int]) -> bytes:
    """Give this process its own group and streams; the program's text."""
    os.setpgid(0, 0)
    source = os.pread(program, os.fstat(program).st_size, 0)
    for target, stream in enumerate(streams):
        os.dup2(stream, target)
    return source


def limit(bounds: Bounds, *, alone: bool) -> None:
    """Set the resource limits that differ from the verifier's own."""
    # The watcher ends it at the exact time; this is for a watcher that is gone or late. The kernel
    # counts ticks for it, on a busy machine up to a fifth more than there were.
    cpu = math.ceil(bounds.cpu_seconds * 1.5) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu))
    resource.setrlimit(resource.RLIMIT_FSIZE, (bounds.output_bytes, bounds.output_bytes))
    resource.setrlimit(resource.RLIMIT_AS, (bounds.address_space, bounds.address_space))
    if alone:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
