import pytest

from knm.models.token_types import token_texts, token_type


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("local", "keyword"),
        (" elseif", "keyword"),
        (" nil", "literal"),
        ("true", "literal"),
        (" 3", "literal"),
        ("0x1F", "literal"),
        (".5", "literal"),
        ('"', "literal"),
        (" 'abc", "literal"),
        (" ==", "operator"),
        ("...", "operator"),
        ("():", "operator"),
        (" table", "identifier"),
        ("_G2", "identifier"),
        ("\n    ", "whitespace"),
        (" ", "whitespace"),
        ("", "other"),
        ("```", "other"),
        ("\ufffd", "other"),
        ("é", "other"),
    ],
)
def test_a_token_is_typed_by_its_text(text, kind):
    assert token_type(text) == kind


def test_texts_join_to_what_was_encoded(embedded):
    tokenizer = embedded.tokenizer
    ids = tokenizer("local x = 12\n", add_special_tokens=False)["input_ids"]
    texts = token_texts(tokenizer.backend_tokenizer, [*ids, tokenizer.eos_token_id])
    assert "".join(texts[token] for token in ids) == "local x = 12\n"
    assert texts[tokenizer.eos_token_id] == ""
