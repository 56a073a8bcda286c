"""Private tests to text and back. The text comes from strangers, so decoding trusts none of it.

Covered: no pickle is ever run, only a grammar of one text string is read; neither the encoded text
nor what it unpacks to may exceed a bound; what follows the end of the data is refused.
Not covered: the memory that a text within the bound takes once parsed (a few times its size).
"""

import base64
import io
import json
import pickle
import pickletools
import zlib
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

from knm import jsonio
from knm.problems.records import BrokenProblem
from knm.testcases import TestCase

# Far above the largest real problem, far below what would trouble a machine.
DEFAULT_MAX_BYTES: Final = 512 * 1024 * 1024

_TEXT_OPCODES: Final = frozenset({"UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"})
_HEADER_OPCODES: Final = frozenset({"PROTO", "FRAME"})
_TRAILER_OPCODES: Final = frozenset({"FRAME", "MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"})
# The longest pickle of a string: PROTO FRAME text FRAME MEMOIZE STOP.
_MAX_OPCODES: Final = 6


def decode_private_tests(
    encoded: str, *, max_bytes: int = DEFAULT_MAX_BYTES
) -> tuple[TestCase, ...]:
    """Decode `private_test_cases`: JSON text, or base64(zlib(pickle(JSON text))).

    Args:
        encoded: the field's text.
        max_bytes: bound on the encoded text and on what it unpacks to, each.

    Raises:
        BrokenProblem: it is anything else, exceeds the bound, or holds no tests or other than
            standard input tests.
    """
    if len(encoded) > max_bytes:
        raise BrokenProblem(
            f"the encoded tests take {len(encoded)} bytes, more than the {max_bytes} allowed"
        )
    # Neither bracket belongs to the base64 alphabet.
    plain = encoded.lstrip()[:1] in ("[", "{")
    text = encoded if plain else _unpickle_text(_decompress(_from_base64(encoded), max_bytes))
    return _parse_tests(text)


def encode_private_tests(tests: Sequence[TestCase]) -> str:
    """Encode tests as the original data set does. The inverse of `decode_private_tests`."""
    text = jsonio.dumps(
        [{"input": test.input, "output": test.output, "testtype": "stdin"} for test in tests]
    )
    # A fixed protocol: Python's default changes, and with it the hash of a problem set.
    return base64.b64encode(zlib.compress(pickle.dumps(text, protocol=4), 9)).decode()


def _from_base64(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True)
    except ValueError as error:
        raise BrokenProblem(f"the tests are neither JSON nor base64: {error}") from None


def _decompress(packed: bytes, max_bytes: int) -> bytes:
    stream = zlib.decompressobj()
    try:
        # One byte more than allowed tells "too long" from "just fits".
        raw = stream.decompress(packed, max_bytes + 1)
    except zlib.error as error:
        raise BrokenProblem(f"the tests' base64 does not hold zlib data: {error}") from None
    if len(raw) > max_bytes:
        raise BrokenProblem(f"the tests unpack to more than the {max_bytes} bytes allowed")
    if not stream.eof:
        raise BrokenProblem("the tests' zlib data is cut short")
    if stream.unused_data:
        raise BrokenProblem(f"{len(stream.unused_data)} bytes follow the tests' zlib data")
    return raw


def _unpickle_text(raw: bytes) -> str:
    """Read a pickle of exactly one string by its opcodes; nothing here could execute others."""
    text: str | None = None
    stream = io.BytesIO(raw)
    try:
        for opcode, argument, position in islice(pickletools.genops(stream), _MAX_OPCODES):
            if text is None and opcode.name in _TEXT_OPCODES:
                assert isinstance(argument, str)
                text = argument
            elif text is not None and opcode.name == "STOP":
                if trailing := len(raw) - stream.tell():
                    raise BrokenProblem(f"{trailing} bytes follow the tests' pickle")
                return text
            elif opcode.name not in (_HEADER_OPCODES if text is None else _TRAILER_OPCODES):
                raise BrokenProblem(
                    f"the tests' pickle holds {opcode.name} at byte {position}; "
                    "only one text string is admitted"
                )
    except ValueError as error:
        raise BrokenProblem(f"the tests' pickle is damaged: {error}") from None
    raise BrokenProblem("the tests' pickle holds more than one text string")


def _parse_tests(text: str) -> tuple[TestCase, ...]:
    try:
        tests = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BrokenProblem(f"the tests are not valid JSON: {error}") from None
    if not isinstance(tests, list):
        raise BrokenProblem(f"the tests are a JSON {type(tests).__name__}, not a list")
    if not tests:
        raise BrokenProblem("there are no tests")
    return tuple(_parse_test(test, f"test {index}") for index, test in enumerate(tests))


def _parse_test(test: Any, where: str) -> TestCase:
    if not isinstance(test, dict):
        raise BrokenProblem(f"{where} is a JSON {type(test).__name__}, not an object")
    kind = test.get("testtype")
    if kind != "stdin":
        raise BrokenProblem(f"{where} has testtype {kind!r}; only 'stdin' is supported")
    return TestCase(
        input=_text_of(test, "input", where),
        output=_text_of(test, "output", where),
    )


def _text_of(test: dict[str, Any], name: str, where: str) -> str:
    value = test.get(name)
    if not isinstance(value, str):
        raise BrokenProblem(f"{where} has no text in its field {name!r}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BrokenProblem(f"{where}: its field {name!r} has an unpaired surrogate") from None
    return value
