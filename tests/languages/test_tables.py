import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models

from knm.errors import UserError
from knm.languages.lexer import open_lexer
from knm.languages.machine import BYTES, TokenType
from knm.languages.tables import compile_tables
from knm.languages.vocabulary import token_bytes, token_texts
from knm.problems import fence_program
from tests.languages.test_lexer import PIECES

TOKENS = tuple(
    dict.fromkeys(
        [*(piece.encode() for piece in PIECES["lua"]), b"```lua\n", b"\n```", b"`", b"", b" end\n"]
    )
)


@settings(max_examples=100, deadline=None)
@given(tokens=st.lists(st.integers(0, len(TOKENS) - 1), max_size=40))
def test_token_by_token_is_byte_by_byte(tokens):
    tables, lexer = compile_tables("lua", TOKENS), open_lexer("lua")
    state = expected = 0
    for token in tokens:
        kind = tables.types[state, token]
        state = int(tables.following[state, token])
        expected, expected_kind = lexer.step(expected, TOKENS[token])
        assert state == expected
        assert kind == (TokenType.OUTSIDE if expected_kind is None else expected_kind)


def test_every_state_and_token_is_as_the_machine_reads_it():
    draw = np.random.default_rng(0)
    tokens = tuple(draw.bytes(int(length)) for length in draw.integers(0, 9, 40))
    tables, lexer = compile_tables("python", tokens), open_lexer("python")
    for state in range(len(lexer.types)):
        for place, token in enumerate(tokens):
            following, kind = lexer.step(state, token)
            assert tables.following[state, place] == following
            assert tables.types[state, place] == (kind or TokenType.OUTSIDE)


def test_no_tokens_make_empty_tables():
    assert compile_tables("lua", ()).following.shape[1] == 0


def test_a_language_without_a_lexer_is_told_how_to_get_one(tmp_path):
    with pytest.raises(UserError, match="unknown language 'cobol'; choose from c, java, lua"):
        compile_tables("cobol", ())
    own = tmp_path / "own.yaml"
    own.write_text("prompt: {display: Own, fence: own}")
    with pytest.raises(
        UserError, match="under `lexer`, or choose one of c, java, lua, lua5.4, python"
    ):
        compile_tables(str(own), ())


def test_the_bytes_of_tokens_are_those_of_the_text(embedded):
    tokenizer = embedded.tokenizer
    texts = token_bytes(tokenizer, embedded.identity.vocab_size)
    text = fence_program("local größe = '日本' -- \t\u00a0x\nprint(größe)")
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    assert b"".join(texts[token] for token in ids) == text.encode()
    assert set(texts) >= {bytes([byte]) for byte in range(BYTES)}
    assert all(texts[token] == b"" for token in tokenizer.all_special_ids)


def test_texts_join_to_what_was_encoded(embedded):
    tokenizer = embedded.tokenizer
    ids = tokenizer("local x = 12\n", add_special_tokens=False)["input_ids"]
    texts = token_texts(tokenizer.backend_tokenizer, [*ids, tokenizer.eos_token_id])
    assert "".join(texts[token] for token in ids) == "local x = 12\n"
    assert texts[tokenizer.eos_token_id] == ""


class Wrapped:
    name_or_path = "given"

    def __init__(self, decoder) -> None:
        vocabulary = {"\u2581end": 0, "<0x0A>": 1, "x": 2}
        self.backend_tokenizer = Tokenizer(models.WordLevel(vocabulary, "x"))
        self.backend_tokenizer.decoder = decoder


def test_tokens_of_sentence_piece_write_spaces_and_bytes():
    parts = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer = Wrapped(decoders.Sequence(parts))
    assert token_bytes(tokenizer, 5) == (b" end", b"\n", b"x", b"", b"")


@pytest.mark.parametrize("tokenizer", [Wrapped(decoders.WordPiece()), Wrapped(None), object()])
def test_tokens_without_bytes_are_refused(tokenizer):
    with pytest.raises(UserError, match="no lexer can follow its tokens: leave token_types out"):
        token_bytes(tokenizer, 3)
