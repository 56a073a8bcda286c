"""The CPU's own kernels: C, compiled where they run for the processor that is there.

They are made by the machine's C compiler when they are first needed and kept for the next time.
Without a compiler there are none, and torch's take their place.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import torch

VARIABLE: Final = "KNM_CPU_KERNELS"
"""`torch` does without them."""

_SOURCE: Final = Path(__file__).with_name("kernels.c")
_COMPILERS: Final = ("cc", "gcc", "clang")
_FLAGS: Final = (
    "-O3",
    "-march=native",
    "-ffp-contract=fast",
    "-fno-math-errno",
    "-fopenmp",
    "-fPIC",
    "-shared",
)
_TYPES: Final[dict[torch.dtype, tuple[str, ...]]] = {
    torch.float32: (),
    torch.bfloat16: ("-DBFLOAT16",),
}
_PATIENCE_SECONDS: Final = 60.0


def compiled_kernels(dtype: torch.dtype) -> ctypes.CDLL | None:
    """The functions of `kernels.c` for elements of a dtype; None where there are none."""
    if os.environ.get(VARIABLE) == "torch" or dtype not in _TYPES:
        return None
    return _load(dtype)


@cache
def _load(dtype: torch.dtype) -> ctypes.CDLL | None:
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None or sys.platform != "linux":
        return None
    try:
        library = ctypes.CDLL(str(_compile(compiler, (*_FLAGS, *_TYPES[dtype]))))
    except (OSError, subprocess.SubprocessError) as error:
        print(
            f"knm: the CPU kernels cannot be compiled, torch's are used: {error}", file=sys.stderr
        )
        return None
    pointer, number, real = ctypes.c_void_p, ctypes.c_int64, ctypes.c_float
    threads = ctypes.c_int
    for name, arguments in {
        "add_norm": [pointer] * 5 + [number] * 2 + [real, threads],
        "gate": [pointer] * 2 + [number] * 2 + [threads],
        "place_heads": [pointer] * 2 + [real] + [pointer] * 7 + [number] * 7 + [threads],
        "attend": [pointer] * 6 + [number] * 7 + [real, threads],
    }.items():
        function: Any = getattr(library, name)
        function.argtypes = arguments
        function.restype = ctypes.c_int if name == "attend" else None
    return library


def _compile(compiler: str, flags: tuple[str, ...]) -> Path:
    """The shared library, made unless it is kept; the name says what of, by what and for what."""
    found = Path(compiler).resolve().stat()
    told = (_SOURCE.read_text(), compiler, found.st_size, found.st_mtime_ns, *flags, _processor())
    name = f"kernels-{hashlib.sha256(repr(told).encode()).hexdigest()[:24]}.so"
    directory = _directory()
    kept = directory / name
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=directory) as scratch:
            made = Path(scratch) / name
            subprocess.run(
                [compiler, *flags, "-o", made, _SOURCE, "-lm"],
                check=True,
                capture_output=True,
                timeout=_PATIENCE_SECONDS,
            )
            made.replace(kept)
    return kept


def _processor() -> str:
    """What the processor can do."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(("flags", "Features")):
            return line
    return ""


def _directory() -> Path:
    """Where nobody else can put a library that we would load."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    directory = Path(home) / "knm" / "kernels"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
        if (
            found.st_uid == os.getuid()
            and not found.st_mode & 0o022
            and os.access(directory, os.W_OK)
        ):
            return directory
    except (OSError, RuntimeError):
        pass
    return _of_this_process()


@cache
def _of_this_process() -> Path:
    return Path(tempfile.mkdtemp(prefix="knm-kernels-"))
