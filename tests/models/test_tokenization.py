import pytest

from knm.errors import UserError
from knm.jsonio import write_json
from knm.models.tokenization import token_counter


def test_tokens_are_counted_as_the_model_has_them(embedded):
    texts = ["local x = 1", "", "print('ä')\n"]
    encoded = embedded.tokenizer(texts, add_special_tokens=False)["input_ids"]
    assert token_counter("embedded")(texts) == [len(ids) for ids in encoded]


def test_tokens_are_counted_by_older_files_too(embedded, tmp_path):
    embedded.tokenizer.backend_tokenizer.model.save(str(tmp_path))
    write_json(tmp_path / "tokenizer_config.json", {"tokenizer_class": "GPT2Tokenizer"})
    assert not (tmp_path / "tokenizer.json").exists()
    assert token_counter(str(tmp_path))(["local x"]) == token_counter("embedded")(["local x"])


def test_a_model_without_a_tokenizer_is_an_error(tmp_path):
    with pytest.raises(UserError, match="its tokenizer cannot be loaded"):
        token_counter(str(tmp_path))
