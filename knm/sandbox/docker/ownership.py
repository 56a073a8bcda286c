"""Whose container it is: labels that name the process which made it, and whether that lives."""

import os
import uuid
from collections.abc import Mapping
from pathlib import Path

MARK = "knm.sandbox"
HOST = f"{MARK}.host"
PROCESS = f"{MARK}.pid"
STARTED = f"{MARK}.started"
RUN = f"{MARK}.run"


def owner_labels() -> dict[str, str]:
    """The labels of containers that this process makes for one sandbox, told apart by a run id."""
    return {
        MARK: "1",
        HOST: host_identity(),
        PROCESS: str(os.getpid()),
        STARTED: start_time(os.getpid()) or "",
        RUN: uuid.uuid4().hex,
    }


def is_leftover(labels: Mapping[str, str]) -> bool:
    """Whether the process that made a container is known to be dead.

    Of another machine's processes, another boot's or another pid namespace's nothing is known.
    """
    if labels.get(HOST) != host_identity() or not labels.get(PROCESS, "").isdecimal():
        return False
    process = int(labels[PROCESS])
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # another user's, and alive
    started = start_time(process)
    return started is not None and started != labels.get(STARTED)


def host_identity() -> str:
    """The boot of this kernel and the pid namespace in which process ids mean what they mean."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"


def start_time(process: int) -> str | None:
    """When a process started, in clock ticks since boot; None if this cannot be known."""
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return status.rpartition(")")[2].split()[19]
