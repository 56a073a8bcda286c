from typing import Any

import numpy as np
import pytest

from knm.datastore import RecordOrigin
from knm.datastore.figures import (
    TYPES,
    UNKNOWN,
    TypeCounter,
    count_types,
    describe_datastore,
    type_alone,
)
from knm.languages.machine import TokenType
from tests.datastore.stores import written

NOTHING = {kind.label: 0 for kind in TYPES}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("local", "keyword"),
        (" elseif", "keyword"),
        (" nil", "keyword"),
        ("true", "keyword"),
        (" 3", "literal"),
        ("0x1F", "literal"),
        (".5", "literal"),
        ('"', "literal"),
        (" 'abc", "literal"),
        (" ==", "operator"),
        ("...", "operator"),
        ("():", "operator"),
        ("-- so", "comment"),
        (" table", "identifier"),
        ("_G2", "identifier"),
        ("é", "identifier"),
        ("\n    ", "whitespace"),
        (" ", "whitespace"),
        ("", "outside"),
        ("```", "outside"),
    ],
)
def test_a_token_is_typed_by_its_text(text, kind):
    assert TokenType(type_alone(text, "lua")).label == kind
    assert TokenType(type_alone(text, None)).label == kind


def test_a_token_is_typed_as_its_language_has_it(tmp_path):
    assert TokenType(type_alone("elif", "python")).label == "keyword"
    assert TokenType(type_alone("elif", "lua")).label == "identifier"
    assert TokenType(type_alone("//", "c")).label == "comment"
    assert type_alone("end", "cobol") == UNKNOWN
    own = tmp_path / "own.yaml"
    own.write_text("lexer: {keywords: gosub, comments: ['%']}")
    assert TokenType(type_alone("gosub", str(own))).label == "keyword"
    assert TokenType(type_alone("% end", str(own))).label == "comment"


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

    def count(*ids: int, language: str = "lua") -> dict[str, int]:
        return count_types(counter.types(np.array(ids, dtype=np.int64), language))

    assert count(2, 2, 0, 0, 2) == {**NOTHING, "keyword": 2, "identifier": 3}
    assert words.asked == [0, 2]
    assert count(3, 1, 0) == {**NOTHING, "outside": 1, "operator": 1, "keyword": 1}
    assert words.asked == [0, 2, 1, 3]
    assert count() == NOTHING
    assert count(0, language="python") == {**NOTHING, "identifier": 1}


def test_tokens_of_a_language_without_a_lexer_are_unknown():
    words: Any = Words()
    types = TypeCounter(words).types(np.array([0, 2]), "cobol")
    assert count_types(types) == {**NOTHING, "unknown": 2}


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
