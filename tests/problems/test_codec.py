import base64
import json
import os
import pickle
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from knm.problems import BrokenProblem, TestCase, decode_private_tests, encode_private_tests

RECORDS = [{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}]
TEXT = json.dumps(RECORDS)
CASES = (TestCase("1 2\n", "3\n"),)

unicode_text = st.text(st.characters(codec="utf-8"))


def pack(raw: bytes) -> str:
    """A pickle as the original data set wraps it."""
    return base64.b64encode(zlib.compress(raw)).decode()


class Reduces:
    """Pickles into a call of `function`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._call


class Builds:
    """Pickles into an object that runs its state."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __setstate__(self, state: dict[str, str]) -> None:
        os.system(state["command"])


@given(st.lists(st.builds(TestCase, unicode_text, unicode_text), min_size=1))
def test_encoding_then_decoding_gives_the_same_tests(tests):
    assert decode_private_tests(encode_private_tests(tests)) == tuple(tests)


def test_encoded_form_is_what_the_original_decoder_reads():
    packed = zlib.decompress(base64.b64decode(encode_private_tests(CASES)))
    assert json.loads(pickle.loads(packed)) == RECORDS


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("size", [0, 300, 100_000])
def test_every_pickle_protocol_and_string_length_is_read(protocol, size):
    output = "é\\\n" + "x" * size
    text = json.dumps([RECORDS[0] | {"output": output}], ensure_ascii=False)
    tests = decode_private_tests(pack(pickle.dumps(text, protocol=protocol)))
    assert tests == (TestCase("1 2\n", output),)


@pytest.mark.parametrize("text", [TEXT, f" \n{TEXT}\n"])
def test_plain_json_is_accepted(text):
    assert decode_private_tests(text) == CASES


def test_space_around_base64_is_accepted():
    assert decode_private_tests(f" {encode_private_tests(CASES)}\n") == CASES


@given(st.text())
@example(base64.b64encode(b"not zlib").decode())
def test_arbitrary_text_is_a_broken_problem_and_nothing_worse(text):
    with pytest.raises(BrokenProblem):
        decode_private_tests(text)


@given(st.binary())
@example(b"\x80\x04")
def test_an_arbitrary_pickle_is_a_broken_problem_and_nothing_worse(raw):
    with pytest.raises(BrokenProblem):
        decode_private_tests(pack(raw))


# --- pickles that are more than one string


def test_no_pickle_can_run_a_command(tmp_path: Path):
    mark = tmp_path / "mark"
    command = f"touch {mark}"
    hostile = [
        *(pickle.dumps(Reduces(os.system, command), protocol) for protocol in range(6)),
        b"cos\nsystem\n(V" + command.encode() + b"\ntR.",
        b"(V" + command.encode() + b"\nios\nsystem\n.",
        b"(cos\nsystem\nV" + command.encode() + b"\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c"
        + bytes([len(command)])
        + command.encode()
        + b"\x85R.",
        # a harmless string first, the call after it
        pickle.dumps(TEXT, 0)[:-1] + b"cos\nsystem\n(V" + command.encode() + b"\ntR.",
        # a call hidden in the state that BUILD gives to an object
        pickle.dumps(Builds(command), 2),
    ]
    for raw in hostile:
        with suppress(Exception):
            pickle.loads(raw)
        assert mark.exists(), "the pickle is no threat, so refusing it would show nothing"
        mark.unlink()
        with pytest.raises(BrokenProblem, match="only one text string is admitted"):
            decode_private_tests(pack(raw))
        assert not mark.exists()


@pytest.mark.parametrize(
    "value",
    [None, True, 7, 10**100, 1.5, b"bytes", bytearray(b"x"), [], [TEXT], [[[TEXT]]], (TEXT,), {}],
    ids=repr,
)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_pickle_of_anything_but_text_is_refused(value, protocol):
    with pytest.raises(BrokenProblem, match="only one text string is admitted"):
        decode_private_tests(pack(pickle.dumps(value, protocol=protocol)))


def short_string(text: str) -> bytes:
    return b"X" + struct.pack("<I", len(text)) + text.encode()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(short_string(TEXT) * 2 + b".", id="two strings"),
        pytest.param(short_string(TEXT) + b"0.", id="string popped"),
        pytest.param(short_string(TEXT) + b"2.", id="string duplicated"),
        pytest.param(short_string(TEXT) + b"q\x00h\x00.", id="string fetched from the memo"),
        pytest.param(short_string(TEXT) + b"Q.", id="persistent id"),
        pytest.param(b"Pid\n.", id="persistent id of protocol 0"),
        pytest.param(b"\x82\x01.", id="extension registry"),
        pytest.param(b"S'text'\n.", id="byte string of Python 2"),
        pytest.param(b"q\x00.", id="memo without a string"),
        pytest.param(b".", id="empty stack"),
    ],
)
def test_a_pickle_with_any_other_opcode_is_refused(raw):
    with pytest.raises(BrokenProblem, match="only one text string is admitted"):
        decode_private_tests(pack(raw))


