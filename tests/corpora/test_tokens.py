import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.corpora.tokens import lex
from tests.corpora.corpora import LOOP, OTHER


def tokens(text: str) -> list[str]:
    lexed = lex([text])
    return [lexed.vocabulary[place] for place in lexed.ids]


def renamed(*texts: str) -> list[list[int]]:
    lexed = lex(texts)
    return [part.tolist() for part in np.split(lexed.renamed_hashes, lexed.starts[1:-1])]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x=1--c\ny = 2.5", ["x", "=", "1", "y", "=", "2.5"]),
        ("--[[ long\ncomment ]] f(a)", ["f", "(", "a", ")"]),
        ("s = 'it\\'s' .. \"--no\"", ["s", "=", "'it\\'s'", "..", '"--no"']),
        ("a~=b==c", ["a", "~=", "b", "==", "c"]),
        ("", []),
    ],
)
def test_comments_and_white_space_are_no_tokens(text, expected):
    assert tokens(text) == expected


def test_renaming_forgets_what_variables_are_called():
    first, second, third = renamed(
        "local a = 1 print(a)", "local b = 1 print(b)", "local b = 1 print(c)"
    )
    assert first == second
    assert first != third


def test_renaming_keeps_fields_methods_keywords_and_the_language():
    texts = ["s:upper()", "s:lower()", "t.x", "t.y", "print(1)", "error(1)", "local q", "return q"]
    assert len({tuple(part) for part in renamed(*texts)}) == len(texts)


def test_names_are_counted_afresh_in_each_program():
    assert renamed("local a, b = b", "local c, d = d")[0] == renamed(OTHER, "local x, y = y")[1]


@given(st.lists(st.text(alphabet="ab .:=(\n-'\"", max_size=20), max_size=6))
def test_texts_do_not_depend_on_their_neighbours(texts):
    together = renamed(*texts) if texts else []
    assert together == [renamed(text)[0] for text in texts]


def test_hashes_depend_on_the_token_alone():
    alone, later = lex([LOOP]), lex([OTHER, LOOP])
    assert alone.hashes.tolist() == later.hashes[later.starts[1] :].tolist()
