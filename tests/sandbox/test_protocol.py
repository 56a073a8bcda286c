import io
import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from knm.languages.language import load_language
from knm.sandbox import Limits, Verdict
from knm.sandbox.protocol import batch, parse_answer, verify_stream, write_case, write_request
from knm.testcases import TestCase
from tests.sandbox.programs import SUM_PROGRAM

CASES = [{"input": "1 2\n", "output": "3\n"}, {"input": "2 2\n", "output": "4\n"}]


def answers(sandbox, *lines: bytes):
    out = io.StringIO()
    verify_stream(
        sandbox,
        Limits(output_bytes=1 << 20),
        io.BytesIO(b"".join(line + b"\n" for line in lines)),
        out,
    )
    return [json.loads(line) for line in out.getvalue().splitlines()]


def request(code, **fields) -> bytes:
    return json.dumps({"code": code, "timeout_s": 1, "test_cases": CASES} | fields).encode()


@pytest.mark.parametrize(
    ("code", "result", "verdict"),
    [
        (SUM_PROGRAM, "success", "accepted"),
        ("print(1)", "fail:wrong-output", "wrong-output"),
        ("x = = 1", "fail:error", "syntax-error"),
        ("error()", "fail:error", "runtime-error"),
        ("while true do end", "fail:timeout", "timeout"),
        ("while true do print(1) end", "fail:other", "output-limit"),
        ('io.write("\\255\\0")', "fail:wrong-output", "wrong-output"),
        ("io.stderr:write(('x'):rep(2 ^ 19)) print(1)", "fail:wrong-output", "wrong-output"),
    ],
)
def test_request_is_answered_in_the_words_of_the_reference(sandbox, code, result, verdict):
    (answer,) = answers(sandbox, request(code, timeout_s=0.3))
    assert (answer["result"], answer["verdict"]) == (result, verdict)


def test_answer_shows_the_failure(sandbox):
    (answer,) = answers(sandbox, request('io.stderr:write("hm") print(3)'))
    assert (answer["expected"], answer["got"], answer["stdout"]) == ("4\n", "3\n", "3\n")
    assert (answer["exit_code"], answer["stderr"], answer["failing_test"]) == (0, "hm", 1)


def test_a_request_says_whether_all_is_kept(sandbox):
    code = 'io.write(("x"):rep(5000))'
    lines = [request(code, **asked) for asked in ({}, {"keep_io": True})]
    short, whole = (answer["got"] for answer in answers(sandbox, *lines))
    assert short.endswith("[3,000 more characters]")
    assert whole == "x" * 5000


def test_timeout_of_the_request_is_cpu_time_per_test(sandbox):
    spin = "local stop = os.clock() + 0.2 while os.clock() < stop do end " + SUM_PROGRAM
    lines = [request(spin, timeout_s=limit) for limit in (0.1, 0.35)]
    assert [answer["result"] for answer in answers(sandbox, *lines)] == ["fail:timeout", "success"]


def test_limits_of_a_request_hold_and_the_others_stay(sandbox):
    hog = 'print(#("x"):rep(60e6))'
    lines = [request(hog, limits={"memory_bytes": size << 20}) for size in (16, 256)]
    verdicts = [answer["verdict"] for answer in answers(sandbox, *lines)]
    assert verdicts == ["memory-limit", "wrong-output"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\xff\xfe",
        b"{",
        b"[]",
        b"[" * 100_000,
        b'"text"',
        b"{}",
        request(None),
        request("", test_cases=None),
        request("", test_cases=[]),
        request("", test_cases=[1]),
        request("", test_cases=[{"input": "a"}]),
        request("", timeout_s="1"),
        request("", timeout_s=-1),
        request("", timeout_s=True),
        request("", timeout_s=1e300),
        request("", limits=[1]),
        request("", limits={"cpu_seconds": "1"}),
        request("", limits={"cpu_seconds": 0}),
        request("", limits={"colour": 1}),
        request("", limits={"memory_bytes": 0.5}),
        request("", limits={"memory_bytes": 1e300}),
        request("", limits={"output_bytes": True}),
        request("", timeout_s=10**400),
        request("", timeout_s=-(10**400)),
        request("", limits={"wall_seconds": 10**400}),
        request("", tests_total=1),
        request("", tests_total="2"),
        request("", tests_total=True),
        request("", tests_total=2.0),
        request("", keep_io=1),
        b'{"code": "", "test_cases": [], "timeout_s": NaN}',
        b'{"code": "", "test_cases": [], "timeout_s": 1e999}',
    ],
)
def test_line_that_is_no_request_is_answered_and_the_next_one_too(sandbox, line):
    bad, good = answers(sandbox, line, request(SUM_PROGRAM))
    assert bad["result"] == "fail:other"
    assert bad["message"]
    assert good["result"] == "success"


