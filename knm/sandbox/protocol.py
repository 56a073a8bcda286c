"""The Agnostics protocol, both ends: one JSON request a line, one JSON answer a line.

A request is `{"code", "timeout_s", "test_cases": [{"input", "output"}]}`; ours adds `limits`, with
any fields of `Limits`. Its answer holds `result` (`success`, or `fail:` and `wrong-output`,
`error`, `timeout`, `other`) and what the reference verifier tells (`expected`, `got`, `exit_code`,
`stdout`, `stderr`), beside all fields of our own `Judgement`. A line that is no request is answered
with `fail:other` and a message. The line `DESCRIBE` asks for what the report says of the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import IO, TYPE_CHECKING, Any

from knm.errors import UserError
from knm.sandbox.judging import failure_of_complaint
from knm.sandbox.verdicts import Judgement, Limits, Verdict
from knm.testcases import TestCase

if TYPE_CHECKING:
    from knm.sandbox.backends import Sandbox
    from knm.sandbox.languages import Language

# Wall time is there to catch what sleeps; on a busy machine it must not end what computes.
WALL_PER_CPU_SECOND = Limits.wall_seconds / Limits.cpu_seconds
WALL_SECONDS_TO_SPARE = Limits.wall_seconds - Limits.cpu_seconds
LONGEST_REQUEST = 256 << 20
DESCRIBE = b'{"describe": true}'

RESULTS = {
    Verdict.ACCEPTED: "success",
    Verdict.WRONG_OUTPUT: "fail:wrong-output",
    Verdict.SYNTAX_ERROR: "fail:error",
    Verdict.RUNTIME_ERROR: "fail:error",
    Verdict.MEMORY_LIMIT: "fail:error",
    Verdict.TIMEOUT: "fail:timeout",
}
FOREIGN_VERDICTS = {
    "success": Verdict.ACCEPTED,
    "fail:wrong-output": Verdict.WRONG_OUTPUT,
    "fail:timeout": Verdict.TIMEOUT,
}


@dataclass(frozen=True)
class Request:
    """One program to be judged, within `limits` for each test."""

    code: str
    limits: Limits
    test_cases: tuple[TestCase, ...]


def verify_stream(sandbox: Sandbox, limits: Limits, requests: IO[bytes], out: IO[str]) -> None:
    """Answer each line with one line, for as long as lines come."""
    for line in read_lines(requests):
        # ASCII, so that no character of a program's output can break a line.
        out.write(json.dumps(answer_line(sandbox, limits, line), allow_nan=False) + "\n")
        out.flush()


def answer_line(sandbox: Sandbox, limits: Limits, line: bytes | None) -> dict[str, Any]:
    """The answer to one line; None is a line that was too long."""
    try:
        if line is None:
            raise UserError(f"longer than {LONGEST_REQUEST:,} bytes")
        if line.strip() == DESCRIBE:
            return {"result": "success", "description": sandbox.describe()}
        request = parse_request(line, limits)
        return answer_fields(sandbox.judge(request.code, request.test_cases, limits=request.limits))
    except UserError as error:
        return {"result": "fail:other", "message": str(error)}


def read_lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of a stream; None stands for one that is longer than `LONGEST_REQUEST`."""
    while line := stream.readline(LONGEST_REQUEST):
        if len(line) < LONGEST_REQUEST or line.endswith(b"\n"):
            yield line
            continue
        while not line.endswith(b"\n") and line:
            line = stream.readline(1 << 20)
        yield None


def write_request(
    program: str, tests: Sequence[TestCase], limits: Limits, **more: object
) -> dict[str, Any]:
    """A request to judge a program, as one that other verifiers understand too."""
    return {
        "code": program,
        "timeout_s": limits.cpu_seconds,
        "test_cases": [{"input": test.input, "output": test.output} for test in tests],
        "limits": asdict(limits),
        **more,
    }


