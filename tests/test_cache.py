import fcntl
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from threading import Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.cache import Cache, Table
from knm.errors import UserError
from tests.problems.problem_files import ROOT

TABLE = Table("things", "thing", {"kind": "text not null", "colour": "text"})
NAME = "things.sqlite"


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path, notes):
    with closing(Cache(tmp_path / "cache" / NAME, TABLE, notes.append)) as opened:
        yield opened


@dataclass(frozen=True)
class Thing:
    text: str


def put(cache: Cache, key: str, text: str = "x") -> str:
    cache.write(key, {"text": text}, "small", None)
    return key


def text_of(cache: Cache, key: str) -> str | None:
    found = cache.read(key, dict)
    return None if found is None else found.value["text"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),  # lone surrogates too
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    with closing(Cache(tmp_path_factory.mktemp("cache") / NAME, TABLE, print)) as opened:
        yield opened


@given(value=st.dictionaries(st.text(), VALUES, max_size=4))
def test_what_was_kept_comes_back_as_it_was(shared, value):
    shared.write("key", value, "small", "red")
    found = shared.read("key", dict)
    assert found is not None
    assert found.value == value


def test_pruning_removes_what_is_old(cache):
    old, new = put(cache, "old"), put(cache, "new")
    with sqlite3.connect(cache.path) as connection:
        connection.execute("update things set created = created - 200000 where key = ?", [old])
    assert cache.prune(older_than_days=1) == 1
    assert (text_of(cache, old), text_of(cache, new)) == (None, "x")
    assert cache.prune() == 1
    assert cache.figures().count == 0


@pytest.mark.parametrize("damage", ["not a database" * 1000, ""])
def test_a_damaged_file_is_moved_aside_and_kept(tmp_path, notes, damage):
    path = tmp_path / NAME
    path.write_text(damage)
    with closing(Cache(path, TABLE, notes.append)) as cache:
        assert text_of(cache, put(cache, "key")) == "x"
    aside = [file.read_text() for file in tmp_path.glob("*.damaged-*")]
    assert aside == ([damage] if damage else [])
    assert len(notes) == len(aside)
    assert all("moved to" in note for note in notes)


def test_damage_that_comes_later_costs_no_more_than_what_was_kept(tmp_path, notes):
    with closing(Cache(tmp_path / NAME, TABLE, notes.append)) as cache:
        for number in range(200):
            put(cache, f"key{number}", "x" * 1000)
    with (tmp_path / NAME).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)
    with closing(Cache(tmp_path / NAME, TABLE, notes.append)) as cache:
        assert text_of(cache, put(cache, "key0", "again")) == "again"
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (
            "update things set thing = '{\"text\"'",
            r"cannot be read and are made again: thing key: not",
        ),
        ("update things set thing = x'ff'", "cannot be read and are made again"),
        ("update things set thing = '{}'", "cannot be read .*: no `text`"),
        ("alter table things rename column thing to answer", "another version's; it was moved to"),
        ("alter table things add column more text not null default ''", None),
        ("alter table things add column more text", None),
    ],
)
def test_what_cannot_be_read_costs_no_more_than_making_it_again(tmp_path, notes, change, told):
    with closing(Cache(tmp_path / NAME, TABLE, notes.append)) as cache:
        cache.write("key", Thing("x"), "small", None)
        with sqlite3.connect(cache.path) as connection:
            connection.execute(change)
    with closing(Cache(tmp_path / NAME, TABLE, notes.append)) as cache:
        found = [cache.read("key", Thing) for _ in range(2)]
        assert [each and each.value for each in found] == [None if told else Thing("x")] * 2
        cache.write("key", Thing("again"), "small", None)
        again = cache.read("key", Thing)
        assert again is not None
        assert again.value == Thing("again")
    assert len(notes) == (told is not None)
    assert all(re.search(told, note) for note in notes)


def test_a_file_that_another_process_keeps_to_itself_ends_no_run(tmp_path, notes, monkeypatch):
    monkeypatch.setattr("knm.cache._WAIT_SECONDS", 0.05)
    with closing(Cache(tmp_path / NAME, TABLE, notes.append)) as cache:
        cache.write("key", Thing("x"), "small", None)
        with closing(sqlite3.connect(cache.path)) as other:
            other.execute("begin immediate")
            for _ in range(2):
                cache.write("other", Thing("y"), "small", None)
            other.execute("rollback")
        assert cache.read("other", Thing) is None
        assert text_of(cache, "key") == "x"
    assert len(notes) == 1
    assert "cannot be written, the run goes on without: database is locked" in notes[0]


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cache of things cannot be opened: .*KNM_CACHE_DIR"):
        Cache(tmp_path / "file" / NAME, TABLE, print)


WRITER = """
import sys
from pathlib import Path
from knm.cache import Cache
from tests.test_cache import TABLE, put
cache = Cache(Path(sys.argv[1]), TABLE, print)
for number in range(50):
    put(cache, sys.argv[2] + str(number))
"""


def test_while_one_makes_the_file_others_wait(tmp_path):
    # SQLite itself does not always: "database is locked" ended one of 60 starts of 8 processes.
    path = tmp_path / NAME
    opened = []
    other = Thread(target=lambda: opened.append(Cache(path, TABLE, print)))
    with path.with_suffix(".lock").open("w") as making:
        fcntl.flock(making, fcntl.LOCK_EX)
        other.start()
        other.join(0.2)
        assert not opened
    other.join(10)
    with closing(opened[0]) as cache:
        assert text_of(cache, put(cache, "key")) == "x"


def test_many_processes_write_at_once(tmp_path):
    path = tmp_path / NAME
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), f"{number}-"], cwd=ROOT)
        for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    with closing(Cache(path, TABLE, print)) as cache:
        assert cache.figures().count == 200
        assert cache.counts("kind") == {"small": 200}
