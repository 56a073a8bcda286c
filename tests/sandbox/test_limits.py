"""What a program may take, and what it is told when it takes more."""

from dataclasses import replace

import pytest

from knm.sandbox import Limits, Verdict
from tests.sandbox.conftest import QUICK
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases

SLEEP = 'local ffi = require("ffi") ffi.cdef("int pause(void);") ffi.C.pause()'


@pytest.mark.parametrize(
    "program",
    [
        "while true do end",
        "repeat until pcall(error)  == 1",
        'string.rep("a", 30):find(("a?"):rep(30) .. ("a"):rep(30))',
        "jit.off() while true do local t = {} end",
        "setmetatable({}, {__index = function(t, k) return t[k + 1] end}) while true do end",
        "local p = newproxy(true) getmetatable(p).__gc = function() while true do end end",
    ],
)
def test_busy_program_exceeds_its_cpu_time(sandbox, program):
    judgement = sandbox.judge(program, SUM)
    assert judgement.verdict is Verdict.TIMEOUT
    assert judgement.message == "CPU time limit of 0.5 s exceeded"
    assert 0.45 < judgement.cpu_seconds < 1.4
    assert judgement.failing_test == 0


def test_limit_of_the_kernel_leaves_room_for_how_it_counts(sandbox):
    # On a busy machine it counts up to a fifth too much; the limit that counts is our own.
    program = """
    local ffi = require("ffi")
    ffi.cdef"struct limit { unsigned long soft, hard; }; int getrlimit(int, struct limit *);"
    local limit = ffi.new("struct limit")
    ffi.C.getrlimit(0, limit)
    print(limit.soft >= 1.25 * 400, limit.hard >= 1.25 * 400)
    """
    limits = replace(QUICK, cpu_seconds=400)
    judgement = sandbox.judge(program, cases(("", "true\ttrue")), limits=limits)
    assert judgement.verdict is Verdict.ACCEPTED, judgement.got


def test_sleeping_program_is_caught_by_wall_time(sandbox):
    judgement = sandbox.judge(SLEEP, SUM, limits=Limits(wall_seconds=0.7))
    assert judgement.verdict is Verdict.TIMEOUT
    assert judgement.message == "wall time limit of 0.7 s exceeded"
    assert judgement.cpu_seconds < 0.4


@pytest.mark.parametrize(
    "program",
    [
        "local t = {} for i = 1, 1e9 do t[i] = {i} end",
        'local s = "x" while true do s = s .. s end',
        'local t = {} for i = 1, 1e6 do t[i] = ("x"):rep(1e6) .. i end',
        "coroutine.wrap(function() local t = {} for i = 1, 1e9 do t[i] = {i} end end)()",
        'print(#("x"):rep(1e9))',
    ],
)
def test_memory_hog_is_named_as_such(sandbox, program):
    # On busy cores filling the memory takes longer than other tests allow.
    judgement = sandbox.judge(program, SUM, limits=replace(QUICK, cpu_seconds=5))
    assert (judgement.verdict, judgement.error_class) == (Verdict.MEMORY_LIMIT, None)
    assert "not enough memory" in judgement.message


@pytest.mark.parametrize(
    "program",
    [
        'while true do print("x") end',
        'while true do io.write("x") end',
        'io.write(("x"):rep(2 ^ 20 + 1))',
        'while true do io.stderr:write("xxxxxxxxxxxxxxxxxxxx") end',
        'pcall(function() while true do print("x") end end) while true do print("x") end',
    ],
)
def test_endless_output_is_stopped(sandbox, program):
    judgement = sandbox.judge(program, SUM)
    assert judgement.verdict is Verdict.OUTPUT_LIMIT
    assert judgement.message == "more than 1,048,576 bytes of output"


def test_output_of_exactly_the_limit_is_allowed(sandbox):
    size = 1 << 20
    judgement = sandbox.judge(f'io.write(("x"):rep({size}))', cases(("", "x" * size)))
    assert judgement.verdict is Verdict.ACCEPTED


def test_limits_hold_for_the_compiler_too(sandbox):
    judgement = sandbox.judge("x = {" + "{}," * 3_000_000 + "}", SUM)
    assert judgement.verdict in {Verdict.MEMORY_LIMIT, Verdict.TIMEOUT, Verdict.SYNTAX_ERROR}
    assert sandbox.judge(SUM_PROGRAM, SUM).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        ('local f = require("ffi") f.cdef"int raise(int);" f.C.raise(25)', Verdict.RUNTIME_ERROR),
        ('error("not enough memory")', Verdict.RUNTIME_ERROR),
        ('local t = {} for i = 1, 9e6 do t[i] = i end error("not enough memory")', "memory-limit"),
        ('io.stderr:write(("x"):rep(2 ^ 20)) os.exit(1)', Verdict.OUTPUT_LIMIT),
    ],
)
def test_limit_is_blamed_only_where_much_was_taken(sandbox, program, verdict):
    assert sandbox.judge(program, SUM).verdict is Verdict(verdict)
