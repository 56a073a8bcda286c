"""What holds a container: the options that it is created with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knm.sandbox.jailed.namespaces import BOX_OPTIONS
from knm.sandbox.protocol import LONGEST_REQUEST
from knm.sandbox.types import Limits
from knm.sandbox.worker import most_memory

USER = "65534:65534"
TMP_OPTIONS = f"rw,nosuid,nodev,exec,{BOX_OPTIONS.replace('mode=0700', 'mode=1777')}"
# A request of the greatest length, as bytes, as text and as the tests in it.
VERIFIER_MEMORY = 4 * LONGEST_REQUEST
PROCESSES = 64
DESCRIPTORS = 256
CPUS = 1.0


def memory_bound(limits: Limits) -> int:
    """Bytes of memory of a container, in which the verifier holds whole requests too."""
    return most_memory(limits, VERIFIER_MEMORY)


def file_size_bound(limits: Limits) -> int:
    """Bytes of a file, which includes the memory files that hold input and output of a test."""
    return max(limits.output_bytes, LONGEST_REQUEST)


def host_options(limits: Limits) -> dict[str, Any]:
    """Arguments of `create_host_config` that hold any image.

    There is no limit on the number of this user's processes (nproc): it would count those of all
    containers, and of the host. The bound on pids counts those of the container.
    """
    memory = memory_bound(limits)
    return {
        "network_mode": "none",
        "read_only": True,
        "tmpfs": {"/tmp": TMP_OPTIONS},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges"],
        "pids_limit": PROCESSES,
        "mem_limit": memory,
        "memswap_limit": memory,
        "nano_cpus": int(CPUS * 1e9),
        "ulimits": [
            ulimit("core", 0),
            ulimit("fsize", file_size_bound(limits)),
            ulimit("nofile", DESCRIPTORS),
        ],
        "ipc_mode": "none",
        "init": True,
        "log_config": {"Type": "none", "Config": {}},
        "auto_remove": True,
    }


def ulimit(name: str, value: int) -> dict[str, Any]:
    """A resource limit that cannot be raised."""
    return {"Name": name, "Soft": value, "Hard": value}


def describe_flags(limits: Limits, user: str) -> Mapping[str, str]:
    """The flags that decide what a program may take, for the report."""
    return {
        "container_user": user,
        "container_memory_bytes": str(memory_bound(limits)),
        "container_cpus": f"{CPUS:g}",
        "container_pids": str(PROCESSES),
        "container_tmp": TMP_OPTIONS,
        "container_flags": "no network, read-only root, no capabilities, no new privileges, no ipc",
    }


def widest(one: Limits, other: Limits) -> Limits:
    """The limits of a container that serves both."""
    return Limits(**{name: max(value, getattr(other, name)) for name, value in vars(one).items()})
