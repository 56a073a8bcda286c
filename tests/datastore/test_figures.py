from typing import Any

import numpy as np

from knm.datastore import RecordOrigin
from knm.datastore.figures import TYPES, TypeCounter, describe_datastore
from tests.datastore.stores import written


def test_entries_are_counted_by_source_and_type(tmp_path):
    origins = [
        RecordOrigin("a", "lua", "web"),
        RecordOrigin("b", "lua"),
        RecordOrigin("c", "lua", "web"),
    ]
    store = written(
        tmp_path / "store",
        np.ones((5, 3)),
        [0, 7, 7, 8, 7],
        records=[0, 0, 1, 1, 1],
        origins=origins,
        capacity=20,
    )
    described = describe_datastore(store, {0: "local", 7: " x", 8: "\n"})
    assert described.sources == {"unknown": 3, "web": 2}
    assert described.records == 2
    assert described.mistakes == 4
    assert described.utilisation == 0.25
    types = described.token_types
    assert types is not None
    assert {name: number for name, number in types.items() if number} == {
        "keyword": 1,
        "identifier": 3,
        "whitespace": 1,
    }
    files = {path.name: path.stat().st_size for path in store.path.iterdir()}
    assert described.bytes == files


def test_an_empty_datastore_has_nothing_to_count(tmp_path):
    store = written(tmp_path / "store", np.empty((0, 3)), [])
    described = describe_datastore(store, {})
    assert (described.records, described.utilisation, described.sources) == (0, None, {})


class Words:
    """A tokenizer that notes what it is asked for; token 3 is special."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def decode(self, ids: list[int], *, skip_special_tokens: bool) -> str:
        assert skip_special_tokens
        self.asked += ids
        return ["end", " = ", "x", ""][ids[0]]


def test_each_token_is_decoded_once_and_counted_as_often_as_it_comes():
    words: Any = Words()
    counter = TypeCounter(words)
    counts = counter.count(np.array([2, 2, 0, 0, 2]))
    nothing = dict.fromkeys(map(str, TYPES), 0)
    assert counts == {**nothing, "keyword": 2, "identifier": 3}
    assert words.asked == [0, 2]
    assert counter.count(np.array([3, 1, 0])) == {
        **nothing,
        "other": 1,
        "operator": 1,
        "keyword": 1,
    }
    assert words.asked == [0, 2, 1, 3]
    assert counter.count(np.array([], dtype=np.int64)) == nothing
