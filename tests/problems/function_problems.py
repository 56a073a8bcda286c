"""Problems of ours that ask for functions, in the shape of MultiPL-E's rows, with solutions."""

from typing import Any

STOPS = ["\nlocal", "\nfunction", "\n--", "\n\n"]


def row(name: str, prompt: str, checks: str, **extras: Any) -> dict[str, Any]:
    function = prompt.rpartition("function ")[2].partition("(")[0]
    tests = (
        f"lu = require('luaunit')\n\nfunction test_humaneval()\nlocal candidate = {function}\n"
        f"{checks}\nend\n\nos.exit(lu.LuaUnit.run())"
    )
    return {
        "name": name,
        "language": "lua",
        "prompt": prompt,
        "tests": tests,
        "stop_tokens": STOPS,
        **extras,
    }


DOUBLE = row(
    "own_1_double",
    "-- Double every number of a table.\nlocal function double_all(xs)\n",
    "    lu.assertEquals(candidate({1, 2, 3}), {2, 4, 6})\n    lu.assertEquals(candidate({}), {})",
)
COUNT = row(
    "own_2_count",
    "-- Count how often each word occurs.\nlocal function count_words(text)\n",
    "    lu.assertEquals(candidate('a b a'), {['a'] = 2, ['b'] = 1})\n"
    "    lu.assertEquals(candidate(''), {})",
)
NESTED = row(
    "own_3_pairs",
    "-- Pair each number with its square.\nlocal function squares(n)\n",
    "    lu.assertEquals(candidate(2), {{1, 1}, {2, 4}})",
)
SIGN = row(
    "own_4_sign",
    "-- Tell the sign of a number; nil of 0.\nlocal function sign(n)\n",
    "    lu.assertEquals(candidate(-3), 'minus')\n    lu.assertEquals(candidate(0), nil)\n"
    "    lu.assertAlmostEquals(0.1 + 0.2, 0.3, 1e-9)",
)
SOLVED: list[tuple[dict[str, Any], str]] = [
    (
        DOUBLE,
        "  local out = {}\n  for i, x in ipairs(xs) do out[i] = 2 * x end\n  return out\nend",
    ),
    (
        COUNT,
        "  local found = {}\n  for word in text:gmatch('%S+') do\n"
        "    found[word] = (found[word] or 0) + 1\n  end\n  return found\nend",
    ),
    (
        NESTED,
        "  local out = {}\n  for i = 1, n do out[#out + 1] = {i, i * i} end\n  return out\nend",
    ),
    (
        SIGN,
        "  print('asked for', n)\n  if n == 0 then return nil end\n"
        "  return n < 0 and 'minus' or 'plus'\nend",
    ),
]
