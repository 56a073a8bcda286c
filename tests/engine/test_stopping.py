"""The text of a completion while it grows: the same as of all its tokens, however it is cut."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models

from knm.engine.stopping import Ending, GrowingText, StopRule


def cuts(tokens: list[int], steps: list[int]) -> list[list[int]]:
    """`tokens` as they are after each of these steps, and all of them."""
    ends = [sum(steps[: number + 1]) for number in range(len(steps))]
    return [*(tokens[:end] for end in ends), tokens]


@pytest.fixture(scope="module")
def sentences() -> Tokenizer:
    """As Llama 2's: words hold their space, the first one goes, rare characters are bytes."""
    pieces = ["▁", *(f"<0x{byte:02X}>" for byte in range(256)), "a", "▁b", "é", "\n", "cd"]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [], byte_fallback=True))
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    return tokenizer


@settings(deadline=None)
@given(tokens=st.lists(st.integers(0, 2047), max_size=40), steps=st.lists(st.integers(0, 5)))
def test_any_tokens_of_bytes_are_decoded_alike(embedded, tokens, steps):
    decode = StopRule(embedded.tokenizer, frozenset(), 99).decode
    text = GrowingText(decode)
    for known in cuts(tokens, steps):
        assert text.of(known) == decode(known)


@settings(deadline=None)
@given(
    pieces=st.lists(st.sampled_from(["a", " b", " ", "é", "\n", "cd", "ü", "\N{SNOWMAN}", "🜲"])),
    steps=st.lists(st.integers(0, 3)),
)
def test_so_is_any_text_of_words_with_their_spaces(sentences, pieces, steps):
    table = sentences.get_vocab()
    tokens = []
    for piece in pieces:
        word = piece.replace(" ", "▁")
        found = [word] if word in table else [f"<0x{byte:02X}>" for byte in piece.encode()]
        tokens += [table[each] for each in found]
    text, whole = GrowingText(sentences.decode), sentences.decode(tokens)
    assert whole == "".join(pieces).removeprefix(" ")
    # Within a character this tokenizer takes back the ones before it, if they are bytes too.
    for known in cuts(tokens, steps):
        assert whole.startswith(text.of(known).rstrip("\N{REPLACEMENT CHARACTER}"))
    assert text.of(tokens) == whole


@settings(deadline=None)
@given(
    pieces=st.lists(st.sampled_from(["a", "▁b", "▁", "<0x41>", "<unk>", "<s>"])),
    steps=st.lists(st.integers(0, 3)),
)
@example(pieces=["a", "<s>", "▁b"], steps=[1, 1, 1])
def test_so_are_words_behind_tokens_that_have_no_text(sentences, pieces, steps):
    """Special tokens are left out, and a text's first word loses its space: only the first."""
    marked = Tokenizer.from_str(sentences.to_str())
    marked.add_special_tokens(["<unk>", "<s>"])
    tokens = [marked.get_vocab()[piece] for piece in pieces]
    text = GrowingText(marked.decode)
    for known in cuts(tokens, steps):
        assert text.of(known) == marked.decode(known)


def test_a_stop_string_behind_a_token_that_has_no_text_ends_the_completion(sentences):
    marked = Tokenizer.from_str(sentences.to_str())
    marked.add_special_tokens(["<s>"])
    tokenizer: Any = SimpleNamespace(decode=lambda tokens, **_: marked.decode(tokens))
    tokens = [marked.get_vocab()[piece] for piece in ["a", "<s>", "▁b", "a"]]
    rule = StopRule(tokenizer, frozenset(), 99, ["a b"])
    ends = [rule.ending(tokens[:count], count - 1) for count in range(1, 4)]
    assert ends == [None, None, Ending(3, "", "stop")]


def test_a_rule_that_starts_over_reads_other_tokens_though_they_are_as_many():
    tokenizer: Any = SimpleNamespace(decode=lambda tokens, **_: "".join(map(chr, tokens)))
    rule = StopRule(tokenizer, frozenset(), 99, ["xyz"])
    assert rule.ending([97, 98, 99]) is None
    rule.restart()
    assert rule.settled([100, 101, 102]) == "def"
    assert rule.ending([100, 101, 102, 120, 121, 122], 3) == Ending(6, "def", "stop")


def test_what_starts_over_is_decoded_from_the_start():
    text = GrowingText(lambda tokens: "".join(chr(97 + token) for token in tokens))
    assert [text.of(tokens) for tokens in ([0, 1], [0, 1, 2], [3], [3, 4])] == [
        *("ab", "abc", "d", "de")
    ]


def test_a_look_at_a_long_text_decodes_only_its_end():
    seen = []

    def decode(tokens: Any) -> str:
        seen.append(len(tokens))
        return "x" * len(tokens)

    text = GrowingText(decode)
    for count in range(4, 4000, 4):
        assert len(text.of(list(range(count)))) == count
    assert max(seen) == 8


def test_where_a_tokenizer_mends_spaces_all_is_decoded():
    def decode(tokens, **_):
        return "".join("don' t"[token] for token in tokens).replace("' t", "'t")

    tokenizer: Any = SimpleNamespace(decode=decode, clean_up_tokenization_spaces=True)
    rule = StopRule(tokenizer, frozenset(), 99, ["n't"])
    ends = [rule.ending(list(range(count)), count - 1) for count in range(1, 7)]
    assert ends == [None] * 5 + [Ending(6, "do", "stop")]
