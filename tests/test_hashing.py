import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.hashing import hash_bytes, hash_file, hash_json, hash_json_items

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_hash_of_nothing_is_sha256_of_nothing():
    assert hash_bytes() == hash_bytes(b"") == EMPTY


@given(st.lists(st.binary()))
def test_bytes_hash_as_their_concatenation(chunks):
    assert hash_bytes(*chunks) == hashlib.sha256(b"".join(chunks)).hexdigest()


@given(st.dictionaries(st.text(), st.integers() | st.text(), min_size=2))
def test_key_order_does_not_change_the_hash_of_an_object(value):
    assert hash_json(dict(reversed(value.items()))) == hash_json(value)


@pytest.mark.parametrize("other", [[2, 1], [1, 2, 3], [1, "2"], {"1": 2}, "[1,2]", [1, [2]]])
def test_different_values_hash_differently(other):
    assert hash_json(other) != hash_json([1, 2])


def test_json_hashes_as_its_compact_utf8_text():
    assert hash_json({"b": "é", "a": [1, None]}) == hash_bytes('{"a":[1,null],"b":"é"}'.encode())


def test_file_hashes_as_its_content(tmp_path):
    content = bytes(range(256)) * 5000
    path = tmp_path / "large"
    path.write_bytes(content)
    assert hash_file(path) == hash_bytes(content)


@given(st.lists(st.dictionaries(st.text(), st.integers() | st.text()) | st.text()))
def test_items_one_at_a_time_hash_as_their_list(items):
    assert hash_json_items(iter(items)) == hash_json(items)
