import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lupa.luajit21 import LuaRuntime

from knm.corpora import load_corpus
from knm.languages.foreign import ForeignSpan, blank_program, foreign_spans
from knm.languages.language import lexer_rules
from knm.packaged import EMBEDDED_CORPUS, UTILITY_CORPUS

LUAJIT = LuaRuntime()

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
    return [line[span.begin : span.end] for span in foreign_spans(line)]


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
        "local n = len(items)",
        "for _, i in ipairs(range(3)) do",
        "local t = [x * 2 for x in items]",
        "local s = sum(int(x) for x in items)",
        "local n = 3  # how many",
        "# reads the input",
    ],
)
def test_syntax_of_other_languages_is_found(line):
    assert matched(line)


def test_lua_is_not():
    assert matched(LUA) == []


def test_a_function_that_the_program_defines_itself_is_its_own():
    for program in (
        "local function len(t) return #t end print(len(x))",
        "local len, n = string.len, 3 print(len(x))",
        "len = string.len\nprint(len(x))",
        "local f = function(t, len) return len(t) end",
        "print(s:len(), string.len(s))",
        "local lambda = {} print(lambda:run(1))",
    ):
        assert matched(program) == []
    assert [span.rule for span in foreign_spans("local n = len(x)")] == ["builtin"]


@pytest.mark.parametrize(
    "path",
    [
        *(EMBEDDED_CORPUS / f"{split}.jsonl" for split in ("train", "dev", "test")),
        UTILITY_CORPUS / "train.jsonl",
    ],
)
def test_no_program_of_the_packaged_corpora_is_foreign(path):
    """Each was accepted by LuaJIT."""
    found = {
        record.id: spans
        for record in load_corpus(path)
        if (spans := foreign_spans(record.program, record.language))
    }
    assert found == {}


NAMES = st.sampled_from(
    ["x", "t", "def", "import", "class", "is", "len", "None", "except", "lambda"]
)
ATOMS = NAMES | st.sampled_from(["1", "0x1p4", "'# a'", '"not in"', "nil", "true", "...", "[[//]]"])


def _joined(*parts):
    """Parts with any blanks or a line end between each two."""
    gaps = st.sampled_from([" ", "  ", "\n", " -- a != b\n"])
    return st.tuples(*parts, *[gaps] * (len(parts) - 1)).map(
        lambda drawn: "".join(
            text + gap
            for text, gap in zip(drawn[: len(parts)], [*drawn[len(parts) :], ""], strict=True)
        )
    )


def _expressions(inner):
    binary = st.sampled_from(["+", "-", "*", "/", "%", "^", "..", "==", "~=", "<=", "and", "or"])
    return st.one_of(
        _joined(inner, binary, inner),
        _joined(st.sampled_from(["#", "-", "not"]), inner),
        _joined(st.just("("), inner, st.just(")")),
        _joined(NAMES, st.just("("), inner, st.just(","), inner, st.just(")")),
        _joined(st.just("{"), inner, st.just(","), NAMES, st.just("="), inner, st.just("}")),
        _joined(NAMES, st.just("["), inner, st.just("]")),
        _joined(NAMES, st.just(":len("), inner, st.just(")")),
        _joined(st.just("function(...) for k, v in"), inner, st.just("do end end")),
    )


EXPRESSIONS = st.recursive(ATOMS, _expressions, max_leaves=8)
STATEMENTS = st.one_of(
    _joined(st.just("local"), NAMES, st.just("="), EXPRESSIONS),
    _joined(NAMES, st.just("="), EXPRESSIONS),
    _joined(
        st.just("if"),
        EXPRESSIONS,
        st.just("then"),
        NAMES,
        st.just("="),
        EXPRESSIONS,
        st.just("end"),
    ),
    _joined(st.just("for k in"), EXPRESSIONS, st.just("do local v ="), EXPRESSIONS, st.just("end")),
    _joined(st.just("while"), EXPRESSIONS, st.just("do break end")),
    _joined(st.just("repeat local u ="), EXPRESSIONS, st.just("until"), EXPRESSIONS),
)
AMBIGUOUS = {"comment"}
"""Documented as such in `knm.languages.foreign`, of whole programs."""
DEFINED = "local x, t, def, import, class, is, len, None, except, lambda\n"


@given(st.lists(STATEMENTS, min_size=1, max_size=4).map("\n".join))
def test_what_luajit_compiles_is_not_foreign_but_for_ambiguous_rules(statements):
    program = DEFINED + statements
    compiled = LUAJIT.eval("function(text) return loadstring(text) ~= nil end")(program)
    assert not compiled or {span.rule for span in foreign_spans(program)} <= AMBIGUOUS


@pytest.mark.parametrize(
    "line",
    [
        "{1, 2}, " * 5000,
        "({[" * 5000,
        '("' + "x" * 20_000 + '")',
        "(" + "x " * 10_000,
        "len(" * 2000,
    ],
)
def test_long_lines_take_no_time(line):
    began = time.process_time()
    foreign_spans(f"local t = {line}")
    assert time.process_time() - began < 2


def test_each_language_says_itself_what_is_foreign(tmp_path):
    assert foreign_spans("local h = n // 2", "lua5.4") == []
    assert foreign_spans("local p = n ** 2", "lua5.4")
    assert foreign_spans("x += 1  # a != b", "python") == []
    own = tmp_path / "own.yaml"
    own.write_text("lexer: {comments: ['%']}\nforeign: {semicolon: ';'}")
    assert foreign_spans("a % b; c\nd; e", str(own)) == [ForeignSpan("semicolon", 10, 13)]


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
