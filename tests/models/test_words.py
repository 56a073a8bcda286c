import numpy as np

from knm.models.words import token_words


class Texts:
    """A tokenizer whose tokens write these texts."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts

    def __len__(self) -> int:
        return len(self.texts)

    def batch_decode(self, batch: list[list[int]]) -> list[str]:
        return ["".join(self.texts[token] for token in tokens) for tokens in batch]


def test_spaces_around_a_word_do_not_matter_and_nothing_else_is_ignored():
    tokenizer = Texts("x", " x", "X", "x\n", "x y", " ", "\n", " ", "\ufffd", "\ufffd", "", "")
    words = token_words(tokenizer, 14)
    assert words.tolist() == [0, 0, 2, 0, 4, 5, 6, 5, 8, 9, 10, 11, 12, 13]
    assert token_words(tokenizer, 3).tolist() == [0, 0, 2]


def test_a_word_is_its_own_first_token(embedded):
    tokenizer = embedded.tokenizer
    words = token_words(tokenizer, embedded.identity.vocab_size)
    assert np.array_equal(words[words], words)
    assert len(set(words)) < len(words)
    for token in np.random.default_rng(0).choice(len(tokenizer), 200, replace=False):
        one, other = (tokenizer.decode([each]).strip() for each in (token, words[token]))
        assert one == other
