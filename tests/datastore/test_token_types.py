import numpy as np
import pytest

from knm.datastore.token_types import TOKEN_TYPES, TokenTypes, classify, token_texts


@pytest.mark.parametrize(
    ("text", "language", "kind"),
    [
        (" local", "lua", "keyword"),
        ("def", "python", "keyword"),
        ("def", "lua", "identifier"),
        ("local", None, "identifier"),
        ("größe", "lua", "identifier"),
        ("_x1", "lua", "identifier"),
        (" ..", "lua", "operator"),
        ("(a", "lua", "operator"),
        ("12", "lua", "literal"),
        (".5", "lua", "literal"),
        ('"abc', "lua", "literal"),
        ("\n  ", "lua", "whitespace"),
        ("", "lua", "other"),
        ("\ufffd", "lua", "other"),
    ],
)
def test_a_token_is_of_one_type(text, language, kind):
    assert classify(text, language) == kind


def test_each_token_is_decoded_once_a_language_and_counted_as_often_as_it_comes():
    asked = []

    class Words:
        def decode(self, ids):
            asked.extend(ids)
            return ["end", " = ", "x"][ids[0]]

    types = TokenTypes(Words())
    for _ in range(2):
        counts = types.count(np.array([0, 2, 2, 1, 0]), "lua")
    assert dict(zip(TOKEN_TYPES, counts.tolist(), strict=True)) == {
        **dict.fromkeys(TOKEN_TYPES, 0),
        "keyword": 2,
        "operator": 1,
        "identifier": 2,
    }
    assert asked == [0, 1, 2]
    assert types.count(np.array([0]), "python").tolist() == [0, 0, 1, 0, 0, 0]


def test_texts_join_to_what_was_encoded_and_special_tokens_have_none(embedded):
    tokenizer = embedded.tokenizer
    ids = tokenizer("local x = 12\n", add_special_tokens=False)["input_ids"]
    texts = token_texts(tokenizer, [*ids, tokenizer.eos_token_id])
    assert "".join(texts[token] for token in ids) == "local x = 12\n"
    assert texts[tokenizer.eos_token_id] == ""
