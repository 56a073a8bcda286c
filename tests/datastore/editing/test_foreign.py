import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.editing.foreign import blank_program, foreign_entries, foreign_spans
from knm.errors import UserError
from knm.languages.language import lexer_rules
from knm.models import EncodedExample
from tests.datastore.editing.stores import written

LUA = """```lua
-- a != b, x += 1, def f(x): in a comment
--[[ import os
     elif ]]
local s, t = "http://x // y", 'f"not x != 1" True'
local u = [==[ lambda x: None ]==]
local function f(a, b) if a ~= b and not (#s >= 3) then return a .. b end end
for i = 1, #t do t[i] = t[i] ^ 2 % 7 - -1 end
while n<=3 and m>=2 do n = n+1; m=m-1 end
repeat local q = (a==b) or a<b until q
obj:method(1):other{2}  goto continue ::continue::
io.write(string.format("%d", #s - 1), "\\n") print(f(1), class, import)
```"""


def matched(line: str) -> list[str]:
    return [line[begin:end] for begin, end in foreign_spans(line)]


@pytest.mark.parametrize(
    "line",
    [
        "def solve(n):",
        "class Node:",
        "import sys",
        "from math import gcd",
        "elif n > 3:",
        "    for i in range(3):",
        "else:",
        "f = lambda x: x",
        "return None",
        "while True do",
        'print(f"{n}")',
        "if a != b then",
        "x += 1",
        "x //= 2",
        "local h = n // 2",
        "local p = n ** 2",
        "if a && b then",
        "i++",
        "#include <vector>",
        "```python",
    ],
)
def test_syntax_of_other_languages_is_found(line):
    assert matched(line)


def test_lua_is_not():
    assert matched(LUA) == []


def test_each_language_says_itself_what_is_foreign(tmp_path):
    assert foreign_spans("local h = n // 2", "lua5.4") == []
    assert foreign_spans("local p = n ** 2", "lua5.4")
    assert foreign_spans("x += 1  # a != b", "python") == []
    own = tmp_path / "own.yaml"
    own.write_text("lexer: {comments: ['%']}\nforeign: {semicolon: ';'}")
    assert foreign_spans("a % b; c\nd; e", str(own)) == [(10, 13)]


def test_what_stands_before_on_the_line_stays():
    assert matched("local a = b // 2\nlocal c = 1") == ["// 2"]


@given(st.text(alphabet="-[]=\"'\\\na f", max_size=60))
def test_blanking_keeps_length_and_lines(text):
    rules = lexer_rules("lua")
    assert rules is not None
    blank = blank_program(text, rules)
    assert len(blank) == len(text)
    assert [n for n, c in enumerate(blank) if c == "\n"] == [
        n for n, c in enumerate(text) if c == "\n"
    ]


PIECES = ["local", " a", " =", " b", " //", " 2", "\n", "return", " a", ""]
TEXTS = dict(enumerate(PIECES))


def test_the_value_and_what_follows_on_its_line_are_foreign(tmp_path):
    store = written(tmp_path / "store", np.ones((10, 2)), range(10))
    assert foreign_entries(store, TEXTS).tolist() == [token in (4, 5) for token in range(10)]


def test_without_the_corpus_a_gap_ends_what_is_known(tmp_path):
    """Mistakes alone: the operator was no mistake, so what follows it looks like Lua."""
    store = written(tmp_path / "store", np.ones((3, 2)), [3, 5, 7], offsets=[3, 5, 7])
    assert foreign_entries(store, TEXTS).tolist() == [False, False, False]
    corpus = {"record-0": EncodedExample("record-0", (*range(10),), 0)}
    assert foreign_entries(store, TEXTS, corpus).tolist() == [False, True, False]


def test_prompts_are_no_program(tmp_path):
    store = written(tmp_path / "store", np.ones((2, 2)), [5, 7], offsets=[5, 7])
    corpus = {"record-0": EncodedExample("record-0", (*range(10),), 5)}
    assert foreign_entries(store, TEXTS, corpus).tolist() == [False, False]


def test_rows_of_several_records_are_read_in_the_order_of_their_text(tmp_path):
    values = [5, 4, 0, 5, 1, 6]
    store = written(
        tmp_path / "store",
        np.ones((6, 2)),
        values,
        records=[0, 0, 1, 1, 0, 0],
        offsets=[5, 4, 0, 1, 7, 6],
    )
    assert foreign_entries(store, TEXTS).tolist() == [True, True, False, False, False, False]


def test_a_corpus_of_something_else_is_refused(tmp_path):
    store = written(tmp_path / "store", np.ones((2, 2)), [5, 7], offsets=[5, 7])
    for corpus in ({}, {"record-0": EncodedExample("record-0", (1, 2, 3), 0)}):
        with pytest.raises(UserError, match="--corpus: record 'record-0' is not what"):
            foreign_entries(store, TEXTS, corpus)
