import pytest

from knm.errors import UserError
from knm.models.tokenization import token_counter


def test_tokens_are_counted_as_the_model_has_them(embedded):
    texts = ["local x = 1", "", "print('ä')\n"]
    encoded = embedded.tokenizer(texts, add_special_tokens=False)["input_ids"]
    assert token_counter("embedded")(texts) == [len(ids) for ids in encoded]


def test_a_model_without_a_tokenizer_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match=r"no tokenizer\.json"):
        token_counter(str(tmp_path))
