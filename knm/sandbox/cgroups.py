"""A control group around a verifier: one bound on memory and processes for all that it starts.

A second fence behind the limits of each process, where this user may make one: as root, or where
the system has delegated a part of the hierarchy. Both versions of control groups are known.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONTROLLERS = ("memory", "pids")
PROCESSES = 64
NAME = re.compile(r"knm-(\d+)-\d+")
PROC = Path("/proc")


@dataclass(frozen=True)
class Hierarchy:
    """Where groups are made for some controllers, and what this version calls their limits."""

    parent: Path
    controllers: tuple[str, ...]
    memory: str


@dataclass(frozen=True)
class ControlGroup:
    """A group of its own in each hierarchy. It is empty until a process enters it."""

    folders: tuple[Path, ...]
    memory: Path | None

    @property
    def entries(self) -> list[str]:
        """The files into which a process writes its number to enter."""
        return [str(folder / "cgroup.procs") for folder in self.folders]

    def limit_memory(self, size: int) -> None:
        """Bound the memory of all processes together, in bytes.

        Where they hold more than that now, the last bound stays.
        """
        if self.memory is not None:
            with contextlib.suppress(OSError):
                self.memory.write_text(str(size))

    def remove(self) -> None:
        """Remove the group, from which all processes are gone."""
        for folder in self.folders:
            with contextlib.suppress(OSError):
                folder.rmdir()


def make_group(serial: int) -> ControlGroup | None:
    """Make a group named after this process and `serial`; None where that is not to be had.

    Groups that dead processes left behind are removed.
    """
    folders: list[Path] = []
    memory: Path | None = None
    for hierarchy in hierarchies():
        remove_leftovers(hierarchy.parent)
        folder = hierarchy.parent / f"knm-{os.getpid()}-{serial}"
        try:
            folder.mkdir()
            folders.append(folder)
            if "pids" in hierarchy.controllers:
                (folder / "pids.max").write_text(str(PROCESSES))
        except OSError:
            continue
        if "memory" in hierarchy.controllers:
            memory = folder / hierarchy.memory
    return ControlGroup(tuple(folders), memory) if folders else None


def hierarchies(proc: Path = PROC) -> Iterator[Hierarchy]:
    """The hierarchies that control memory or processes and in which a group may be made."""
    groups = {}
    for line in (proc / "self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        groups[names] = path
    for line in (proc / "self/mountinfo").read_text().splitlines():
        fields, _, system = line.partition(" - ")
        root, mount = fields.split()[3:5]
        kind, _, options = system.split(" ", 2)
        if kind == "cgroup2" and "" in groups:
            # A group that has processes may not share out controllers: a sibling can have them.
            folder = place(mount, root, groups[""]).parent
            shared = read(folder / "cgroup.subtree_control").split()
            found = tuple(name for name in CONTROLLERS if name in shared)
            if found:
                yield Hierarchy(folder, found, "memory.max")
        elif kind == "cgroup":
            for name in CONTROLLERS:
                if name in options.split(",") and name in groups:
                    folder = place(mount, root, groups[name])
                    yield Hierarchy(folder, (name,), "memory.limit_in_bytes")


def place(mount: str, root: str, group: str) -> Path:
    """The folder of a group, in a hierarchy whose part `root` is mounted at `mount`."""
    return Path(mount) / os.path.relpath(group, root)


def read(file: Path) -> str:
    """What a file says; nothing where it cannot be read."""
    try:
        return file.read_text()
    except OSError:
        return ""


def remove_leftovers(parent: Path) -> None:
    """Remove the groups of processes that are no more. The kernel keeps those in use."""
    with contextlib.suppress(OSError):
        for folder in parent.glob("knm-*"):
            owner = NAME.fullmatch(folder.name)
            if owner and not (PROC / owner[1]).exists():
                with contextlib.suppress(OSError):
                    folder.rmdir()
