import json
import math
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from knm.jsonio import (
    dumps,
    find_surrogate,
    parse_object,
    read_json,
    read_jsonl,
    write_json,
    write_jsonl,
    write_text,
)

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
FINITE = SCALARS.filter(lambda value: not (isinstance(value, float) and math.isinf(value)))
VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)
OBJECTS = st.lists(st.dictionaries(st.text(), VALUES, max_size=4), max_size=4)
# The fixture's directory is fine to share: every example replaces the file.
shared_directory = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])

UNREADABLE = {
    "no JSON": b"{'a': 1}",
    "cut off": b'{"a": ',
    "not UTF-8": b'{"a": "\xff"}',
    "nested too deep": b'{"a": ' + b"[" * 200_000,
    "an integer of too many digits": b'{"a": ' + b"1" * 4301 + b"}",
}
each_unreadable = pytest.mark.parametrize("text", UNREADABLE.values(), ids=UNREADABLE.keys())


def files(directory):
    return [path.name for path in directory.iterdir()]


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("pretty", [False, True])
def test_numbers_that_json_lacks_are_refused(number, pretty):
    with pytest.raises(ValueError, match="JSON compliant"):
        dumps({"score": [number]}, pretty=pretty)


def test_text_is_compact_or_indented_and_keeps_key_order_and_letters():
    assert dumps({"b": "é", "a": [1]}) == '{"b":"é","a":[1]}'
    assert dumps({"b": "é", "a": [1]}, pretty=True) == '{\n  "b": "é",\n  "a": [\n    1\n  ]\n}'


@given(VALUES)
@shared_directory
def test_written_json_reads_back_equal(tmp_path, value):
    path = tmp_path / "value.json"
    write_json(path, value)
    assert read_json(path) == value
    assert path.read_text(encoding="utf-8").endswith("\n")


@given(OBJECTS)
@shared_directory
def test_written_jsonl_reads_back_equal_whatever_line_separators_strings_hold(tmp_path, values):
    path = tmp_path / "values.jsonl"
    write_jsonl(path, values)
    assert list(read_jsonl(path)) == list(enumerate(values, start=1))


def test_writing_makes_missing_directories_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "deep" / "value.json"
    write_json(path, 1)
    assert files(path.parent) == ["value.json"]


def test_a_written_file_is_as_readable_as_any_other(tmp_path):
    ordinary, written = tmp_path / "ordinary", tmp_path / "written"
    ordinary.write_text("")
    write_text(written, "")
    assert written.stat().st_mode == ordinary.stat().st_mode


def _one_then_failure():
    yield {"a": 1}
    raise RuntimeError


@pytest.mark.parametrize(
    ("write", "error"),
    [
        pytest.param(lambda path: write_json(path, {"a": object()}), TypeError, id="no JSON type"),
        pytest.param(lambda path: write_json(path, math.nan), ValueError, id="NaN"),
        pytest.param(
            lambda path: write_jsonl(path, [{"a": 1}, {"a": math.nan}]), ValueError, id="later line"
        ),
        pytest.param(
            lambda path: write_jsonl(path, _one_then_failure()), RuntimeError, id="source fails"
        ),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path, write, error):
    path = tmp_path / "result.json"
    write_text(path, "old")
    with pytest.raises(error):
        write(path)
    assert path.read_text() == "old"
    assert files(tmp_path) == ["result.json"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=())),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_half_a_character_is_found_wherever_it_is(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        assert find_surrogate(value) is not None
    else:
        assert find_surrogate(value) is None


def test_half_a_character_is_found_at_any_depth():
    value: Any = "\ud83d"
    for _ in range(5_000):
        value = [value]
    assert (find_surrogate(value) or "").startswith("[0][0][0]")
    assert find_surrogate({"a": [{"b": "x\ud83d"}]}) == "a[0].b"


def test_half_a_character_is_written_as_its_escape(tmp_path):
    path = tmp_path / "r.json"
    write_json(path, {"program": "print('\ud83d')"})
    assert read_json(path) == {"program": "print('\ud83d')"}


@pytest.mark.parametrize("read", [read_json, lambda path: list(read_jsonl(path))])
def test_a_directory_is_no_file(tmp_path, read):
    with pytest.raises(UserError, match="cannot be read: Is a directory"):
        read(tmp_path)


def test_a_replacement_that_fails_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    path = tmp_path / "result.json"
    write_text(path, "old")

    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(PermissionError):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert files(tmp_path) == ["result.json"]


@pytest.mark.parametrize("read", [read_json, lambda path: list(read_jsonl(path))])
def test_a_missing_file_is_named(tmp_path, read):
    path = tmp_path / "missing.json"
    with pytest.raises(UserError, match="missing.json: no such file"):
        read(path)


@each_unreadable
def test_an_unreadable_object_is_an_error_at_the_place_given(text):
    with pytest.raises(UserError, match="^here: not valid JSON: "):
        parse_object(text, "here")


@each_unreadable
def test_an_unreadable_file_is_an_error_that_names_it(tmp_path, text):
    path = tmp_path / "value.json"
    path.write_bytes(text)
    with pytest.raises(UserError, match="value.json: not valid JSON: "):
        read_json(path)


@each_unreadable
def test_an_unreadable_line_is_an_error_that_names_file_and_line(tmp_path, text):
    path = tmp_path / "values.jsonl"
    path.write_bytes(b'{"a": 1}\n\n' + text + b'\n{"a": 2}\n')
    lines = read_jsonl(path)
    assert next(lines) == (1, {"a": 1})
    with pytest.raises(UserError, match="values.jsonl:3: not valid JSON: "):
        next(lines)


def test_where_a_line_of_a_file_breaks_off_is_told_within_that_line(tmp_path):
    path = tmp_path / "values.jsonl"
    path.write_bytes(b'{"a": 1}\n{"a":\n')
    with pytest.raises(UserError) as told:
        list(read_jsonl(path))
    assert str(told.value) == f"{path}:2: not valid JSON: Expecting value (character 6)"


def test_integers_of_the_most_digits_are_read():
    text = '{"a": ' + "1" * 4300 + "}"
    assert parse_object(text, "here") == {"a": int("1" * 4300)}


@given(st.text() | st.binary())
def test_any_text_is_an_object_or_a_user_error(text):
    value, complaint = {}, "here: "
    try:
        value = parse_object(text, "here")
    except UserError as error:
        complaint = str(error)
    assert isinstance(value, dict)
    assert complaint.startswith("here: ")


@pytest.mark.parametrize(
    ("text", "kind"), [("[1]", "list"), ("null", "NoneType"), ('"a"', "str"), ("1.5", "float")]
)
def test_json_other_than_an_object_is_an_error_that_says_what_it_is(text, kind):
    with pytest.raises(UserError, match=f"^here: expected a JSON object, found {kind}$"):
        parse_object(text, "here")


def test_line_numbers_count_blank_lines_and_the_last_newline_may_lack(tmp_path):
    path = tmp_path / "values.jsonl"
    path.write_bytes(b'\n{"a": 1}\r\n  \n{"a": 2}')
    assert list(read_jsonl(path)) == [(2, {"a": 1}), (4, {"a": 2})]


def test_an_empty_jsonl_file_holds_nothing(tmp_path):
    path = tmp_path / "values.jsonl"
    write_jsonl(path, [])
    assert list(read_jsonl(path)) == []


def test_a_written_line_is_plain_json(tmp_path):
    path = tmp_path / "values.jsonl"
    write_jsonl(path, [{"a": "b\nc"}, {"d": None}])
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"a": "b\nc"},
        {"d": None},
    ]
