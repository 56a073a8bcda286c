"""A filter of system calls: what a program may ask of the kernel, and nothing else.

A policy is a list of rules, compiled into the kernel's filter language (classic BPF over
`struct seccomp_data`, see seccomp(2)). A call that no rule admits fails with EPERM, so that a
program sees a refusal and not its own end. There are two policies: `INTERPRETER` for programs that
an interpreter in this very process runs, which need no file, process or socket at all; and
`COMMAND` for programs that are executed, which may also read files and be executed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from . import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

# From linux/seccomp.h, linux/audit.h, linux/bpf_common.h.
SECCOMP_MODE_FILTER = 2
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
LOAD_WORD, JUMP_EQUAL, JUMP_AT_LEAST, AND, RETURN = 0x20, 0x15, 0x35, 0x54, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # offsets in struct seccomp_data
FOREIGN_CALLS = 0x40000000  # x32, and the -1 of an aborted call

Instruction = tuple[int, int, int, int]
INSTRUCTION = struct.Struct("=HBBI")
Stretch = tuple[int, list[Instruction]]
REFUSE: list[Instruction] = [(RETURN, 0, 0, ERRNO | errno.EPERM)]
ADMIT: list[Instruction] = [(RETURN, 0, 0, ALLOW)]
# Stand in jumps for the way to these, until it is known how far it is.
TO_REFUSAL, TO_ADMISSION = -1, -2
_ENDS = {REFUSE[0]: TO_REFUSAL, ADMIT[0]: TO_ADMISSION}
OWN_PROCESS = 0x4B4E4D00  # stands in a filter for the number of the process that installs it

WRITING = os.O_ACCMODE | os.O_CREAT | os.O_TRUNC | os.O_TMPFILE & ~os.O_DIRECTORY


class Machine:
    """One architecture: what the kernel calls it, and where its numbers stand in `CALLS`."""

    def __init__(self, audit: int, column: int) -> None:
        self.audit = audit
        self.column = column


MACHINES = {"x86_64": Machine(0xC000003E, 0), "aarch64": Machine(0xC00000B7, 1)}


class Rule:
    """Admits a call by name, or only if one of its arguments is as stated.

    With `mask`, the low 32 bits of the argument must be 0 under it; with `equals` they must be one
    of these. `instead` is the error to return where the rule does not admit the call.
    """

    def __init__(
        self,
        name: str,
        argument: int = 0,
        mask: int = 0,
        equals: tuple[int, ...] = (),
        instead: int = errno.EPERM,
        admits: bool = True,
    ) -> None:
        self.name = name
        self.argument = argument
        self.mask = mask
        self.equals = equals
        self.instead = instead
        self.admits = admits


# Numbers on x86-64 and on 64-bit Arm; None where an architecture does not have the call.
CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "brk": (12, 214),
    "mmap": (9, 222),
    "munmap": (11, 215),
    "mprotect": (10, 226),
    "mremap": (25, 216),
    "madvise": (28, 233),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "close": (3, 57),
    "fstat": (5, 80),
    "newfstatat": (262, 79),
    "lseek": (8, 62),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "pwrite64": (18, 68),
    "fcntl": (72, 25),
    "ioctl": (16, 29),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123),
    "pause": (34, None),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "times": (100, 153),
    "getitimer": (36, 102),
    "setitimer": (38, 103),
    "alarm": (37, None),
    "getrusage": (98, 165),
    "getrlimit": (97, 163),
    "prlimit64": (302, 261),
    "sysinfo": (99, 179),
    "uname": (63, 160),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getppid": (110, 173),
    "getpgrp": (111, None),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getrandom": (318, 278),
    "futex": (202, 98),
    "set_tid_address": (218, 96),
    "set_robust_list": (273, 99),
    "rseq": (334, 293),
    "restart_syscall": (219, 128),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "kill": (62, 129),
    "tkill": (200, 130),
    "tgkill": (234, 131),
    "clone3": (435, 435),
    # Of commands only.
    "execve": (59, 221),
    "arch_prctl": (158, None),
    "open": (2, None),
    "openat": (257, 56),
    "openat2": (437, 437),
    "stat": (4, None),
    "lstat": (6, None),
    "statx": (332, 291),
    "statfs": (137, 43),
    "fstatfs": (138, 44),
    "access": (21, None),
    "faccessat": (269, 48),
    "faccessat2": (439, 439),
    "readlink": (89, None),
    "readlinkat": (267, 78),
    "getdents64": (217, 61),
    "getcwd": (79, 17),
    "fadvise64": (221, 223),
    "dup": (32, 23),
    "dup2": (33, None),
    "dup3": (292, 24),
    "msync": (26, 227),
    "mincore": (27, 232),
}

_SPECIAL = (
    # No stream of a program is a terminal, and nothing else of ioctl is its business.
    Rule("ioctl", admits=False, instead=errno.ENOTTY),
    # Reading limits, never setting them.
    Rule("prlimit64", argument=2, equals=(0,)),
    # A program may signal itself: abort() does.
    Rule("kill", argument=0, equals=(OWN_PROCESS,)),
    Rule("tkill", argument=0, equals=(OWN_PROCESS,)),
    Rule("tgkill", argument=0, equals=(OWN_PROCESS,)),
    # The C library then falls back to an older call, which is refused in turn.
    Rule("clone3", admits=False, instead=errno.ENOSYS),
)
_FILES = (
    Rule("open", argument=1, mask=WRITING, instead=errno.EROFS),
    Rule("openat", argument=2, mask=WRITING, instead=errno.EROFS),
    Rule("openat2", admits=False, instead=errno.ENOSYS),
)
_OF_COMMANDS = frozenset(list(CALLS)[list(CALLS).index("execve") :])


def _policy(special: tuple[Rule, ...], names: Iterable[str]) -> tuple[Rule, ...]:
    named = {rule.name for rule in special}
    return (*(Rule(name) for name in names if name not in named), *special)


INTERPRETER = _policy(_SPECIAL, (name for name in CALLS if name not in _OF_COMMANDS))
COMMAND = _policy((*_SPECIAL, *_FILES), CALLS)


def compile_filter(policy: tuple[Rule, ...]) -> bytes:
    """The instructions that carry out a policy on this machine.

    Raises:
        OSError: the architecture is not among `MACHINES`.
    """
    name = os.uname().machine
    if name not in MACHINES:
        raise OSError(errno.ENOSYS, f"no filter of system calls is known for {name}")
    machine = MACHINES[name]
    numbered = [(CALLS[rule.name][machine.column], _body(rule)) for rule in policy]
    code = [
        (LOAD_WORD, 0, 0, ARCHITECTURE),
        (JUMP_EQUAL, 1, 0, machine.audit),
        (RETURN, 0, 0, KILL),
        (LOAD_WORD, 0, 0, NUMBER),
        (JUMP_AT_LEAST, 0, 1, FOREIGN_CALLS),
        (RETURN, 0, 0, ERRNO | errno.ENOSYS),
        *_tree(_stretches({number: body for number, body in numbered if number is not None})),
    ]
    # Where to jump to: the last two instructions, by which all that has no special rule ends.
    ends = {TO_REFUSAL: len(code), TO_ADMISSION: len(code) + 1}
    resolved = [
        (operation, *(ends[to] - at - 1 if to in ends else to for to in jumps), operand)
        for at, (operation, *jumps, operand) in enumerate(code)
    ]
    return b"".join(
        INSTRUCTION.pack(*instruction) for instruction in (*resolved, REFUSE[0], ADMIT[0])
    )


def _stretches(bodies: dict[int, list[Instruction]]) -> list[Stretch]:
    """All numbers from 0 on: where each stretch that is treated alike begins, and how."""
    stretches: list[Stretch] = [(0, REFUSE)]
    for number in sorted(bodies):
        for start, body in ((number, bodies[number]), (number + 1, REFUSE)):
            if stretches[-1][0] == start:
                stretches.pop()
            if not stretches or stretches[-1][1] != body:
                stretches.append((start, body))
    return stretches


def _tree(stretches: list[Stretch]) -> list[Instruction]:
    """Find the stretch of a number by halving.

    The kernel compiles a filter for each process that installs it, and runs a new one for each
    number once, so that each instruction and each comparison would be felt.
    """
    if len(stretches) == 1:
        return stretches[0][1]
    middle = len(stretches) // 2
    low, high = _tree(stretches[:middle]), _tree(stretches[middle:])
    yes, no = (_ENDS.get(code[0]) if len(code) == 1 else None for code in (high, low))
    low, high = [] if no else low, [] if yes else high
    return [(JUMP_AT_LEAST, yes or len(low), no or 0, stretches[middle][0]), *low, *high]


def _body(rule: Rule) -> list[Instruction]:
    """What is to be done once the call is known to be the rule's. Always ends by returning."""
    refuse = (RETURN, 0, 0, ERRNO | rule.instead)
    allow = (RETURN, 0, 0, ALLOW)
    if not rule.admits:
        return [refuse]
    load = (LOAD_WORD, 0, 0, ARGUMENTS + 8 * rule.argument)  # the low half: little-endian
    if rule.mask:
        return [load, (AND, 0, 0, rule.mask), (JUMP_EQUAL, 0, 1, 0), allow, refuse]
    if rule.equals:
        tests = [
            (JUMP_EQUAL, len(rule.equals) - index, 0, value)
            for index, value in enumerate(rule.equals)
        ]
        # The high half must be empty, or a pointer could pass for a small number.
        high = (LOAD_WORD, 0, 0, ARGUMENTS + 8 * rule.argument + 4)
        return [high, (JUMP_EQUAL, 1, 0, 0), refuse, load, *tests, refuse, allow]
    return ADMIT


class Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


class Filter:
    """A policy as the kernel takes it, prepared so that little is left to do after a fork.

    Raises:
        OSError: this machine has no such filter, see `compile_filter`.
    """

    def __init__(self, policy: tuple[Rule, ...]) -> None:
        code = compile_filter(policy)
        self.code = ctypes.create_string_buffer(code, len(code))
        own = struct.pack("=I", OWN_PROCESS)
        self.own = [at for at in range(0, len(code), 4) if code[at : at + 4] == own]
        self.program = Program(len(code) // INSTRUCTION.size, ctypes.addressof(self.code))

    def install(self) -> None:
        """Bind this process, and whatever it executes, to the filter. For good.

        Raises:
            OSError: the kernel refuses it.
        """
        for at in self.own:
            struct.pack_into("=I", self.code, at, os.getpid())
        none = ctypes.c_ulong(0)
        mode, program = ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.pointer(self.program)
        if system.LIBC.prctl(ctypes.c_ulong(system.PR_SET_SECCOMP), mode, program, none, none):
            number = ctypes.get_errno()
            raise OSError(number, f"no filter of system calls: {os.strerror(number)}")

    def probe(self) -> None:
        """Install it in a process that ends at once.

        Raises:
            OSError: this system refuses it.
        """
        child = os.fork()
        if child == 0:
            try:
                system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
                self.install()
                os._exit(0)
            except OSError as error:
                os._exit(error.errno or 1)
        refused = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if refused:
            raise OSError(refused, f"no filter of system calls: {os.strerror(refused)}")
