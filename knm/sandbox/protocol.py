"""The Agnostics protocol, both ends: one JSON request a line, one JSON answer a line.

A request is `{"code", "timeout_s", "test_cases": [{"input", "output"}]}`; ours adds `limits`, with
any fields of `Limits`, and `keep_io`, as `Sandbox.judge` has it. Its answer holds `result`
(`success`, or `fail:` and `wrong-output`, `error`, `timeout`, `other`) and what the reference
verifier tells (`expected`, `got`, `exit_code`, `stdout`, `stderr`), beside all fields of our own
`Judgement`. A line that is no request is answered with `fail:other` and a message. The line
`DESCRIBE` asks for what the report says of the sandbox.

Tests may be more than a line, or memory, should hold. A request with `tests_total` holds the first
of them; the verifier asks for others when it comes to them, by `{"next": INDEX}` in place of the
answer, and is sent `{"test_cases": [...]}`: as many from that index on as the client likes.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import IO, TYPE_CHECKING, Any

from knm.errors import UserError
from knm.sandbox.classification import contains, find_complaint
from knm.sandbox.judge import failure_of_complaint
from knm.sandbox.types import (
    EXCERPT_CHARACTERS,
    Judgement,
    Limits,
    Sandbox,
    Verdict,
    excerpt,
    excerpt_of_end,
)
from knm.testcases import TestCase

if TYPE_CHECKING:
    from knm.languages.execution import Execution

# Wall time is there to catch what sleeps; on a busy machine it must not end what computes.
WALL_PER_CPU_SECOND = Limits.wall_seconds / Limits.cpu_seconds
WALL_SECONDS_TO_SPARE = Limits.wall_seconds - Limits.cpu_seconds
LONGEST_REQUEST = 544 << 20  # a test as large as all tests of a problem may be, and a program
BATCH_CHARACTERS = 4 << 20
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
    """One program to be judged, within `limits` for each test; `keep_io` as for `Sandbox.judge`."""

    code: str
    limits: Limits
    test_cases: tuple[TestCase, ...]
    tests_total: int
    keep_io: bool


class Verifier:
    """Answers requests from a stream, one after the other, by lines on another."""

    def __init__(self, sandbox: Sandbox, limits: Limits, requests: IO[bytes], out: IO[str]) -> None:
        self.sandbox = sandbox
        self.limits = limits
        self.lines = read_lines(requests)
        self.out = out

    def serve(self) -> None:
        """Answer each line with one line, for as long as lines come."""
        for line in self.lines:
            self.say(self.answer(line))

    def say(self, value: Mapping[str, Any]) -> None:
        """Write a line."""
        # ASCII, so that no character of a program's output can break a line.
        self.out.write(json.dumps(value, allow_nan=False) + "\n")
        self.out.flush()

    def answer(self, line: bytes | None) -> dict[str, Any]:
        """The answer to one line; None is a line that was too long."""
        try:
            if line is not None and line.strip() == DESCRIBE:
                return {"result": "success", "description": self.sandbox.describe()}
            request = parse_request(self.whole(line), self.limits)
            tests: Sequence[TestCase] = request.test_cases
            if request.tests_total > len(tests):
                tests = StreamedTests(request, self.more)
            judgement = self.sandbox.judge(
                request.code, tests, limits=request.limits, keep_io=request.keep_io
            )
            return answer_fields(judgement)
        except UserError as error:
            return {"result": "fail:other", "message": str(error)}
        except Exception as error:  # one request must not end the service to all others
            traceback.print_exc(file=sys.stderr)
            return {"result": "fail:other", "message": f"a fault of the verifier: {error!r}"}

    def more(self, index: int) -> tuple[TestCase, ...]:
        """The tests from an index on, as many as the client sends at once.

        Raises:
            UserError: it sends none.
        """
        self.say({"next": index})
        line = next(self.lines, b"")
        cases = parse_cases(parse_object(self.whole(line)).get("test_cases"))
        if not cases:
            raise UserError("test_cases: expected more of them")
        return cases

    def whole(self, line: bytes | None) -> bytes:
        """A line that was not too long.

        Raises:
            UserError: it was.
        """
        if line is None:
            raise UserError(f"longer than {LONGEST_REQUEST:,} bytes")
        return line


class StreamedTests(Sequence[TestCase]):
    """The tests of a request, of which those that it does not hold are asked for in their turn.

    Only the latest part is kept, so they are meant to be gone through in order.
    """

    def __init__(self, request: Request, more: Callable[[int], tuple[TestCase, ...]]) -> None:
        self.total = request.tests_total
        self.more = more
        self.first, self.part = 0, request.test_cases

    def __len__(self) -> int:
        return self.total

    def __getitem__(self, index: Any) -> Any:
        if not 0 <= index < self.total:
            raise IndexError(index)
        if not self.first <= index < self.first + len(self.part):
            self.part = ()  # before the next part comes
            self.first, self.part = index, self.more(index)
        return self.part[index - self.first]


def verify_stream(sandbox: Sandbox, limits: Limits, requests: IO[bytes], out: IO[str]) -> None:
    """Answer each line with one line, for as long as lines come."""
    Verifier(sandbox, limits, requests, out).serve()


def read_lines(stream: IO[bytes]) -> Iterator[bytes | None]:
    """The lines of a stream; None stands for one that is longer than `LONGEST_REQUEST`."""
    while line := stream.readline(LONGEST_REQUEST):
        if len(line) < LONGEST_REQUEST or line.endswith(b"\n"):
            yield line
            continue
        while not line.endswith(b"\n") and line:
            line = stream.readline(1 << 20)
        yield None


def write_request(program: str, tests: Sequence[TestCase], limits: Limits) -> dict[str, Any]:
    """A request to judge a program on all tests, as one that other verifiers understand too."""
    return {
        "code": program,
        "timeout_s": limits.cpu_seconds,
        "test_cases": list(map(write_case, tests)),
        "limits": asdict(limits),
    }


def write_case(test: TestCase) -> dict[str, str]:
    """A test as part of a request."""
    return {"input": test.input, "output": test.output}


def batch(tests: Sequence[TestCase], first: int = 0) -> Sequence[TestCase]:
    """The tests from an index on that are sent together: about `BATCH_CHARACTERS`, at least one."""
    characters = 0
    for end in range(first, len(tests)):
        characters += len(tests[end].input) + len(tests[end].output)
        if characters > BATCH_CHARACTERS:
            return tests[first : max(end, first + 1)]
    return tests[first:]


def parse_request(line: bytes, limits: Limits) -> Request:
    """Read one request; `limits` hold where it says nothing.

    Raises:
        UserError: it is not one; the message names the field.
    """
    data = parse_object(line)
    code, timeout = data.get("code"), data.get("timeout_s")
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
    limits = replace(limits, **{name: limit(value, name) for name, value in given.items()})
    cases = parse_cases(data.get("test_cases"))
    total = data.get("tests_total", len(cases))
    if isinstance(total, bool) or not isinstance(total, int) or total < len(cases):
        raise UserError("tests_total: expected the number of all tests")
    keep_io = data.get("keep_io", False)
    if not isinstance(keep_io, bool):
        raise UserError("keep_io: expected true or false")
    return Request(code, limits, cases, total, keep_io)


def parse_cases(cases: Any) -> tuple[TestCase, ...]:
    """Read a list of test cases.

    Raises:
        UserError: it is none.
    """
    if not isinstance(cases, list):
        raise UserError("test_cases: expected a list")
    return tuple(map(parse_case, cases))


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


def number(value: Any, name: str) -> float:
    """A number that can be computed with, or a `UserError` that names the field."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UserError(f"{name}: expected a number")
    try:
        return float(value)
    except OverflowError:
        raise UserError(f"{name}: expected a smaller number") from None


