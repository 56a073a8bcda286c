"""Telling what sleeps from what computes on a busy machine.

A program that waits for a processor, because others have them all, does not sleep: how much wall
time it takes says how busy the machine is, and nothing of the program. The kernel knows which of
the two it does, from outside of the jail.
"""

import contextlib
import os
import time
from pathlib import Path

PROC = Path("/proc")
RUNNABLE = "R"  # computes, or would if it had a processor


class IdleClock:
    """Sums up the time in which no process of a family computes, by looking at it now and then.

    Where processes cannot be looked at (`hidepid`, kernels without lists of children), this is the
    time on the wall.

    Args:
        ancestor: the first of the family; all that descend from it count.
    """

    def __init__(self, ancestor: int) -> None:
        self.ancestor = ancestor
        self.restart()

    def restart(self) -> None:
        """Begin again at 0."""
        self.idle = 0.0
        self.looked = time.monotonic()

    def look(self) -> float:
        """The time so far, in seconds. What is seen now holds for the time since the last look."""
        now = time.monotonic()
        if not computes(self.ancestor):
            self.idle += now - self.looked
        self.looked = now
        return self.idle


def computes(process: int) -> bool:
    """Whether a thread of a process, or of one that descends from it, computes or is ready to."""
    with contextlib.suppress(OSError):  # it has just ended, or is hidden
        for task in os.scandir(PROC / str(process) / "task"):
            if state_of(Path(task.path, "stat").read_text()) == RUNNABLE:
                return True
            if any(computes(int(child)) for child in children_of(task.path)):
                return True
    return False


def state_of(status: str) -> str:
    """The letter of a process's state, behind a name that may hold anything."""
    return status.rpartition(")")[2].split()[0]


def children_of(task: str) -> list[str]:
    """The processes that a thread has started."""
    return Path(task, "children").read_text().split()
