"""The verifier's loop where programs are run by LuaJIT: what `loop.lua` is told.

The script runs in a LuaJIT of its own beside the one that programs run in, and has the C library in
reach. Once it serves, no Python runs any more.
"""

import ctypes
import os
import resource

from .lua import LuaInterpreter
from .seccomp import Filter
from .system import HIGHEST_DESCRIPTOR

SCRIPT = os.path.join(os.path.dirname(__file__), "loop.lua")
STDERR_HEAD = 8 << 10
STDERR_TAIL = 56 << 10


class Setup(ctypes.Structure):
    """What does not change from request to request.

    `state` and `on_error` are those of `LuaInterpreter`; `baseline` is the address space that is
    not the program's; `alone_in_namespace` says that all other processes may be killed, `strays`
    that a program may leave some behind; `own` are the places in the filter for the number of the
    process that installs it.
    """

    _fields_ = (
        ("library", ctypes.c_char_p),
        ("chunk_name", ctypes.c_char_p),
        ("prefix", ctypes.c_char_p),
        ("state", ctypes.c_void_p),
        ("on_error", ctypes.c_int),
        ("highest_descriptor", ctypes.c_int),
        ("alone_in_namespace", ctypes.c_int),
        ("strays", ctypes.c_int),
        ("baseline", ctypes.c_uint64),
        ("stderr_head", ctypes.c_uint64),
        ("stderr_tail", ctypes.c_uint64),
        ("filter", ctypes.c_void_p),
        ("own", ctypes.POINTER(ctypes.c_void_p)),
        ("owns", ctypes.c_uint64),
        ("rlimit_cpu", ctypes.c_int),
        ("rlimit_fsize", ctypes.c_int),
        ("rlimit_as", ctypes.c_int),
        ("rlimit_nproc", ctypes.c_int),
    )


class ScriptLoop:
    """Answers requests as `loop.Loop` does.

    Args:
        interpreter: that runs programs.
        filter: of their system calls, if there is one.
        jail: one of `worker.Jail`.

    Raises:
        OSError: the interpreter, a LuaJIT, cannot run the script: it has no `ffi`.
    """

    def __init__(self, interpreter: LuaInterpreter, filter: Filter | None, jail: str) -> None:
        self.interpreter, self.filter = interpreter, filter
        self.setup = Setup(
            library=interpreter.library.encode(),
            chunk_name=interpreter.chunk_name,
            prefix=interpreter.prefix,
            state=interpreter.state,
            on_error=interpreter.on_error,
            highest_descriptor=HIGHEST_DESCRIPTOR,
            alone_in_namespace=jail == "namespaces",
            strays=filter is None,
            stderr_head=STDERR_HEAD,
            stderr_tail=STDERR_TAIL,
            rlimit_cpu=resource.RLIMIT_CPU,
            rlimit_fsize=resource.RLIMIT_FSIZE,
            rlimit_as=resource.RLIMIT_AS,
            rlimit_nproc=resource.RLIMIT_NPROC,
        )
        if filter is not None:
            own = [ctypes.addressof(filter.code) + at for at in filter.own]
            self.setup.filter = ctypes.addressof(filter.program)
            self.setup.own, self.setup.owns = (ctypes.c_void_p * len(own))(*own), len(own)
        with open(SCRIPT, "rb") as file:
            self.function = interpreter.prepare(file.read(), ctypes.addressof(self.setup))

    def serve(self, baseline: int) -> None:
        """Answer until standard input ends.

        Args:
            baseline: bytes of address space that a child has at its start.

        Raises:
            OSError: a call failed that must not.
        """
        self.setup.baseline = baseline
        self.interpreter.call_prepared(self.function)
