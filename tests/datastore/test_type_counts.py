from typing import Any

import numpy as np
import pytest

from knm.datastore.type_counts import TYPES, UNKNOWN, TypeCounter, count_types, type_alone
from knm.languages.machine import TokenType

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
