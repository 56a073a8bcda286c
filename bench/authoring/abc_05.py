"""Problems of the level of AtCoder Beginner Contest B-C, part 5."""

import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- ladder_07: mixed brackets


def solve_brackets(text: str) -> str:
    code = text.strip()
    partner = {")": "(", "]": "[", "}": "{", ">": "<"}
    open_positions: list[int] = []
    for position, character in enumerate(code):
        if character in partner.values():
            open_positions.append(position)
        elif character in partner:
            if not open_positions or code[open_positions[-1]] != partner[character]:
                return f"BAD {position + 1}"
            open_positions.pop()
    if open_positions:
        return f"OPEN {open_positions[0] + 1}"
    return "OK"


def generate_brackets(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 6), rng.randint(6, 20), rng.randint(20, 60), 800])
    pairs = rng.sample(["()", "[]", "{}", "<>"], k=rng.randint(1, 4))
    code: list[str] = []
    waiting: list[str] = []
    while len(code) + len(waiting) < length:
        action = rng.random()
        if action < 0.2:
            code.append(rng.choice("abc"))
        elif action < 0.6 or not waiting:
            pair = rng.choice(pairs)
            code.append(pair[0])
            waiting.append(pair[1])
        else:
            code.append(waiting.pop())
    code += reversed(waiting)
    if rng.random() < 0.6:
        code[rng.randrange(len(code))] = rng.choice("a()[]{}<>")
    if rng.random() < 0.3:
        del code[rng.randint(1, len(code)) :]
    return "".join(code)


BRACKETS_REFERENCE = """
local s = io.read("*l")
local partner = { [")"] = "(", ["]"] = "[", ["}"] = "{", [">"] = "<" }
local opening = { ["("] = true, ["["] = true, ["{"] = true, ["<"] = true }
local kinds, places = {}, {}
local answer
for i = 1, #s do
  local c = s:sub(i, i)
  if opening[c] then
    kinds[#kinds + 1] = c
    places[#places + 1] = i
  elseif partner[c] then
    if kinds[#kinds] ~= partner[c] then
      answer = "BAD " .. i
      break
    end
    kinds[#kinds] = nil
    places[#places] = nil
  end
end
if not answer then
  if #kinds > 0 then
    answer = "OPEN " .. places[1]
  else
    answer = "OK"
  end
end
print(answer)
"""

BRACKETS = Authored(
    question_id="ladder_07_brackets",
    title="The Editor Underlines",
    difficulty="abc",
    statement="""
An editor checks the brackets in a line of source code S. There are four kinds of pairs: `(` and
`)`, `[` and `]`, `{` and `}`, `<` and `>`. Lower-case letters may stand anywhere and mean nothing.

Brackets have to be nested properly: a closing bracket always closes the latest bracket that was
opened and has not been closed yet, and both have to be of the same kind.

The editor reads the line from left to right and stops at the first closing bracket that breaks the
rule, because nothing is open or because what has to be closed is of another kind. If it gets to the
end of the line but some brackets have not been closed, it underlines the leftmost of them.

Input

The input is given in the following format:

S

Output

- If a closing bracket breaks the rule, print `BAD p`, where p is its position.
- Otherwise, if some brackets stay open, print `OPEN p`, where p is the position of the leftmost of
  them.
- Otherwise print `OK`.

Positions count from 1 and include letters.

Constraints

- S consists of lower-case letters and of the characters `(`, `)`, `[`, `]`, `{`, `}`, `<`, `>`.
- The length of S is between 1 and 2000.

Sample Input 1

f(a[i]){x}

Sample Output 1

OK

Sample Input 2

a[(b])

Sample Output 2

BAD 5

The bracket `(` at position 3 is the latest open one, and `]` does not fit it.

Sample Input 3

<>{([])[x

Sample Output 3

OPEN 3
""",
    oracle=solve_brackets,
    fixed=(
        "f(a[i]){x}",
        "a[(b])",
        "<>{([])[x",
        "abc",
        ")",
        "<",
        "()]",
        "((()))[]{}<><>",
        "([)]",
        "xx{{}{}",
        "(()",
        ">a<",
        "({<[" * 100 + "]>})" * 100,
    ),
    generate=generate_brackets,
    random_count=16,
    reference=BRACKETS_REFERENCE,
    wrong=(
        # Counts each kind for itself: crossing pairs look right.
        """
local s = io.read("*l")
local kind = { ["("] = 1, ["["] = 2, ["{"] = 3, ["<"] = 4 }
local close = { [")"] = 1, ["]"] = 2, ["}"] = 3, [">"] = 4 }
local places = { {}, {}, {}, {} }
for i = 1, #s do
  local c = s:sub(i, i)
  if kind[c] then
    table.insert(places[kind[c]], i)
  elseif close[c] then
    if not table.remove(places[close[c]]) then
      print("BAD " .. i)
      return
    end
  end
end
local first = math.huge
for k = 1, 4 do
  first = math.min(first, places[k][1] or math.huge)
end
print(first < math.huge and "OPEN " .. first or "OK")
""",
        # Underlines the innermost open bracket.
        slip(BRACKETS_REFERENCE, ("places[1]", "places[#places]")),
        # Underlines the first opening bracket of the line, closed or not.
        slip(
            BRACKETS_REFERENCE,
            ("local answer\n", "local answer, first\n"),
            ("if opening[c] then\n", "if opening[c] then\n    first = first or i\n"),
            ("places[1]", "first"),
        ),
    ),
    tags=("stack", "strings"),
)

PROBLEMS = (BRACKETS,)
