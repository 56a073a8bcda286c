import io
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knm.sandbox import Limits
from knm.sandbox.protocol import verify_stream
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


def test_timeout_of_the_request_is_cpu_time_per_test(sandbox):
    spin = "local stop = os.clock() + 0.2 while os.clock() < stop do end " + SUM_PROGRAM
    lines = [request(spin, timeout_s=limit) for limit in (0.1, 0.35)]
    assert [answer["result"] for answer in answers(sandbox, *lines)] == ["fail:timeout", "success"]


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
        b'{"code": "", "test_cases": [], "timeout_s": NaN}',
        b'{"code": "", "test_cases": [], "timeout_s": 1e999}',
    ],
)
def test_line_that_is_no_request_is_answered_and_the_next_one_too(sandbox, line):
    bad, good = answers(sandbox, line, request(SUM_PROGRAM))
    assert bad["result"] == "fail:other"
    assert bad["message"]
    assert good["result"] == "success"


def without_newlines(data: bytes) -> bytes:
    return data.replace(b"\n", b"")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.binary().map(without_newlines) | st.text().map(request)))
def test_every_line_gets_exactly_one_answer(sandbox, lines):
    assert len(answers(sandbox, *lines)) == len(lines)
