"""Programs are run as `luajit FILE` runs them: what competitive programs rely on."""

import pytest

from knm.errors import UserError
from knm.sandbox import Verdict, open_sandbox
from tests.sandbox.programs import cases, output_of

SYNTAX_ERRORS = [
    ("print(7 // 2)", "foreign-operator"),
    ("if a != 1 then end", "foreign-operator"),
    ("if a and !b then end", "foreign-operator"),
    ("if a && b then end", "foreign-operator"),
    ("if a || b then end", "foreign-operator"),
    ("x += 1", "foreign-operator"),
    ("x -= 1", "foreign-operator"),
    ('x ..= "a"', "foreign-operator"),
    ("i++", "foreign-operator"),
    ("i--\nprint(i)", "foreign-operator"),
    ("print(2 ** 3)", "foreign-operator"),
    ("print(a & 1)", "foreign-operator"),
    ("print(a << 1)", "foreign-operator"),
    ("local x = a ? 1 : 2", "foreign-operator"),
    ("if a === 1 then end", "foreign-operator"),
    ("local x <const> = 1", "foreign-attribute"),
    ("while true do\n  continue\nend", "foreign-keyword"),
    ("import math", "foreign-keyword"),
    ("if a = 1 then end", "assignment-in-condition"),
    ("for i = 1, 3 do print(i)", "unbalanced-block"),
    ("print(1) end", "unbalanced-block"),
    ("repeat x = 1", "unbalanced-block"),
    ("print((1)", "unbalanced-bracket"),
    ("t = {1, 2", "unbalanced-bracket"),
    ('print("abc', "unfinished-string"),
    ("--[[ abc", "unfinished-comment"),
    (r'print("\q")', "bad-escape"),
    ("x = 12abc", "malformed-number"),
    ("goto nowhere", "goto-label"),
    ("break", "break-outside-loop"),
    ("function f() return ... end", "vararg"),
    ("\n".join(f"local x{i}" for i in range(201)), "compiler-limit"),
    ("return 1; print(2)", "code-after-return"),
    ("local and = 3", "name-expected"),
    ("print 1", "not-a-statement"),
    ("while true { }", "missing-token"),
    ("t = [1, 2]", "unexpected-symbol"),
    ("\x1bLJ\x02", "not-text"),
]

RUNTIME_ERRORS = [
    ("local x; print(x + 1)", "arithmetic-on-nil"),
    ('print("a" + 1)', "arithmetic-on-string"),
    ("print({} + 1)", "arithmetic-on-other"),
    ("print(x.y)", "index-nil"),
    ("x = 5; x.y = 1", "index-other"),
    ("print(table.unpack({1}))", "call-nil"),
    ("for x in {} do end", "call-other"),
    ('print(1 < "2")', "compare"),
    ('print("a" .. nil)', "concatenate"),
    ("print(table.concat({{}}))", "concatenate"),
    ("print(#nil)", "length"),
    ("for i = 1, nil do end", "for-limit"),
    ("local t = {}; t[nil] = 1", "table-index"),
    ('print(("x"):find("[a"))', "malformed-pattern"),
    (
        "table.sort({3, 1, 2, 5, 4, 7, 8, 1, 2}, function() return true end)",
        "sort-order",
    ),
    ("local function f() return 1 + f() end f()", "stack-overflow"),
    ("unpack({}, 1, 1e8)", "size-overflow"),
    ("print(string.rep())", "bad-argument"),
    ('require("socket")', "module-not-found"),
    ("coroutine.yield(1)", "coroutine"),
    ("assert(false)", "assertion"),
    ('error("boom")', "error-call"),
    ("error({})", "error-call"),
    ('error(setmetatable({}, {__tostring = function() return "own" end}))', "error-call"),
    ('debug.traceback = nil; error = nil; assert(nil, "boom")', "error-call"),
    ("os.exit(3)", "exit-code"),
    ("os.exit(false)", "exit-code"),
    ('local ffi = require("ffi"); ffi.cast("int *", 0)[0] = 1', "signal"),
]


@pytest.mark.parametrize(("program", "error_class"), SYNTAX_ERRORS)
def test_syntax_error_is_found_before_any_test_and_classified(sandbox, program, error_class):
    judgement = sandbox.judge(program, cases(("", "")))
    assert (judgement.verdict, judgement.error_class) == (Verdict.SYNTAX_ERROR, error_class)
    assert judgement.failing_test is None
    assert judgement.message