def test_memo_bombs_are_refused_without_building_them():
    huge_index = short_string(TEXT) + b"r\xff\xff\xff\x7f."
    nested = b"]" + b"q\x00(h\x00h\x00e" * 100_000 + b"."
    many_marks = short_string(TEXT) + b"\x94" * 1_000_000 + b"."
    # A memo index only names a slot; nothing is allocated for it.
    assert decode_private_tests(pack(huge_index)) == CASES
    for raw in (nested, many_marks):
        with pytest.raises(BrokenProblem, match="one text string"):
            decode_private_tests(pack(raw))


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_truncated_pickle_is_refused_wherever_it_is_cut(protocol):
    raw = pickle.dumps(TEXT, protocol=protocol)
    for length in range(len(raw)):
        with pytest.raises(BrokenProblem):
            decode_private_tests(pack(raw[:length]))


def test_a_string_longer_than_the_pickle_is_refused():
    for header in (b"X\xff\xff\xff\xff", b"\x8d" + b"\xff" * 8, b"\x8d" + b"\xff" * 7 + b"\x7f"):
        with pytest.raises(BrokenProblem, match="damaged"):
            decode_private_tests(pack(header + b"abc."))


def test_text_in_a_pickle_that_is_not_utf8_is_refused():
    with pytest.raises(BrokenProblem, match="damaged"):
        decode_private_tests(pack(b"X\x02\x00\x00\x00\xff\xfe."))


# --- trailing data, bombs


def test_data_after_the_pickle_is_refused():
    with pytest.raises(BrokenProblem, match="4 bytes follow the tests' pickle"):
        decode_private_tests(pack(pickle.dumps(TEXT) + b"more"))


def test_data_after_the_zlib_stream_is_refused():
    packed = zlib.compress(pickle.dumps(TEXT)) + b"more"
    with pytest.raises(BrokenProblem, match="4 bytes follow the tests' zlib data"):
        decode_private_tests(base64.b64encode(packed).decode())


def test_a_cut_zlib_stream_is_refused():
    packed = zlib.compress(pickle.dumps(TEXT))[:-5]
    with pytest.raises(BrokenProblem, match="cut short"):
        decode_private_tests(base64.b64encode(packed).decode())


def test_a_decompression_bomb_is_refused():
    bomb = zlib.compress(bytes(50_000_000), 9)
    assert len(bomb) < 100_000
    with pytest.raises(BrokenProblem, match="more than the 1000000 bytes allowed"):
        decode_private_tests(base64.b64encode(bomb).decode(), max_bytes=1_000_000)


def test_the_bound_is_inclusive():
    raw = pickle.dumps(json.dumps([RECORDS[0] | {"input": "x" * 5000}]))
    assert decode_private_tests(pack(raw), max_bytes=len(raw))
    with pytest.raises(BrokenProblem, match="unpack to more than"):
        decode_private_tests(pack(raw), max_bytes=len(raw) - 1)


@pytest.mark.parametrize("encoded", [TEXT, encode_private_tests(CASES)])
def test_encoded_text_beyond_the_bound_is_refused_undecoded(encoded):
    with pytest.raises(BrokenProblem, match="encoded tests take"):
        decode_private_tests(encoded, max_bytes=len(encoded) - 1)


# --- the list of tests


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ([], "no tests"),
        ({"input": "", "output": ""}, "not a list"),
        (["x"], "test 0 is a JSON str"),
        ([RECORDS[0], RECORDS[0] | {"testtype": "functional"}], "test 1 has testtype 'functional'"),
        ([{"input": "", "output": ""}], "test 0 has testtype None"),
        ([{"output": "", "testtype": "stdin"}], "test 0 has no text in its field 'input'"),
        ([RECORDS[0] | {"output": 3}], "test 0 has no text in its field 'output'"),
        ([RECORDS[0] | {"output": None}], "'output'"),
        ([RECORDS[0] | {"input": "\ud800"}], "test 0: its field 'input' has an unpaired surrogate"),
    ],
)
def test_malformed_tests_are_refused_by_name(tests, message):
    text = json.dumps(tests)
    for encoded in (text, pack(pickle.dumps(text))):
        with pytest.raises(BrokenProblem, match=message):
            decode_private_tests(encoded)


@pytest.mark.parametrize("text", ["[" * 100_000, "[1,", "[" + "9" * 5000 + "]"])
def test_json_that_python_cannot_parse_is_refused(text):
    with pytest.raises(BrokenProblem, match="not valid JSON"):
        decode_private_tests(text)


def test_empty_text_is_refused():
    with pytest.raises(BrokenProblem):
        decode_private_tests("")