def test_whole_numbers_may_be_written_as_fractions(sandbox):
    limits = {"memory_bytes": 1e8, "output_bytes": 1e6, "wall_seconds": 9, "cpu_seconds": 2}
    (answer,) = answers(sandbox, request(SUM_PROGRAM, timeout_s=1, limits=limits))
    assert answer["result"] == "success"


LIMIT = st.one_of(
    st.floats(),
    st.integers(),
    st.sampled_from([10**400, 1 << 30, 1e8, 0.001]),
    st.text(),
    st.none(),
)


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(st.sampled_from(["cpu_seconds", "memory_bytes", "output_bytes"]), LIMIT),
    st.floats() | st.integers() | st.none(),
)
def test_limits_of_any_kind_are_refused_or_hold(sandbox, limits, timeout):
    lines = request("print(1)", timeout_s=timeout, limits=limits), request(SUM_PROGRAM)
    strange, good = answers(sandbox, *lines)
    assert strange.get("verdict") != "sandbox-fault", strange
    assert good["result"] == "success"


def test_fault_of_ours_is_answered_and_told_and_the_next_line_too(sandbox, monkeypatch, capsys):
    judge = type(sandbox).judge

    def broken(self, program, tests, **more):
        if program == "broken":
            raise ZeroDivisionError
        return judge(self, program, tests, **more)

    monkeypatch.setattr(type(sandbox), "judge", broken)
    bad, good = answers(sandbox, request("broken"), request(SUM_PROGRAM))
    assert (bad["result"], good["result"]) == ("fail:other", "success")
    assert "ZeroDivisionError" in bad["message"]
    assert "ZeroDivisionError" in capsys.readouterr().err


class Client:
    """Sends a request, then the tests that are asked for, `size` at a time; keeps what is said."""

    def __init__(self, first, tests, size):
        self.lines, self.tests, self.size = [first], tests, size
        self.said = []

    def readline(self, _):
        if not self.lines and "next" in self.said[-1]:
            at = self.said[-1]["next"]
            part = self.tests[at : at + self.size]
            self.lines.append({"test_cases": [write_case(test) for test in part]})
        return json.dumps(self.lines.pop()).encode() + b"\n" if self.lines else b""

    def write(self, text):
        self.said.append(json.loads(text))

    def flush(self):
        pass


def streamed(sandbox, program, tests, *, sent=1, size=2):
    begin = write_request(program, tests[:sent], Limits()) | {"tests_total": len(tests)}
    client: Any = Client(begin, tests, size)
    verify_stream(sandbox, Limits(), client, client)
    return client.said


@pytest.mark.parametrize("sent", [0, 1, 2, 5])
def test_tests_beyond_those_of_the_request_are_asked_for(sandbox, sent):
    tests = tuple(TestCase(f"{number} 1", f"{number + 1}") for number in range(5))
    *asked, answer = streamed(sandbox, SUM_PROGRAM, tests, sent=sent)
    assert asked == [{"next": at} for at in range(sent, 5, 2)]
    assert (answer["result"], answer["tests_passed"], answer["tests_total"]) == ("success", 5, 5)


def test_no_more_tests_are_asked_for_than_are_needed(sandbox):
    tests = tuple(TestCase("1 2", "4" if number == 2 else "3") for number in range(9))
    *asked, answer = streamed(sandbox, SUM_PROGRAM, tests)
    assert asked == [{"next": 1}]
    assert (answer["verdict"], answer["failing_test"]) == ("wrong-output", 2)
    assert (answer["tests_passed"], answer["tests_total"]) == (2, 9)


def test_client_that_sends_no_more_tests_is_answered(sandbox):
    tests = (TestCase("1 2", "3"),)
    begin = write_request(SUM_PROGRAM, tests, Limits()) | {"tests_total": 2}
    line = json.dumps(begin).encode()
    for rest in ((), (b"{}",), (b"nonsense",), (b'{"test_cases": []}',)):
        asked, answer = answers(sandbox, line, *rest)
        assert asked == {"next": 1}
        assert answer["result"] == "fail:other"


@given(st.lists(st.integers(0, 30), min_size=1), st.data())
def test_batches_are_bounded_and_leave_nothing_out(sizes, data):
    tests = [TestCase("x" * size, "") for size in sizes]
    bound = data.draw(st.integers(1, 50))
    found: list[TestCase] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("knm.sandbox.protocol.BATCH_CHARACTERS", bound)
        while len(found) < len(tests):
            part = batch(tests, len(found))
            assert len(part) == 1 or sum(len(test.input) for test in part) <= bound
            assert part
            found += part
    assert found == tests


def without_newlines(data: bytes) -> bytes:
    return data.replace(b"\n", b"")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary().map(without_newlines) | st.text().map(request)))
