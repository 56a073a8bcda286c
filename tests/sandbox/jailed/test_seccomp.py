"""The filter does what its policy says: by a model of the kernel's interpreter, and for real."""

import errno
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knm.sandbox.jailed import seccomp
from knm.sandbox.jailed.seccomp import COMMAND, INTERPRETER, Rule

pytestmark = pytest.mark.skipif(
    platform.machine() not in seccomp.MACHINES, reason="no filter is known for this processor"
)
ROOT = Path(__file__).parents[3]


def outcome(code: bytes, audit: int, number: int, arguments: tuple[int, ...]) -> int:
    """What the kernel would answer: classic BPF over `struct seccomp_data`."""
    data = number.to_bytes(4, "little") + audit.to_bytes(4, "little") + bytes(8)
    data += b"".join(argument.to_bytes(8, "little") for argument in arguments)
    program = list(seccomp.INSTRUCTION.iter_unpack(code))
    at = accumulator = 0
    while True:
        operation, yes, no, operand = program[at]
        at += 1
        if operation == seccomp.LOAD_WORD:
            accumulator = int.from_bytes(data[operand : operand + 4], "little")
        elif operation == seccomp.AND:
            accumulator &= operand
        elif operation == seccomp.JUMP_EQUAL:
            at += yes if accumulator == operand else no
        elif operation == seccomp.JUMP_AT_LEAST:
            at += yes if accumulator >= operand else no
        else:
            assert operation == seccomp.RETURN
            return int(operand)


def meant(policy: tuple[Rule, ...], column: int, number: int, arguments: tuple[int, ...]) -> int:
    """What the policy says."""
    for rule in policy:
        if seccomp.CALLS[rule.name][column] == number:
            value = arguments[rule.argument]
            fits = rule.admits and not value & 0xFFFFFFFF & rule.mask
            if rule.equals:
                fits = fits and value in rule.equals
            return seccomp.ALLOW if fits else seccomp.ERRNO | rule.instead
    return seccomp.ERRNO | errno.EPERM


values = st.one_of(
    st.integers(0, 2**64 - 1),
    st.sampled_from([0, 1, 2, 0x5401, seccomp.OWN_PROCESS, os.O_CREAT, 1 << 32]),
)


@pytest.mark.parametrize("policy", [INTERPRETER, COMMAND], ids=["interpreter", "command"])
@given(st.integers(0, 500) | st.integers(0, seccomp.FOREIGN_CALLS - 1), st.tuples(*[values] * 6))
@example(302, (0, 0, 1 << 32, 0, 0, 0))
@example(62, ((1 << 32) + seccomp.OWN_PROCESS, 0, 0, 0, 0, 0))
def test_filter_is_what_the_policy_says(policy, number, arguments):
    machine = seccomp.MACHINES[platform.machine()]
    code = seccomp.compile_filter(policy)
    answer = outcome(code, machine.audit, number, arguments)
    assert answer == meant(policy, machine.column, number, arguments)


@given(st.integers(0, 2**32 - 1).filter(lambda audit: audit != 0xC000003E and audit != 0xC00000B7))
def test_calls_of_another_architecture_end_the_process(audit):
    code = seccomp.compile_filter(INTERPRETER)
    assert outcome(code, audit, 0, (0,) * 6) == seccomp.KILL


@given(st.integers(seccomp.FOREIGN_CALLS, 2**32 - 1))
def test_numbers_of_another_kind_are_unknown(number):
    machine = seccomp.MACHINES[platform.machine()]
    answer = outcome(seccomp.compile_filter(COMMAND), machine.audit, number, (0,) * 6)
    assert answer == seccomp.ERRNO | errno.ENOSYS


def test_no_policy_admits_what_a_program_has_no_business_with():
    forbidden = {"clone", "fork", "socket", "ptrace", "mount", "unshare", "memfd_create", "bpf"}
    for policy in (INTERPRETER, COMMAND):
        names = [rule.name for rule in policy]
        assert len(names) == len(set(names))
        assert not forbidden & set(names)
    assert "open" not in {rule.name for rule in INTERPRETER}
    assert "execve" not in {rule.name for rule in INTERPRETER}


def test_machine_that_is_not_known_is_an_error(monkeypatch):
    known = os.uname()
    unknown = os.uname_result((*known[:4], "pdp11"))
    monkeypatch.setattr("os.uname", lambda: unknown)
    with pytest.raises(OSError, match="pdp11"):
        seccomp.compile_filter(COMMAND)


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("os.open('/etc/passwd', os.O_RDONLY)", 0),
        ("os.listdir('/')", 0),
        ("os.kill(os.getpid(), 0)", 0),
        ("os.open('/tmp/x', os.O_WRONLY | os.O_CREAT)", errno.EROFS),
        ("os.open('/etc/passwd', os.O_RDWR)", errno.EROFS),
        ("os.mkdir('/tmp/x')", errno.EPERM),
        ("os.kill(os.getppid(), 0)", errno.EPERM),
        ("os.fork()", errno.EPERM),
        ("socket.socket()", errno.EPERM),
        ("os.memfd_create('x')", errno.EPERM),
        ("resource.setrlimit(resource.RLIMIT_CORE, (0, 0))", errno.EPERM),
        ("resource.getrlimit(resource.RLIMIT_CORE)", 0),
        ("os.isatty(0)", 0),
    ],
)
def test_kernel_holds_a_process_to_the_filter(attempt, error):
    script = f"""
import os, resource, socket
from knm.sandbox.jailed import seccomp, system
system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
seccomp.Filter(seccomp.COMMAND).install()
try:
    {attempt}
except OSError as error:
    os._exit(error.errno)
os._exit(0)
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == error