@pytest.mark.parametrize(("program", "error_class"), RUNTIME_ERRORS)
def test_runtime_error_is_classified(sandbox, program, error_class):
    judgement = sandbox.judge(program, cases(("", "")))
    assert (judgement.verdict, judgement.error_class) == (Verdict.RUNTIME_ERROR, error_class)
    assert judgement.failing_test == 0
    assert judgement.message


@pytest.mark.parametrize(
    ("program", "stdin", "printed"),
    [
        ("print(10 / 2, 7 / 2, 2 ^ 53)", "", "5\t3.5\t9.007199254741e+15\n"),
        ("print(1e15, 1e100, -0.0, 1 / 0)", "", "1e+15\t1e+100\t-0\tinf\n"),
        ('print(string.format("%d %5.2f %g %s", 3.7, 1 / 3, 1e20, 5))', "", "3  0.33 1e+20 5\n"),
        ('print(io.read("*n", "n", "*l", "*a"))', "1 2.5x\ny\n", "1\t2.5\tx\ty\n\n"),
        ('print(io.read("*n"))', "x", "nil\n"),
        ("for line in io.lines() do io.write(line, ';') end", "a\n\nb", "a;;b;"),
        ('print(io.read(3), io.read("*L"))', "abcd\n", "abc\td\n\n"),
        ('print(io.read("*a") == "", io.read("*l"), io.read(0))', "", "true\tnil\tnil\n"),
        ("print(arg[0], arg[-1], #arg, ...)", "", "main.lua\tluajit\t0\n"),
        ("print(_VERSION, (jit.status()))", "", "Lua 5.1\ttrue\n"),
        ("print(bit.bxor(5, 3), unpack({1, 2}))", "", "6\t1\t2\n"),
        ("goto done\nprint(1)\n::done:: print(2)", "", "2\n"),
        ("#!/usr/bin/luajit\nprint(1)", "", "1\n"),
        ("\ufeffprint(1)", "", "1\n"),
        ("print(1)\r\nprint(2)\r\n", "", "1\n2\n"),
        ('io.write("unflushed") os.exit(0)', "", "unflushed"),
        ('io.write("unflushed") os.exit(true, true)', "", "unflushed"),
        ("local p = newproxy(true); getmetatable(p).__gc = function() print(1) end", "", "1\n"),
        ('print("n\u00e9\U0001f600")', "", "n\u00e9\U0001f600\n"),
    ],
)
def test_program_behaves_as_under_luajit(sandbox, program, stdin, printed):
    assert output_of(sandbox, program, stdin) == printed


def test_error_is_reported_on_standard_error_with_a_traceback(sandbox):
    program = "local function f()\n  error('boom')\nend\nf()"
    judgement = sandbox.judge(program, cases(("", "")))
    assert judgement.message == "main.lua:2: boom"
    assert judgement.stderr.startswith("luajit: main.lua:2: boom\nstack traceback:\n")
    assert "main.lua:4: in main chunk" in judgement.stderr
    assert judgement.exit_code == 1


def test_exit_status_survives_right_output(sandbox):
    judgement = sandbox.judge("io.write(5) os.exit(7)", cases(("", "5")))
    assert (judgement.verdict, judgement.exit_code) == (Verdict.RUNTIME_ERROR, 7)
    assert judgement.message == "exit code 7"


def test_python_is_out_of_reach(sandbox):
    assert output_of(sandbox, "print(python, package.loaded.python)") == "nil\tnil\n"


@pytest.mark.parametrize("language", ["lua", "lua5.4"])
@pytest.mark.parametrize(
    ("program", "printed"),
    [
        ("#!/usr/bin/env lua\nprint(debug.getinfo(1).currentline)", "2\n"),
        ("\ufeffprint(1)", "1\n"),
        ("\ufeff#!lua\nprint(debug.getinfo(1).currentline)", "2\n"),
        ("# all of it", ""),
        ("print(#arg)\n-- # \ufeff", "0\n"),
    ],
)
def test_head_of_a_file_is_skipped_as_the_interpreter_itself_does(language, program, printed):
    try:
        opened = open_sandbox("local", language=language)
    except UserError as error:
        pytest.skip(str(error))
    with opened as sandbox:
        assert output_of(sandbox, program) == printed