def test_every_line_gets_exactly_one_answer(sandbox, lines):
    assert len(answers(sandbox, *lines)) == len(lines)


def test_endless_line_is_answered_and_the_next_one_too(sandbox, monkeypatch):
    monkeypatch.setattr("knm.sandbox.protocol.LONGEST_REQUEST", 10_000)
    long, good = answers(sandbox, b" " * 2_500_000, request(SUM_PROGRAM))
    assert long == {"result": "fail:other", "message": "longer than 10,000 bytes"}
    assert good["result"] == "success"


LUA = load_language("lua").execution
RUNTIME = "luajit: /tmp/x.lua:1: attempt to call a nil value\nstack traceback:\n\t[C]: in ?\n"
SYNTAX = "luajit: /tmp/x.lua:1: unexpected symbol near '/'\n"


@pytest.mark.parametrize(
    ("answer", "verdict", "error_class"),
    [
        ({"result": "success"}, Verdict.ACCEPTED, None),
        ({"result": "fail:wrong-output", "got": "1"}, Verdict.WRONG_OUTPUT, None),
        ({"result": "fail:timeout"}, Verdict.TIMEOUT, None),
        ({"result": "fail:error", "stderr": RUNTIME}, Verdict.RUNTIME_ERROR, "call-nil"),
        ({"result": "fail:error", "stderr": SYNTAX}, Verdict.SYNTAX_ERROR, "foreign-operator"),
        (
            {"result": "fail:error", "stderr": "luajit: not enough memory\n"},
            Verdict.MEMORY_LIMIT,
            None,
        ),
        ({"result": "fail:error", "exit_code": 3}, Verdict.RUNTIME_ERROR, "exit-code"),
        ({"result": "fail:other"}, Verdict.SANDBOX_FAULT, None),
        ({"result": "strange"}, Verdict.SANDBOX_FAULT, None),
    ],
)
def test_answer_of_another_verifier_is_understood(answer, verdict, error_class):
    judgement = parse_answer(json.dumps(answer).encode(), LUA, "print(7 // 2)", 3)
    assert (judgement.verdict, judgement.error_class) == (verdict, error_class)
    assert judgement.tests_total == 3
    assert judgement.tests_passed == (3 if verdict is Verdict.ACCEPTED else 0)


def test_answer_of_another_verifier_is_cut_to_a_bound():
    long = dict.fromkeys(("stderr", "message", "expected", "got"), "x" * (1 << 20))
    judgement = parse_answer(json.dumps(long | {"result": "fail:error"}).encode(), LUA, "", 1)
    assert judgement.expected is not None
    assert judgement.got is not None
    told = judgement.expected + judgement.got + judgement.stderr + judgement.message
    assert len(told) < 4 * 2100
    strange = dict.fromkeys(long, 1) | {"result": "fail:wrong-output"}
    judgement = parse_answer(json.dumps(strange).encode(), LUA, "", 1)
    assert (judgement.expected, judgement.got, judgement.stderr) == (None, None, "")


def test_answer_of_our_own_verifier_is_the_judgement_itself(sandbox):
    tests = (TestCase("1 2", "3"), TestCase("2 2", "5"))
    line = json.dumps(write_request(SUM_PROGRAM, tests, Limits())).encode()
    out = io.StringIO()
    verify_stream(sandbox, Limits(), io.BytesIO(line), out)
    judgement = parse_answer(out.getvalue().encode(), LUA, SUM_PROGRAM, 2)
    assert (judgement.verdict, judgement.failing_test) == (Verdict.WRONG_OUTPUT, 1)
    assert (judgement.got, judgement.expected, judgement.tests_passed) == ("4\n", "5", 1)


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"{}", b'{"result": 1}', b'{"result": "success", "verdict": "new"}']
)
def test_what_is_no_answer_is_an_error(line):
    with pytest.raises(UserError):
        parse_answer(line, LUA, "", 1)


@given(st.dictionaries(st.sampled_from(["result", "stderr", "exit_code", "got"]), st.text()))
def test_any_foreign_answer_is_a_judgement_or_an_error(answer):
    line = json.dumps(answer).encode()
    if "result" in answer:
        parse_answer(line, LUA, "", 1)
    else:
        with pytest.raises(UserError):
            parse_answer(line, LUA, "", 1)


def test_command_answers_lines_until_they_end():
    lines = b"nonsense\n" + request(SUM_PROGRAM, test_cases=[{"input": "1 2", "output": "3"}])
    command = [sys.executable, "-m", "knm.cli", "verify", "--language", "lua"]
    answer = subprocess.run(command, input=lines, stdout=subprocess.PIPE, check=True).stdout
    assert [json.loads(line)["result"] for line in answer.splitlines()] == ["fail:other", "success"]
