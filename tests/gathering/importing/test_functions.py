import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.gathering.importing.functions import _parser, find_functions

SOURCE = """\
#!/usr/bin/env lua
-- Licence of the file.

--- Adds two numbers.
-- @param a number
local function add(a, b)
  local function inner() return a end
  return inner() + b
end

local x = 1 -- the end of a line
function M.sub(a, b) return a - b end

--[[ Of an object. ]]
function Account:deposit(v) self.balance = self.balance + v end

local twice = function(n) return 2 * n end
M.half = function(n) return n / 2 end
call(function() return 1 end)
local t = { field = function() end, 1 }
local p, q = function() end, 2
if debug then
    -- Indented.
    function trace()
        print(1)
    end
end
-- Last.
return function(n) return n end
"""


def test_functions_with_a_statement_of_their_own_are_found():
    found = list(find_functions(SOURCE))
    assert [(one.name, one.comment) for one in found] == [
        ("add", "Adds two numbers.\n@param a number"),
        ("M.sub", ""),
        ("Account:deposit", "Of an object."),
        ("twice", ""),
        ("M.half", ""),
        ("trace", "Indented."),
        ("", "Last."),
    ]
    assert found[0].text == "\n".join(SOURCE.splitlines()[5:9]) + "\n"
    assert (found[0].line, found[0].column) == (6, 1)
    assert found[5].text == "function trace()\n    print(1)\nend\n"
    assert not any(one.broken for one in found)


def test_what_does_not_parse_is_told_and_the_rest_is_found():
    found = {
        one.name: one for one in find_functions("function f() return = 1 end\nfunction g() end")
    }
    assert found["f"].broken
    assert not found["g"].broken


def test_bytes_before_a_function_do_not_move_it():
    (found,) = find_functions('local s = "\xe9\u20ac\U0001f600"; local function f() return s end')
    assert found.text == "local function f() return s end\n"


def test_texts_of_many_lines_are_left_as_they_are():
    (found,) = find_functions("do\n    function f()\n        return [[\n    kept\n]]\n    end\nend")
    assert "\n    kept\n" in found.text


@given(
    st.lists(st.sampled_from([*"(){}=,.;\n ", "function", "end", "f", "local", "--x\n", "return"]))
)
def test_any_text_gives_functions_that_stand_in_it(parts):
    text = " ".join(parts)
    for function in find_functions(text):
        assert function.text.split() == [word for word in function.text.split() if word in text]
        assert 1 <= function.line <= text.count("\n") + 1


def test_without_the_grammar_it_is_told_what_to_install(monkeypatch):
    _parser.cache_clear()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "tree_sitter_lua", None)
        with pytest.raises(UserError, match=r"knm\[import\]"):
            list(find_functions("function f() end"))
    assert len(list(find_functions("function f() end"))) == 1


def test_deep_nesting_is_no_trouble():
    assert list(find_functions("x = " + "(" * 3000 + "1" + ")" * 3000)) == []
