"""The loop in LuaJIT does what the loop in Python does: both are asked the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import knm.sandbox
from knm.errors import UserError
from knm.languages.language import load_language
from knm.sandbox.jailed import framing, seccomp
from knm.sandbox.libraries import library_path

FOLDER = str(Path(knm.sandbox.__file__).parent)
CPU_SECONDS, MEMORY, OUTPUT = 0.3, 32 << 20, 1 << 16
SERVE = """
import sys
sys.path.append({folder!r})
from jailed import seccomp, system, verifier
from jailed.loop import Loop
from jailed.lua import LuaInterpreter
from jailed.script import ScriptLoop
interpreter = LuaInterpreter({library!r}, "luajit", "main.lua")
filter = seccomp.Filter(seccomp.INTERPRETER)
{damage}
system.prctl(system.PR_SET_NO_NEW_PRIVS, 1)
loop = {loop}(interpreter, filter, "filter")
verifier.settle()
loop.serve(verifier.address_space())
"""

pytestmark = pytest.mark.skipif(
    os.uname().machine not in seccomp.MACHINES, reason="no filter is known for this processor"
)


class Loop:
    """A loop in a process of its own, without namespaces."""

    def __init__(self, loop: str, damage: str = "") -> None:
        library = library_path(load_language("lua").execution)
        script = SERVE.format(folder=FOLDER, library=library, loop=loop, damage=damage)
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )

    def send(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)

    def read(self, count: int) -> bytes:
        assert self.process.stdout is not None
        data = b""
        while len(data) < count:
            part = self.process.stdout.read(count - len(data))
            assert part, "the loop has ended"
            data += part
        return data

    def answer(self) -> dict[str, object]:
        """The next answer, but for what differs from run to run."""
        values = framing.ANSWER.unpack(self.read(framing.ANSWER.size))
        status, signal, stopped, fault, cpu, wall, peak, stdout, head, omitted, tail = values
        assert 0 <= cpu <= wall + 0.1
        assert fault or 0 < peak < 1 << 40
        return {
            "status": status,
            "signal": signal,
            "stopped": framing.REASONS[stopped],
            "fault": self.read(fault),
            "stdout": self.read(stdout),
            "head": self.read(head),
            "omitted": omitted,
            "tail": self.read(tail),
        }

    def judge(self, program: bytes, *inputs: bytes) -> list[dict[str, object]]:
        """How compiling ended, and each run."""
        limits = (CPU_SECONDS, MEMORY, OUTPUT, 10.0, 1 << 30)
        self.send(framing.pack_request(framing.PROGRAM, len(program), limits) + program)
        answers = [self.answer()]
        for stdin in inputs:
            self.send(framing.pack_request(framing.RUN, len(stdin)) + stdin)
            answers.append(self.answer())
        return answers

    def close(self) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


@pytest.fixture(scope="module")
def loops() -> Iterator[tuple[Loop, Loop]]:
    try:
        opened = Loop("ScriptLoop"), Loop("Loop")
    except UserError as error:
        pytest.skip(str(error))
    yield opened
    assert [loop.close() for loop in opened] == [0, 0]


PROGRAMS = {
    "sum": 'local a, b = io.read("*n", "*n") print(a + b)',
    "empty": "",
    "head-alone": "#!/usr/bin/luajit",
    "head": "\ufeff#!/usr/bin/luajit\nerror('x')",
    "syntax": "x = = 1",
    "error": "local function f() error('no') end f()",
    "object": "error({})",
    "nil": "error()",
    "object-with-text": "error(setmetatable({}, {__tostring = function() return 'told' end}))",
    "object-without": "error(setmetatable({}, {__tostring = function() return 1 end}))",
    "status": "io.write('left') os.exit(7)",
    "finalizer": "local p = newproxy(true) getmetatable(p).__gc = function() print('bye') end",
    "closed": "io.stdout:close() io.stderr:close() io.stdin:close()",
    "buffered": "io.stdout:setvbuf('full') io.write(('x'):rep(9000)) os.exit(0)",
    "bytes": "io.write(io.read('*a'):reverse(), '\\0\\255')",
    "output": "while true do io.write(('x'):rep(1000)) end",
    "complaint": "io.stderr:write(('x'):rep(2 ^ 13 + 7), ('y'):rep(56000)) io.stdout:write('z')",
    "memory": "local t = {} while true do t[#t + 1] = ('x'):rep(2 ^ 20) .. #t end",
    "crash": "require('ffi').cast('int *', 0)[0] = 1",
    "endless": "while true do end",
    "stack": "local function f() return 1 + f() end f()",
    "arguments": "print(arg[-1], arg[0], arg[1], ...)",
    "globals": "seen = (seen or 0) + 1 print(seen)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_end_alike(loops, name):
    program = PROGRAMS[name].encode()
    inputs = (b"3 4\n",) if name == "endless" else (b"3 4\n", b"", b"\0\xff 1 2")
    script, python = (loop.judge(program, *inputs) for loop in loops)
    assert script == python
    assert not any(answer["fault"] for answer in script)


heads = st.lists(
    st.sampled_from(
        [b"\xef\xbb\xbf", b"#", b"\n", b"\r\n", b"print(1)", b"-- x", b"\0", b"\x1bLJ"]
    ),
    max_size=5,
)


@given(heads=heads, rest=st.binary(max_size=20), stdin=st.binary(max_size=20))
@example(heads=[b"#"], rest=b"", stdin=b"")
@example(heads=[b"\xef\xbb\xbf", b"#", b"\n"], rest=b"print(2)", stdin=b"")
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_text_is_read_alike(loops, heads, rest, stdin):
    program = b"".join(heads) + rest
    script, python = (loop.judge(program, stdin) for loop in loops)
    assert script == python


def test_program_that_sleeps_is_stopped_on_request(loops):
    sleep = b"require('ffi').cdef'int pause(void);' require('ffi').C.pause()"
    for loop in loops:
        loop.judge(sleep)
        loop.send(framing.pack_request(framing.RUN))
        loop.send(framing.pack_request(framing.STOP))
        answer = loop.answer()
        assert (answer["stopped"], answer["signal"]) == ("wall", 9)
        # One that comes when all is over is of no consequence.
        loop.send(framing.pack_request(framing.STOP))
        assert loop.judge(b"print(1)", b"")[1]["stdout"] == b"1\n"


def test_input_and_output_larger_than_a_pipe_go_through(loops):
    given = bytes(range(256)) * 200
    for loop in loops:
        assert loop.judge(b"io.write(io.read('*a'))", given)[1]["stdout"] == given


@pytest.mark.parametrize("loop", ["ScriptLoop", "Loop"])
def test_filter_that_is_refused_is_our_fault_and_runs_no_program(loop):
    broken = Loop(loop, damage="filter.program.length = 0")
    compiled, ran = broken.judge(b"print('ran')", b"")
    assert b"no filter of system calls" in compiled["fault"]  # type: ignore[operator]
    assert b"no filter of system calls" in ran["fault"]  # type: ignore[operator]
    assert ran["stdout"] == b""
    assert broken.close() == 0


@pytest.mark.parametrize("loop", ["ScriptLoop", "Loop"])
def test_loop_leaves_with_the_program_when_the_near_side_is_gone(loop):
    alone = Loop(loop)
    alone.judge(b"while true do end")
    alone.send(framing.pack_request(framing.RUN))
    assert alone.close() == 0


def test_luajit_is_served_by_the_script_and_no_other():
    script = f"""
import sys
sys.path.append({FOLDER!r})
from jailed.lua import LuaInterpreter
from jailed.verifier import make_loop
print(type(make_loop(LuaInterpreter(sys.argv[1], "lua", "main.lua"), None, "none")).__name__)
"""
    for language, loop in (("lua", "ScriptLoop"), ("lua5.4", "Loop")):
        try:
            library = library_path(load_language(language).execution)
        except UserError as error:
            pytest.skip(str(error))
        command = [sys.executable, "-I", "-S", "-c", script, library]
        assert subprocess.check_output(command, text=True) == f"{loop}\n"
