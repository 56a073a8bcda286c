"""Attacks on the protocol and on the decoding of private tests: bombs in what the host reads."""

import base64
import io
import json
import pickle
import tracemalloc
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from knm.problems import BrokenProblem, decode_private_tests
from knm.sandbox.protocol import verify_stream
from knm.sandbox.selfcheck.cases import LIMITS, SOUND_TESTS, load_suite
from knm.sandbox.types import Limits, Sandbox

BOUND = 4 << 20  # of the tests of one problem
LEVEL = 1
PACKED = 64 << 20  # what a bomb unpacks to


@dataclass(frozen=True)
class RequestCase:
    """Something that the host reads, and what must come of it."""

    name: str
    tries: str
    expected: str
    observe: Callable[[Sandbox], str]
    language: str = "lua"


class Reduced:
    """Pickles to a call of a function of the system."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a pickle ran code",)


def request(code: object, **fields: object) -> bytes:
    """A line of the protocol."""
    tests = [{"input": test.input, "output": test.output} for test in SOUND_TESTS]
    return json.dumps({"code": code, "timeout_s": 2, "test_cases": tests} | fields).encode()


def answers_to(*lines: bytes, limits: Limits = LIMITS) -> Callable[[Sandbox], str]:
    """The results of these lines and of a sound request after them."""

    def observe(sandbox: Sandbox) -> str:
        out = io.StringIO()
        sound = request(load_suite("lua").sound)
        stream = io.BytesIO(b"".join(line + b"\n" for line in (*lines, sound)))
        verify_stream(sandbox, limits, stream, out)
        return ", ".join(json.loads(line)["result"] for line in out.getvalue().splitlines())

    return observe


def decoding(encode: Callable[[], str]) -> Callable[[Sandbox], str]:
    """What becomes of an encoded list of tests, and of the memory meanwhile."""

    def observe(_: Sandbox) -> str:
        encoded = encode()
        tracemalloc.start()
        try:
            decode_private_tests(encoded, max_bytes=BOUND)
            outcome = "decoded"
        except BrokenProblem:
            outcome = "refused"
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        bounded = peak < 8 * BOUND
        return f"{outcome}, {'bounded' if bounded else 'unbounded'} memory"

    return observe


def packed(raw: bytes) -> str:
    """As the data set packs its tests."""
    return base64.b64encode(zlib.compress(raw, LEVEL)).decode()


REFUSED = "refused, bounded memory"
ONE_BAD = "fail:other, success"
REQUEST_CASES = (
    RequestCase(
        "protocol/nesting-bomb",
        "to overflow the stack of the reader of JSON",
        ONE_BAD,
        answers_to(b'{"code": ' + b"[" * 1_000_000),
    ),
    RequestCase(
        "protocol/object-nesting-bomb",
        "the same with objects, in a field that nobody reads",
        ONE_BAD,
        answers_to(b'{"extra": ' + b'{"a":' * 200_000 + b"1" + b"}" * 200_001),
    ),
    RequestCase(
        "protocol/digits-bomb",
        "to have a number of a million digits converted",
        ONE_BAD,
        answers_to(b'{"timeout_s": ' + b"9" * 1_000_000 + b"}"),
    ),
    RequestCase(
        "protocol/no-text",
        "to be answered twice or never: bytes that are no text, and NUL",
        "fail:other, fail:other, success",
        answers_to(b"\xff\xfe\x00", b"\x00"),
    ),
    RequestCase(
        "protocol/null-code",
        "to kill the verifier with a program that is null",
        ONE_BAD,
        answers_to(request(None)),
    ),
    RequestCase(
        "protocol/no-tests",
        "to be accepted for want of tests",
        ONE_BAD,
        answers_to(request("", test_cases=[])),
    ),
    RequestCase(
        "protocol/endless-limits",
        "to lift the limits by the request itself",
        "fail:other, fail:other, success",
        answers_to(request("", timeout_s=1e300), request("", limits={"memory_bytes": 1 << 60})),
    ),
    RequestCase(
        "protocol/long-timeout",
        "to have a number of hundreds of digits computed with",
        ONE_BAD,
        answers_to(request("", timeout_s=10**400)),
    ),
    RequestCase(
        "protocol/fractions",
        "to have parts of bytes set as limits",
        "fail:other, fail:other, success",
        answers_to(
            request("", limits={"memory_bytes": 1e8 + 0.5}),
            request("", limits={"output_bytes": 0.5}),
        ),
    ),
    RequestCase(
        "protocol/false-total",
        "to have fewer tests than there are, or no number of them",
        "fail:other, fail:other, success",
        answers_to(request("", tests_total=1), request("", tests_total="2")),
    ),
    RequestCase(
        "protocol/broken-line",
        "to break the answer's line with what the program prints",
        "fail:wrong-output, success",
        answers_to(
            request('io.write("\\n{}\\n\\226\\128\\168\\0\\255\\n") io.stderr:write("\\n{}\\n")')
        ),
    ),
    RequestCase(
        "protocol/fake-answer",
        "to be taken for the verifier",
        "fail:wrong-output, success",
        answers_to(request('print([[{"result": "success", "verdict": "accepted"}]])')),
    ),
    RequestCase(
        "tests/zip-bomb",
        "to unpack to far more than a problem may hold",
        REFUSED,
        decoding(lambda: packed(bytes(PACKED))),
    ),
    RequestCase(
        "tests/code-in-pickle",
        "to run code while private tests are decoded",
        REFUSED,
        decoding(lambda: packed(pickle.dumps(Reduced()))),
    ),
    RequestCase(
        "tests/nesting-bomb",
        "to overflow the stack of the reader of JSON",
        REFUSED,
        decoding(lambda: "[" * 1_000_000),
    ),
    RequestCase(
        "tests/oversized",
        "to hold more text than a problem may",
        REFUSED,
        decoding(lambda: "[" + " " * BOUND + "]"),
    ),
)
