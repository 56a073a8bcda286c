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


def test_comments_and_kept_names_are_those_of_each_program_s_language():
    texts = ["x = 1 # c", "i--; f(a) // c", "x = 1 # c"]
    lexed = lex(texts, ["python", "c", "lua"])
    found = [
        [lexed.vocabulary[place] for place in part]
        for part in np.split(lexed.ids, lexed.starts[1:-1])
    ]
    assert found[0] == ["x", "=", "1"]
    assert found[1] == ["i", "-", "-", ";", "f", "(", "a", ")"]
    assert found[2] == ["x", "=", "1", "#", "c"]


def test_a_name_is_kept_only_in_the_language_that_gives_it():
    def same(language: str) -> bool:
        first, second = (lex([text], [language]) for text in ("ipairs(x)", "other(x)"))
        return bool((first.renamed_hashes == second.renamed_hashes).all())

    assert (same("python"), same("lua"), same("nowhere to be found")) == (True, False, False)


def test_programs_of_several_languages_do_not_depend_on_their_neighbours():
    texts, languages = ["len(x) # a", "len(x) -- a", "len(x)"], ["python", "lua", "python"]
    together = lex(texts, languages)
    parts = np.split(together.renamed_hashes, together.starts[1:-1])
    for text, language, part in zip(texts, languages, parts, strict=True):
        assert lex([text], [language]).renamed_hashes.tolist() == part.tolist()
