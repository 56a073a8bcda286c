import pytest

from knm.corpora import CorpusRecord
from knm.errors import UserError
from knm.models import encode_corpus, encode_example, encode_prompt
from knm.problems import load_template


def test_an_example_is_the_prompt_the_completion_and_the_end(embedded):
    example = encode_example(embedded.tokenizer, "r", "Add two numbers.", "print(1)")
    prompt = encode_prompt(embedded.tokenizer, "Add two numbers.")
    assert list(example.ids[: example.target_start]) == prompt
    assert example.ids[-1] == embedded.tokenizer.eos_token_id
    assert embedded.tokenizer.decode(example.ids[example.target_start : -1]) == "print(1)"


def test_the_prompt_opens_the_answer_of_the_assistant(embedded):
    text = embedded.tokenizer.decode(encode_prompt(embedded.tokenizer, "Add."))
    assert text == "<|user|>Add.<|end|><|assistant|>"


def test_a_corpus_is_encoded_as_it_will_be_decoded(embedded):
    record = CorpusRecord("a", "Add.", "print(1)\n", "lua", "test")
    (example,) = encode_corpus(embedded.tokenizer, [record], load_template("task"))
    text = embedded.tokenizer.decode(example.ids)
    assert "# Problem\nAdd.\n" in text
    assert text.endswith("<|assistant|>```lua\nprint(1)\n```<|end|>")


def test_a_record_in_a_language_that_nobody_knows_is_named(embedded):
    record = CorpusRecord("r7", "Add.", "print(1)\n", "klingon", "test")
    with pytest.raises(UserError, match="corpus record r7: .*klingon.*choose from"):
        encode_corpus(embedded.tokenizer, [record], load_template("task"))


def test_a_tokenizer_without_a_chat_template_is_refused(embedded, monkeypatch):
    monkeypatch.setattr(embedded.tokenizer, "chat_template", None)
    with pytest.raises(UserError, match="chat template"):
        encode_prompt(embedded.tokenizer, "Add.")


def test_a_tokenizer_that_names_no_end_is_refused_saying_what_is_missing(embedded, monkeypatch):
    monkeypatch.setattr(embedded.tokenizer, "_special_tokens_map", {"eos_token": None})
    record = CorpusRecord("a", "Add.", "print(1)\n", "lua", "test")
    for encode in (
        lambda: encode_corpus(embedded.tokenizer, [record], load_template("task")),
        lambda: encode_example(embedded.tokenizer, "r", "Add.", "print(1)"),
    ):
        with pytest.raises(UserError, match=r"names no end token; add .*tokenizer_config\.json"):
            encode()
    assert encode_prompt(embedded.tokenizer, "Add.")
