"""The few C library calls that Python does not offer, as functions that raise `OSError`."""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

HIGHEST_DESCRIPTOR = 4096  # that may be open in the verifier when it starts

LC_ALL = 6
CAPABILITY_VERSION = 0x20080522  # version 3: two 32-bit halves of each set


def call(function: str, *arguments: Any) -> int:
    """Call a C function that returns -1 on failure.

    Raises:
        OSError: it failed; the message begins with the function's name.
    """
    result = int(getattr(LIBC, function)(*arguments))
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{function}: {os.strerror(number)}")
    return result


def prctl(option: int, value: int) -> None:
    """Set one attribute of this process."""
    call("prctl", option, *(ctypes.c_ulong(number) for number in (value, 0, 0, 0)))


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """mount(2)."""
    call(
        "mount",
        source.encode() if source else None,
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        data.encode(),
    )


def drop_capabilities() -> None:
    """Empty every capability set of this process, for good."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one that this kernel knows
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION, 0)
    nothing = (ctypes.c_uint32 * 6)()
    call("capset", header, nothing)


def forget_environment_and_locale() -> None:
    """What a program would see of the host through getenv and setlocale."""
    LIBC.clearenv()
    LIBC.setlocale(LC_ALL, b"C")


def flush_streams() -> None:
    """Write out what C's stdio still buffers."""
    LIBC.fflush(None)


def read(path: str) -> str:
    """The text of a small file."""
    with open(path, encoding="ascii") as file:
        return file.read()


def write(path: str, text: str) -> None:
    """Write a small file, such as the kernel offers."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def write_all(descriptor: int, data: bytes) -> None:
    """Write every byte."""
    while data:
        data = data[os.write(descriptor, data) :]