def limit(value: Any, name: str) -> Any:
    """The value of a limit; in JSON a whole number may well be written as 1e6."""
    given = number(value, name)
    return int(given) if name.endswith("_bytes") and given.is_integer() else given


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


def asked_for(line: bytes) -> int | None:
    """The test that our verifier asks for in place of an answer, by its index.

    Raises:
        UserError: the line is no JSON object.
    """
    index = parse_object(line).get("next")
    return index if isinstance(index, int) else None


def parse_answer(
    line: bytes,
    language: Execution,
    program: str,
    tests_total: int,
    kept: int = EXCERPT_CHARACTERS,
) -> Judgement:
    """The judgement that an answer is, whether from our verifier or from another.

    Another tells less: a failure is classified by what the program wrote to standard error, and the
    lenient grader has no say. `kept` characters are kept of each text that it tells.

    Raises:
        UserError: the line is no answer.
    """
    data = parse_object(line)
    if not isinstance(data.get("result"), str):
        raise UserError("result: expected a string")
    if "verdict" in data:
        return own_judgement(data)
    judgement = foreign_judgement(data, language, program, kept)
    passed = tests_total if judgement.verdict is Verdict.ACCEPTED else 0
    return replace(judgement, tests_passed=passed, tests_total=tests_total)


def own_judgement(data: Mapping[str, Any]) -> Judgement:
    """A judgement of our own verifier."""
    try:
        known = {field.name: data[field.name] for field in fields(Judgement)}
        return Judgement(**known | {"verdict": Verdict(data["verdict"])})
    except (KeyError, ValueError) as error:
        raise UserError(f"an answer of another version of the verifier: {error}") from None


def foreign_judgement(
    data: Mapping[str, Any], language: Execution, program: str, kept: int
) -> Judgement:
    """A judgement from the few fields that the protocol promises."""
    stderr, exit_code = text(data.get("stderr")) or "", data.get("exit_code")
    result = data["result"]
    told = Judgement(
        FOREIGN_VERDICTS.get(result, Verdict.SANDBOX_FAULT),
        message=excerpt(text(data.get("message")) or result.removeprefix("fail:")),
        expected=excerpt_of(data.get("expected"), kept),
        got=excerpt_of(data.get("got", data.get("stdout")), kept),
        exit_code=exit_code if isinstance(exit_code, int) else None,
        stderr=excerpt_of_end(stderr, kept),
    )
    if result == "success":
        return Judgement(Verdict.ACCEPTED, lenient_accepted=True, exit_code=0)
    if result != "fail:error":
        return told
    complaint = find_complaint(stderr, language.complaint)
    compiling = (
        complaint is not None
        and not complaint.closed
        and contains(language.syntax_sign, complaint.message)
    )
    failure = failure_of_complaint(complaint, exit_code, language, program, compiling=compiling)
    return replace(
        told,
        verdict=failure.verdict,
        error_class=failure.error_class,
        message=failure.message,
    )


def text(value: Any) -> str | None:
    """A text that another verifier tells, if it tells one."""
    return value if isinstance(value, str) else None


def excerpt_of(value: Any, kept: int) -> str | None:
    """The beginning of such a text."""
    told = text(value)
    return None if told is None else excerpt(told, kept)
