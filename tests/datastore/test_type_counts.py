from typing import Any

import numpy as np

from knm.datastore.type_counts import TYPES, TypeCounter


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
