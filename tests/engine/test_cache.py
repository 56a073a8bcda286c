import time
from dataclasses import replace

import pytest

from knm.engine import CompletionCache, completion_key
from knm.engine.configuration import EngineConfiguration
from knm.hashing import hash_json
from knm.records import Request, Sampling
from tests.engine.configurations import CONFIGURATION, completion

REQUEST = Request("abc305_a", "Write a program.", max_new_tokens=64)


@pytest.fixture
def cache(tmp_path):
    opened = CompletionCache(tmp_path / "cache", print)
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
        {"datastore_preset": "residual"},
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


def test_info_counts_by_model(cache):
    assert (cache.info().completions, cache.info().oldest) == (0, None)
    put(cache, REQUEST)
    info = cache.info()
    assert info.by_model == {"embedded": 1}
    assert info.bytes > 0
    assert info.oldest == info.newest is not None


def test_keys_are_those_of_earlier_versions_of_the_code():
    # Whoever changes how records are written must not lose what users have kept. Another
    # `ENGINE_VERSION` or `KEY_VERSION` has other values.
    request = Request("p1", "Say hello.", stop=("a",))
    assert (hash_json(CONFIGURATION.determinants()), completion_key(CONFIGURATION, request)) == (
        "100dc4cd0abf7a42640e57d7165fbe4bc7f0d8b4067bf1a72b9c2de446c8cc5a",
        "0d067fc109261f28417c37f982563878e680e7ceec68585b3d8d8890d5682c3d",
    )


def test_what_a_server_of_another_kind_was_asked_without_the_systems_text_is_asked_again():
    foreign = EngineConfiguration.of_another_kind("m", {"owned_by": "x"})
    # Keys of before: the first had been asked as it is, the second without its system's text.
    assert completion_key(foreign, Request("p", "hello")) == (
        "029a24107fc72baaaf1dccecca2c96564e41e98a8d1a0469dda8d3c846f4784c"
    )
    assert completion_key(foreign, Request("p", "hello", system="Be brief.")) != (
        "f6c456bdfee875c754b4d9ed52d6f6d34f7999e7806118e2dc19b716cce9eed9"
    )
