import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.corpora import load_corpus
from knm.languages.lexer import open_lexer
from knm.languages.machine import TokenType
from knm.packaged import EMBEDDED_CORPUS
from tests.languages.reference import LANGUAGES, type_of

FENCES = {"lua": b"```lua\n", "python": b"```python\n", "c": b"```c\n", "java": b"```java\n"}
PIECES = {
    "lua": [
        "local", "en", "d", "x1", "_", "é", " ", "\t", "\n", "=", "==", "-", "--", "[", "]", "[[",
        "]]", "[=[", "]=]", "]==]", "[==[", "[===[", '"', "'", "\\", "0", "7", "0x", "e", "p", "+",
        ".", "..", "...", "(", "#", ";", "\r\n", "--[[", "--[", "~=", "/",
    ],
    "python": [
        "def", "i", "n", "x1", "_", "é", " ", "\n", "=", "#", "'", '"', "''", "'''", '"""', "\\",
        "0", "7", "0x", "e", "+", "-", ".", "(", "f", "]", "@", "!=",
    ],
    "c": [
        "int", "i", "f", "x1", "_", "é", " ", "\n", "=", "#", "'", '"', "\\", "/", "*", "//", "/*",
        "*/", "/*/", "0", "7", "0x", "e", "p", "+", "-", ".", "...", "(", "]", "!=", "\\\n",
    ],
    "java": [
        "int", "i", "f", "x1", "_", "é", " ", "\n", "=", "@", "'", '"', '""', '"""', "\\", "/", "*",
        "//", "/*", "*/", "/*/", "0", "7", "0x", "e", "p", "L", "+", "-", ".", "...", "(", ">>",
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_types_are_those_of_a_plain_lexer_wherever_a_text_is_cut(language, data):
    pieces = data.draw(st.lists(st.sampled_from(PIECES[language]), max_size=25))
    code = "".join(pieces).encode()
    cuts = data.draw(st.lists(st.integers(0, len(code)), max_size=8))
    check(language, code, sorted({0, len(code), *cuts}))


def test_types_agree_on_real_programs():
    draw = random.Random(0)
    records = load_corpus(EMBEDDED_CORPUS / "dev.jsonl")
    for record in draw.sample(records, 12):
        code = record.program.encode()
        check("lua", code, sorted({0, len(code), *draw.sample(range(len(code)), 40)}))


def check(language: str, code: bytes, cuts: list[int]) -> None:
    lexer = open_lexer(language)
    state, _ = lexer.step(0, FENCES[language])
    for start, end in pairwise(cuts):
        state, kind = lexer.step(state, code[start:end])
        assert kind == type_of(language, code[:start], code[start:end]), (code[:start], start, end)


def types(language: str, *tokens: str) -> list[str]:
    lexer, state, found = open_lexer(language), 0, []
    for token in tokens:
        state, kind = lexer.step(state, token.encode())
        assert kind is not None
        found.append(kind.label)
    return found


def test_code_is_what_stands_between_fences():
    assert types("lua", "Here:\n", "```lua\n", "local", " x", "\n", "```", "\nSo it is") == [
        "outside", "outside", "keyword", "identifier", "whitespace", "outside", "outside",
    ]  # fmt: skip


@pytest.mark.parametrize("opening", ["```\n", "````lua\n", "a\n  ``` lua\n", "x `y` ``\n```lua\n"])
def test_every_fence_opens_a_block(opening):
    assert types("lua", opening, "end")[1] == "keyword"


@pytest.mark.parametrize("prose", ["```lua``` is\n", "a ```lua\n", "``\n", "`x`\n"])
def test_inline_code_opens_none(prose):
    assert types("lua", prose, "end")[1] == "outside"


def test_a_fence_with_more_on_its_line_opens_the_next_block():
    assert types("lua", "```lua\nx\n", "```lua\n", "end")[2] == "keyword"


def test_a_token_may_become_a_keyword_and_cease_to_be_one():
    assert types("lua", "```lua\n", "en", "d", "s") == [
        "outside", "identifier", "keyword", "identifier",
    ]  # fmt: skip


def test_a_token_has_the_type_of_its_first_lexeme_but_whitespace():
    assert types("python", "```python\n", "\n  return x", "(x,", " 'a'+b", "#") == [
        "outside", "keyword", "operator", "literal", "comment",
    ]  # fmt: skip


def test_an_empty_text_has_no_type():
    assert open_lexer("lua").step(5, b"") == (5, None)


def test_bytes_beyond_ascii_are_names_in_code():
    assert types("lua", "```lua\n", "größe", "='ö'") == ["outside", "identifier", "operator"]
    assert open_lexer("lua").step(0, "```\né".encode())[1] is TokenType.OUTSIDE
