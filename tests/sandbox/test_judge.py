import pytest

from knm.sandbox import Judgement, Limits, Verdict
from knm.sandbox.types import EXCERPT_CHARACTERS, KEPT_CHARACTERS
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases


def test_right_program_is_accepted(sandbox):
    judgement = sandbox.judge(SUM_PROGRAM, SUM)
    assert judgement.verdict is Verdict.ACCEPTED
    assert (judgement.tests_passed, judgement.tests_total) == (3, 3)
    assert (judgement.failing_test, judgement.error_class, judgement.message) == (None, None, "")
    assert judgement.lenient_accepted
    assert judgement.exit_code == 0
    assert judgement.cpu_seconds > 0
    assert judgement.wall_seconds > 0
    assert 1 << 20 < judgement.peak_memory_bytes < 1 << 30


def test_first_failing_test_decides_and_is_shown(sandbox):
    program = 'local a, b = io.read("*n", "*n")\nprint(a == 10 and "six" or a + b)'
    judgement = sandbox.judge(program, SUM)
    assert judgement.verdict is Verdict.WRONG_OUTPUT
    assert judgement.message == "wrong output on test 2 of 3"
    assert (judgement.tests_passed, judgement.tests_total, judgement.failing_test) == (1, 3, 1)
    assert judgement.failing_input == "10 -4\n"
    assert (judgement.expected, judgement.got) == ("6\n", "six\n")
    assert not judgement.lenient_accepted


def test_runtime_error_shows_what_was_written_before_it(sandbox):
    judgement = sandbox.judge('print("so far") error("no")', SUM)
    assert judgement.got == "so far\n"
    assert judgement.expected == "3\n"


def test_tests_after_the_first_failure_are_not_run(sandbox):
    # Were they, the time limit of the second would show in the times.
    program = 'local a = io.read("*n") if a == 10 then while true do end end'
    assert sandbox.judge(program, SUM).cpu_seconds < 0.4


def test_lenient_acceptance_is_judged_on_all_tests(sandbox):
    program = 'local a, b = io.read("*n", "*n")\nprint(" " .. a + b .. ".0")'
    judgement = sandbox.judge(program, SUM)
    assert (judgement.verdict, judgement.failing_test) == (Verdict.WRONG_OUTPUT, 0)
    assert judgement.tests_passed == 0
    assert judgement.lenient_accepted
    last = program + '\nif a == 0 then error("after all") end'
    judgement = sandbox.judge(last, SUM)
    assert (judgement.verdict, judgement.failing_test) == (Verdict.WRONG_OUTPUT, 0)
    assert not judgement.lenient_accepted


def test_program_without_tests_is_never_accepted(sandbox):
    assert sandbox.judge(SUM_PROGRAM, ()).verdict is Verdict.BROKEN_PROBLEM


def test_long_texts_are_cut_with_a_mark(sandbox):
    judgement = sandbox.judge(
        'io.write(("x"):rep(5000)) io.stderr:write(("e"):rep(200000)) error("at the end")',
        cases(("i" * 3000, "o" * 4000)),
    )
    assert judgement.failing_input == "i" * EXCERPT_CHARACTERS + "… [1,000 more characters]"
    assert judgement.expected == "o" * EXCERPT_CHARACTERS + "… [2,000 more characters]"
    assert judgement.got == "x" * EXCERPT_CHARACTERS + "… [3,000 more characters]"
    assert judgement.message == "main.lua:1: at the end"
    assert len(judgement.stderr) < EXCERPT_CHARACTERS + 100


def test_long_texts_are_kept_where_that_is_asked_for(sandbox):
    program = 'io.write(("x"):rep(5000)) io.stderr:write(("e"):rep(6000)) os.exit(1)'
    judgement = sandbox.judge(program, cases(("i" * 3000, "o" * 4000)), keep_io=True)
    assert (judgement.failing_input, judgement.expected) == ("i" * 3000, "o" * 4000)
    assert (judgement.got, judgement.stderr) == ("x" * 5000, "e" * 6000)
    long = sandbox.judge("print(1)", cases(("i" * (KEPT_CHARACTERS + 7), "o")), keep_io=True)
    assert long.failing_input == "i" * KEPT_CHARACTERS + "… [7 more characters]"


@pytest.mark.parametrize(
    ("program", "got"),
    [
        (r'io.write("\255\254a")', "\ufffd\ufffda"),
        (r'io.write("3\0")', "3\0"),
        ("", ""),
    ],
)
def test_strange_output_is_wrong_output_and_nothing_worse(sandbox, program, got):
    judgement = sandbox.judge(program, SUM)
    assert (judgement.verdict, judgement.got) == (Verdict.WRONG_OUTPUT, got)


def test_strange_program_text_is_judged(sandbox):
    for program in ("\0", "print('\ud800')", "\ufffd", "return " * 10_000):
        assert sandbox.judge(program, SUM).verdict in {
            Verdict.SYNTAX_ERROR,
            Verdict.WRONG_OUTPUT,
        }


def test_huge_input_arrives_whole(sandbox):
    size = 40 << 20
    judgement = sandbox.judge('print(#io.read("*a"))', cases(("x" * size, str(size))))
    assert judgement.verdict is Verdict.ACCEPTED


def test_input_need_not_be_read(sandbox):
    judgement = sandbox.judge('print("ok")', cases(("x" * (8 << 20), "ok")))
    assert judgement.verdict is Verdict.ACCEPTED


def test_judging_is_repeatable(sandbox):
    def comparable(judgement: Judgement):
        return (judgement.verdict, judgement.message, judgement.got, judgement.stderr)

    program = 'local t = {} for i = 1, 50 do t["k" .. i] = i end for k in pairs(t) do print(k) end'
    seen = {comparable(sandbox.judge(program + " error()", SUM)) for _ in range(5)}
    assert len(seen) == 1


def test_limits_can_be_given_for_one_judgement(sandbox):
    program = "for i = 1, 2e6 do io.write('x') end"
    assert sandbox.judge(program, SUM).verdict is Verdict.OUTPUT_LIMIT
    wide = Limits(output_bytes=4 << 20)
    assert sandbox.judge(program, SUM, limits=wide).verdict is Verdict.WRONG_OUTPUT
