import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from knm.engine import CompletionCache, completion_key
from knm.errors import UserError
from knm.hashing import hash_json
from knm.records import Request, Sampling
from tests.engine.configurations import CONFIGURATION, completion
from tests.problems.problem_files import ROOT

REQUEST = Request("abc305_a", "Write a program.", max_new_tokens=64)


@pytest.fixture
def notes() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path, notes):
    opened = CompletionCache(tmp_path / "cache", notes.append)
    yield opened
    opened.close()


def put(cache, request, text="print(1)"):
    key = completion_key(CONFIGURATION, request)
    cache.put(key, completion(request, text), CONFIGURATION)
    return key


def test_what_was_kept_comes_back_as_it_was(cache):
    key = put(cache, REQUEST, "-- ünï\n\x00print(1)")
    assert cache.get(key) == completion(REQUEST, "-- ünï\n\x00print(1)")


@pytest.mark.parametrize(
    "change",
    [
        {"id": "other"},
        {"prompt": "Write another program."},
        {"chat": False},
        {"sample": 1},
        {"max_new_tokens": 32},
        {"stop": ("\n",)},
        {"sampling": Sampling(0.5, 1.0, 0)},
        {"sampling": Sampling(0.0, 0.9, 0)},
        {"sampling": Sampling(0.0, 1.0, 1)},
        {"withheld": "of another kind"},
    ],
)
def test_a_change_of_one_field_of_the_request_misses(change):
    assert completion_key(CONFIGURATION, replace(REQUEST, **change)) != completion_key(
        CONFIGURATION, REQUEST
    )


@pytest.mark.parametrize(
    "change",
    [
        {"weights_hash": "x"},
        {"tokenizer_hash": "x"},
        {"config_hash": "x"},
        {"generation_hash": "x"},
        {"generation_hash": None},
        {"dtype": "bfloat16"},
        {"hardware": "NVIDIA H200"},
        {"batch_size": 8},
        {"max_new_tokens": 128},
        {"datastore_hash": "x"},
        {"preset": {"name": "v2", "k": 16, "weight": 0.5}},
        {"preset": None},
        {"indexes": {"ivf": {"nprobe": 4}}},
        {"calibration": "x"},
        {"packages": {"torch": "2.14.0"}},
        {"engine_version": 99},
    ],
)
def test_a_change_of_the_engine_misses(change):
    assert completion_key(replace(CONFIGURATION, **change), REQUEST) != completion_key(
        CONFIGURATION, REQUEST
    )


@pytest.mark.parametrize(
    "change",
    [
        {"model": "/models/embedded"},
        {"datastore": "/stores/small"},
        {"preset": {"name": "mine", "k": 16, "weight": 0.25}},
    ],
)
def test_names_do_not_matter(change):
    assert completion_key(replace(CONFIGURATION, **change), REQUEST) == completion_key(
        CONFIGURATION, REQUEST
    )


def test_what_was_kept_before_a_time_can_be_ignored_and_is_replaced(cache):
    key = put(cache, REQUEST, "old")
    now = time.time()
    assert cache.get(key, since=now) is None
    put(cache, REQUEST, "new")
    assert cache.get(key, since=now) == completion(REQUEST, "new")


def test_pruning_removes_what_is_old(cache):
    old, new = put(cache, REQUEST), put(cache, replace(REQUEST, sample=1))
    with sqlite3.connect(cache.path) as connection:
        connection.execute("update completions set created = created - 200000 where key = ?", [old])
    assert cache.prune(older_than_days=1) == 1
    assert (cache.get(old), cache.get(new) is not None) == (None, True)
    assert cache.prune() == 1
    assert cache.info().completions == 0


def test_info_counts_by_model(cache):
    assert (cache.info().completions, cache.info().oldest) == (0, None)
    put(cache, REQUEST)
    info = cache.info()
    assert info.by_model == {"embedded": 1}
    assert info.bytes > 0
    assert info.oldest == info.newest is not None


@pytest.mark.parametrize("damage", ["not a database" * 1000, ""])
def test_a_damaged_file_is_moved_aside_and_kept(tmp_path, notes, damage):
    path = tmp_path / "completions.sqlite"
    path.write_text(damage)
    cache = CompletionCache(tmp_path, notes.append)
    key = put(cache, REQUEST)
    assert cache.get(key) is not None
    cache.close()
    aside = [file.read_text() for file in tmp_path.glob("*.damaged-*")]
    assert aside == ([damage] if damage else [])
    assert len(notes) == len(aside)
    assert all("moved to" in note for note in notes)


def test_damage_that_comes_later_costs_no_more_than_what_was_kept(tmp_path, notes):
    cache = CompletionCache(tmp_path, notes.append)
    for sample in range(200):
        put(cache, replace(REQUEST, sample=sample), "x" * 1000)
    cache.close()
    with (tmp_path / "completions.sqlite").open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 40_000)
    cache = CompletionCache(tmp_path, notes.append)
    key = put(cache, REQUEST, "again")
    assert cache.get(key) == completion(REQUEST, "again")
    assert len(notes) == 1


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="KNM_CACHE_DIR"):
        CompletionCache(tmp_path / "file", print)


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from knm.engine import CompletionCache
from tests.engine.test_cache import REQUEST, put
cache = CompletionCache(Path(sys.argv[1]), print)
for sample in range(50):
    put(cache, replace(REQUEST, sample=sample + 50 * int(sys.argv[2])))
"""


def test_many_processes_write_at_once(tmp_path):
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number)], cwd=ROOT)
        for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    cache = CompletionCache(tmp_path, print)
    assert cache.info().completions == 200
    cache.close()


def test_keys_are_those_of_earlier_versions_of_the_code():
    # Whoever changes how records are written must not lose what users have kept. Another
    # `ENGINE_VERSION` or `KEY_VERSION` has other values.
    request = Request("p1", "Say hello.", stop=("a",))
    assert (hash_json(CONFIGURATION.determinants()), completion_key(CONFIGURATION, request)) == (
        "100dc4cd0abf7a42640e57d7165fbe4bc7f0d8b4067bf1a72b9c2de446c8cc5a",
        "0d067fc109261f28417c37f982563878e680e7ceec68585b3d8d8890d5682c3d",
    )
