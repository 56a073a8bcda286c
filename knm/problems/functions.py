"""Problems that ask for a function in Lua, in the shape of MultiPL-E's sets.

A row has a `name`, a `prompt` that ends within the function to be written, `tests` that call it
through the library luaunit, and `stop_tokens` behind which a continuation no longer belongs to it.
The tests are run in the program's own process, behind it: a program could find them there, as it
can wherever functions are tested so. It does not pass by leaving early: `PASSED` is written last.
"""

import re
from collections.abc import Sequence
from typing import Final

from knm.problems.extraction import extract_block
from knm.problems.records import BrokenProblem, Problem
from knm.testcases import TestCase

PASSED: Final = "all tests passed"

# One line, so that the lines of a program keep their numbers. What the program prints is dropped:
# of a function only its values are judged. An assertion that fails ends as wrong output, which says
# what was expected; an error of the program's own goes on to the interpreter, as ever.
_LUAUNIT: Final = " ".join(
    line.strip()
    for line in f"""
    do
      local file = getmetatable(io.stdout).__index
      local out, put, flush, exit = io.stdout, file.write, file.flush, os.exit
      print = function() end
      io.write = function() return out end
      file.write = function(self) return self end
      local Failure = {{}}
      local function show(value, depth)
        if type(value) == "string" then return string.format("%q", value) end
        if type(value) ~= "table" or depth > 4 then return tostring(value) end
        local parts, seen = {{}}, 0
        for key, item in pairs(value) do
          seen = seen + 1
          if seen > 50 then parts[#parts + 1] = "..." break end
          local name = type(key) == "number" and "" or tostring(key) .. " = "
          parts[#parts + 1] = name .. show(item, depth + 1)
        end
        return "{{" .. table.concat(parts, ", ") .. "}}"
      end
      local function same(a, b, pairs_seen)
        if a == b then return true end
        if type(a) ~= "table" or type(b) ~= "table" then return false end
        pairs_seen = pairs_seen or {{}}
        pairs_seen[a] = pairs_seen[a] or {{}}
        if pairs_seen[a][b] then return true end
        pairs_seen[a][b] = true
        for key, item in pairs(a) do
          if type(key) ~= "table" and not same(item, b[key], pairs_seen) then return false end
        end
        for key in pairs(b) do if a[key] == nil then return false end end
        return true
      end
      local function fail(text) error(setmetatable({{text = text}}, Failure), 0) end
      local function check(right, found, expected)
        if not right then
          fail("expected " .. show(expected, 0) .. ", found " .. show(found, 0))
        end
      end
      local lu = {{}}
      function lu.assertEquals(found, expected) check(same(found, expected), found, expected) end
      function lu.assertNotEquals(found, other)
        if same(found, other) then fail("expected something else than " .. show(other, 0)) end
      end
      function lu.assertAlmostEquals(found, expected, margin)
        local near = type(found) == "number" and math.abs(found - expected) <= (margin or 1e-12)
        check(near, found, expected)
      end
      function lu.assertTrue(found) check(found == true, found, true) end
      function lu.assertFalse(found) check(found == false, found, false) end
      function lu.assertNil(found) check(found == nil, found, nil) end
      function lu.assertNotNil(found) if found == nil then fail("expected no nil") end end
      function lu.assertError(called, ...)
        if pcall(called, ...) then fail("expected an error") end
      end
      lu.assert_equals, lu.assertIsTrue, lu.assertIsFalse = lu.assertEquals, lu.assertTrue,
        lu.assertFalse
      lu.assertIsNil, lu.assertItemsEquals = lu.assertNil, lu.assertEquals
      lu.LuaUnit = {{}}
      local function attempt(name, called, owner)
        local good, problem = pcall(called, owner)
        if good then return end
        if getmetatable(problem) ~= Failure then error(problem, 0) end
        put(out, name, ": ", problem.text, "\\n")
        flush(out)
        exit(0)
      end
      local function tests_of(holder)
        local names = {{}}
        for name, item in pairs(holder) do
          if type(name) == "string" and name:find("^[Tt]est") then names[#names + 1] = name end
        end
        table.sort(names)
        return names
      end
      function lu.LuaUnit.run()
        for _, name in ipairs(tests_of(_G)) do
          local item = _G[name]
          if type(item) == "function" then attempt(name, item) end
          if type(item) == "table" then
            for _, inner in ipairs(tests_of(item)) do
              if item.setUp then attempt(name, item.setUp, item) end
              attempt(name .. "." .. inner, item[inner], item)
            end
          end
        end
        put(out, "{PASSED}\\n")
        flush(out)
        return 0
      end
      package.preload.luaunit = function() return lu end
    end
    """.splitlines()
).strip()

_FUNCTION: Final = re.compile(r"function\s+([\w.:]+)\s*\(")


def decode_tests(text: str) -> tuple[TestCase, ...]:
    """The one test of a problem: its input is what stands behind the program.

    Raises:
        BrokenProblem: there are no tests.
    """
    if not text.strip():
        raise BrokenProblem("there are no tests")
    return (TestCase(input=text, output=PASSED),)


def find_program(problem: Problem, text: str, language: str) -> str | None:
    """The function with what stands before it; None where a model wrote nothing.

    A fenced block that defines the function is all of it; another one, or a text without any, goes
    on where the prompt ends, up to the first of the problem's stop tokens.

    Raises:
        UserError: the language is unknown.
    """
    prompt = problem.question_content
    block = extract_block(text, language)
    written = text if block is None else block
    if not written.strip():
        return None
    names = _FUNCTION.findall(prompt)
    if names and names[-1] in _FUNCTION.findall(written):
        return written
    if block is None:
        places = [place for stop in problem.stop if (place := written.find(stop)) >= 0]
        written = written[: min(places, default=len(written))]
    return prompt + written


def assemble(program: str, tests: Sequence[TestCase]) -> tuple[str, Sequence[TestCase]]:
    """The program between the library that its tests ask for and the tests."""
    (test,) = tests
    return f"{_LUAUNIT} {program}\n{test.input}", (TestCase(input="", output=test.output),)
