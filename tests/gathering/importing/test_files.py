import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.gathering.importing.files import Unreadable, check_encoding, decode, read_text, walk_files
from knm.gathering.importing.found import Skips
from tests.gathering.importing.importers import reasons, write_files


def why(path, root, **options):
    with pytest.raises(Unreadable) as raised:
        read_text(path, root, **options)
    return raised.value.reason


def test_text_comes_without_mark_and_with_lines_of_unix(tmp_path):
    write_files(tmp_path, {"a.lua": b"\xef\xbb\xbfprint(1)\r\nprint(2)\rprint(3)\n"})
    assert read_text(tmp_path / "a.lua", tmp_path) == "print(1)\nprint(2)\nprint(3)\n"


def test_other_encodings_are_refused_unless_named(tmp_path):
    write_files(tmp_path, {"a.lua": "-- caf\xe9\nprint(1)".encode("latin-1")})
    path = tmp_path / "a.lua"
    with pytest.raises(Unreadable, match="byte 0xe9 at 6"):
        read_text(path, tmp_path)
    assert read_text(path, tmp_path, "latin-1").startswith("-- caf\xe9\n")
    write_files(tmp_path, {"b.lua": "-- caf\xe9"})  # UTF-8 stays that
    assert read_text(tmp_path / "b.lua", tmp_path, "latin-1") == "-- caf\xe9"
    with pytest.raises(UserError, match="--encoding martian: unknown"):
        check_encoding("martian", "--encoding")


def test_links_are_followed_within_the_folder_alone(tmp_path):
    root = write_files(tmp_path / "root", {"a.lua": "print(1)", "sub/b.lua": "print(2)"})
    write_files(tmp_path, {"secret.lua": "secret", "out/c.lua": "print(3)"})
    (root / "inside.lua").symlink_to("a.lua")
    (root / "outside.lua").symlink_to(tmp_path / "secret.lua")
    (root / "nowhere.lua").symlink_to("gone.lua")
    (root / "circle.lua").symlink_to("circle.lua")
    (root / "folder").symlink_to(tmp_path / "out")
    (root / "sub" / "up").symlink_to(root)
    assert read_text(root / "inside.lua", root) == "print(1)"
    assert why(root / "outside.lua", root) == "link out of the folder"
    assert why(root / "nowhere.lua", root) == "cannot be read"
    assert why(root / "circle.lua", root) in {"cannot be read", "link out of the folder"}
    skips = Skips()
    names = [path.relative_to(root).as_posix() for path in walk_files(root, skips, ".lua")]
    assert "sub/b.lua" in names
    assert not [name for name in names if name.startswith(("folder/", "sub/up/"))]
    assert reasons(skips) == {"folder": "link out of the folder"}


def test_a_root_that_is_a_link_itself_is_no_link_out_of_it(tmp_path):
    write_files(tmp_path / "root", {"a.lua": "print(1)"})
    (tmp_path / "link").symlink_to("root")
    assert read_text(tmp_path / "link" / "a.lua", tmp_path / "link") == "print(1)"


def test_what_is_no_file_of_text_is_refused_without_being_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.lua")  # opening it would wait for ever
    write_files(tmp_path, {"compiled.lua": b"\x1bLJ\x02", "wide.lua": "print".encode("utf-16")})
    write_files(tmp_path, {"huge.lua": b"x" * 2049})
    assert why(tmp_path / "pipe.lua", tmp_path) == "not text"
    assert why(tmp_path / "compiled.lua", tmp_path) == "not text"
    assert why(tmp_path / "wide.lua", tmp_path) == "not text"
    assert why(tmp_path / "huge.lua", tmp_path, most=2048) == "too long"


@given(st.binary(max_size=200), st.sampled_from(["utf-8", "latin-1", "cp1252"]))
def test_bytes_give_text_or_a_reason(data, encoding):
    try:
        text = decode(data, encoding)
    except Unreadable:
        assert encoding != "latin-1" or b"\0" in data or data.startswith(b"\x1b")
        return
    text.encode()
    assert "\r" not in text
    assert "\0" not in text
