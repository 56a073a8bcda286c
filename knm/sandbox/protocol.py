"""The Agnostics protocol: one JSON request a line, one JSON answer a line.

A request is `{"code", "timeout_s", "test_cases": [{"input", "output"}]}`. Its answer holds `result`
(`success`, or `fail:` and `wrong-output`, `error`, `timeout`, `other`) and what the reference
verifier tells (`expected`, `got`, `exit_code`, `stdout`, `stderr`), beside all fields of our own
`Judgement`. A line that is no request is answered with `fail:other` and a message.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import IO, Any

from knm.errors import UserError
from knm.problems import TestCase
from knm.sandbox.backends import Sandbox
from knm.sandbox.verdicts import Judgement, Limits, Verdict

# Wall time is there to catch what sleeps; on a busy machine it must not end what computes.
WALL_PER_CPU_SECOND = Limits.wall_seconds / Limits.cpu_seconds
WALL_SECONDS_TO_SPARE = Limits.wall_seconds - Limits.cpu_seconds

RESULTS = {
    Verdict.ACCEPTED: "success",
    Verdict.WRONG_OUTPUT: "fail:wrong-output",
    Verdict.SYNTAX_ERROR: "fail:error",
    Verdict.RUNTIME_ERROR: "fail:error",
    Verdict.TIMEOUT: "fail:timeout",
}


@dataclass(frozen=True)
class Request:
    """One program to be judged. `timeout_s` bounds the CPU time of each test."""

    code: str
    timeout_s: float | None
    test_cases: tuple[TestCase, ...]


def verify_stream(sandbox: Sandbox, limits: Limits, lines: Iterable[bytes], out: IO[str]) -> None:
    """Answer each line with one line, for as long as lines come."""
    for line in lines:
        try:
            request = parse_request(line)
            within = with_timeout(limits, request.timeout_s)
            judgement = sandbox.judge(request.code, request.test_cases, limits=within)
            answer = answer_fields(judgement)
        except UserError as error:
            answer = {"result": "fail:other", "message": str(error)}
        # ASCII, so that no character of a program's output can break a line.
        out.write(json.dumps(answer, allow_nan=False) + "\n")
        out.flush()


def parse_request(line: bytes) -> Request:
    """Read one request.

    Raises:
        UserError: it is not one; the message names the field.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError("expected a JSON object")
    code, timeout, cases = data.get("code"), data.get("timeout_s"), data.get("test_cases")
    if not isinstance(code, str):
        raise UserError("code: expected a string")
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float)):
        raise UserError("timeout_s: expected a number")
    if not isinstance(cases, list):
        raise UserError("test_cases: expected a list")
    return Request(code, timeout, tuple(map(parse_case, cases)))


def parse_case(case: Any) -> TestCase:
    """Read one test case."""
    if not isinstance(case, dict):
        raise UserError("test_cases: expected objects")
    given, expected = case.get("input"), case.get("output")
    if not isinstance(given, str) or not isinstance(expected, str):
        raise UserError("test_cases: expected input and output to be strings")
    return TestCase(given, expected)


def with_timeout(limits: Limits, timeout: float | None) -> Limits:
    """The limits with another CPU time, and a wall time to go with it."""
    if timeout is None:
        return limits
    wall = max(timeout * WALL_PER_CPU_SECOND, timeout + WALL_SECONDS_TO_SPARE)
    return replace(limits, cpu_seconds=timeout, wall_seconds=wall)


def answer_fields(judgement: Judgement) -> dict[str, Any]:
    """The answer to one request."""
    result = RESULTS.get(judgement.verdict, "fail:other")
    return {"result": result, "stdout": judgement.got or "", **asdict(judgement)}