def parse_request(line: bytes, limits: Limits) -> Request:
    """Read one request; `limits` hold where it says nothing.

    Raises:
        UserError: it is not one; the message names the field.
    """
    data = parse_object(line)
    code, timeout, cases = data.get("code"), data.get("timeout_s"), data.get("test_cases")
    if not isinstance(code, str):
        raise UserError("code: expected a string")
    if timeout is not None:
        limits = with_timeout(limits, number(timeout, "timeout_s"))
    given = data.get("limits") or {}
    if not isinstance(given, dict):
        raise UserError("limits: expected an object")
    unknown = given.keys() - {field.name for field in fields(Limits)}
    if unknown:
        raise UserError(f"limits: unknown {', '.join(sorted(unknown))}")
    limits = replace(limits, **{name: number(value, name) for name, value in given.items()})
    if not isinstance(cases, list):
        raise UserError("test_cases: expected a list")
    return Request(code, limits, tuple(map(parse_case, cases)))


def parse_object(line: bytes) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        UserError: it is not one.
    """
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UserError(f"not valid JSON: {error}") from None
    if not isinstance(data, dict):
        raise UserError("expected a JSON object")
    return data


def number(value: Any, name: str) -> Any:
    """A number as it is, or a `UserError` that names the field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{name}: expected a number")
    return value


def parse_case(case: Any) -> TestCase:
    """Read one test case."""
    if not isinstance(case, dict):
        raise UserError("test_cases: expected objects")
    given, expected = case.get("input"), case.get("output")
    if not isinstance(given, str) or not isinstance(expected, str):
        raise UserError("test_cases: expected input and output to be strings")
    return TestCase(given, expected)


def with_timeout(limits: Limits, timeout: float) -> Limits:
    """The limits with another CPU time, and a wall time to go with it."""
    wall = max(timeout * WALL_PER_CPU_SECOND, timeout + WALL_SECONDS_TO_SPARE)
    return replace(limits, cpu_seconds=timeout, wall_seconds=wall)


def answer_fields(judgement: Judgement) -> dict[str, Any]:
    """The answer that a judgement is."""
    result = RESULTS.get(judgement.verdict, "fail:other")
    return {"result": result, "stdout": judgement.got or "", **asdict(judgement)}


def parse_answer(line: bytes, language: Language, program: str, tests_total: int) -> Judgement:
    """The judgement that an answer is, whether from our verifier or from another.

    Another tells less: a failure is classified by what the program wrote to standard error, and the
    lenient grader has no say.

    Raises:
        UserError: the line is no answer.
    """
    data = parse_object(line)
    if not isinstance(data.get("result"), str):
        raise UserError("result: expected a string")
    if "verdict" in data:
        return own_judgement(data)
    judgement = foreign_judgement(data, language, program)
    passed = tests_total if judgement.verdict is Verdict.ACCEPTED else 0
    return replace(judgement, tests_passed=passed, tests_total=tests_total)


def own_judgement(data: Mapping[str, Any]) -> Judgement:
    """A judgement of our own verifier."""
    try:
        known = {field.name: data[field.name] for field in fields(Judgement)}
        return Judgement(**known | {"verdict": Verdict(data["verdict"])})
    except (KeyError, ValueError) as error:
        raise UserError(f"an answer of another version of the verifier: {error}") from None


def foreign_judgement(data: Mapping[str, Any], language: Language, program: str) -> Judgement:
    """A judgement from the few fields that the protocol promises."""
    stderr, exit_code = str(data.get("stderr") or ""), data.get("exit_code")
    result = data["result"]
    told = Judgement(
        FOREIGN_VERDICTS.get(result, Verdict.SANDBOX_FAULT),
        message=str(data.get("message") or result.removeprefix("fail:")),
        expected=data.get("expected"),
        got=data.get("got", data.get("stdout")),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        stderr=stderr,
    )
    if result == "success":
        return Judgement(Verdict.ACCEPTED, lenient_accepted=True, exit_code=0)
    if result != "fail:error":
        return told
    compiling = language.syntax_sign.search(stderr) is not None
    failure = failure_of_complaint(stderr, exit_code, language, program, compiling=compiling)
    return replace(
        told,
        verdict=failure.verdict,
        error_class=failure.error_class,
        message=failure.message,
    )
