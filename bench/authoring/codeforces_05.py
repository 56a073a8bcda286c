"""Problems of the level of Codeforces 1000-1400, part 5."""

import random
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import batch, integers, row

# --- climb_07_brackets ----------------------------------------------------------------------


def fewest_flips(text: str) -> int:
    """Least changes per height of the bracket walk, character by character."""
    best = {0: 0}
    for char in text:
        after: dict[int, int] = {}
        for height, flips in best.items():
            for step, kind in ((1, "("), (-1, ")")):
                if height + step >= 0:
                    cost = flips + (char != kind)
                    after[height + step] = min(cost, after.get(height + step, cost))
        best = after
    return best.get(0, -1)


def brackets_generate(rng: random.Random) -> str:
    def case() -> str:
        length = rng.choice((2, 3, 4, 6, 8, 10, 16, 60))
        share = rng.choice((0.2, 0.5, 0.8))
        return "".join("(" if rng.random() < share else ")" for _ in range(length))

    return batch([case() for _ in range(rng.randint(4, 12))])


BRACKETS = Authored(
    question_id="climb_07_brackets",
    title="Bent Brackets",
    difficulty="codeforces",
    statement="""
A blacksmith forges signs out of round brackets. A sign is sound if it is empty, or if it is (X) for
a sound sign X, or if it consists of two sound signs one after the other. He can take one bracket of
a finished sign and bend it around, so that ( becomes ) or ) becomes (. The brackets keep their
places.

How many brackets must he bend at least to make the sign sound?

Input
The first line contains t, the number of signs. Each of the next t lines contains a sign: a
non-empty string of the characters ( and ).

Output
For each sign print the smallest number of brackets to bend, or -1 if the sign cannot become sound.

Constraints
1 <= t <= 50
Each sign has at most 1000 characters, all signs together at most 5000.

Sample Input
5
(())
)(
((((
))(
()))((

Sample Output
0
2
2
-1
2

The last sign becomes ()()() when its third bracket and its last one are bent.
""",
    oracle=lambda text: "\n".join(str(fewest_flips(word)) for word in text.split()[1:]),
    fixed=(
        "5\n(())\n)(\n((((\n))(\n()))((",
        "2\n(\n)",
        "4\n((\n))\n()\n)(",
        "4\n)))(((\n))((\n))))((\n))((((",
        "3\n)))(\n)(((\n)()(",
        "3\n)()(()\n())(()\n))()((",
        "2\n" + "(" * 250 + "\n" + ")" * 125 + "(" * 125,
        "2\n" + ")(" * 120 + "\n" + ")" * 251,
    ),
    generate=brackets_generate,
    random_count=12,
    reference="""
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local sign = io.read("*l")
  local open, unmatched = 0, 0
  for char in sign:gmatch("[()]") do
    if char == "(" then
      open = open + 1
    elseif open > 0 then
      open = open - 1
    else
      unmatched = unmatched + 1
    end
  end
  if (open + unmatched) % 2 == 1 then
    print(-1)
  else
    print(math.ceil(open / 2) + math.ceil(unmatched / 2))
  end
end
""",
    wrong=(
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local sign = io.read("*l")
  local balance = 0
  for char in sign:gmatch("[()]") do
    balance = balance + (char == "(" and 1 or -1)
  end
  if balance % 2 == 1 then
    print(-1)
  else
    print(math.abs(balance) / 2)
  end
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local sign = io.read("*l")
  local open, unmatched = 0, 0
  for char in sign:gmatch("[()]") do
    if char == "(" then
      open = open + 1
    elseif open > 0 then
      open = open - 1
    else
      unmatched = unmatched + 1
    end
  end
  if (open + unmatched) % 2 == 1 then
    print(-1)
  else
    -- forgets that an odd rest on both sides costs one more
    print((open + unmatched) / 2)
  end
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local sign = io.read("*l")
  local open, flips = 0, 0
  for char in sign:gmatch("[()]") do
    if char == "(" then
      open = open + 1
    elseif open > 0 then
      open = open - 1
    else
      flips = flips + 1
      open = open + 1
    end
  end
  print(flips + math.floor(open / 2))
end
""",
    ),
    tags=("strings", "greedy", "stack"),
)


# --- climb_08_bits --------------------------------------------------------------------------


def best_team(text: str) -> str:
    """Keep the machines that have all skills fixed so far; take a skill if k of them have it."""
    numbers = integers(text)
    n, k = next(numbers), next(numbers)
    pool = list(islice(numbers, n))
    answer = 0
    for power in reversed(range(30)):
        having = [value for value in pool if value >> power & 1]
        if len(having) >= k:
            pool = having
            answer += 1 << power
    return str(answer)


def team_generate(rng: random.Random) -> str:
    n = rng.choice((2, 3, 6, 12, 80))
    bits = rng.choice((3, 5, 12, 30))
    values = [rng.getrandbits(bits) | rng.getrandbits(bits) for _ in range(n)]
    k = min(n, rng.choice((1, 2, 2, 3, 4, rng.randint(1, n))))
    return f"{n} {k}\n" + row(values)


TEAM = Authored(
    question_id="climb_08_bits",
    title="What the Whole Team Can Do",
    difficulty="codeforces",
    statement="""
There are 30 skills, numbered 0 to 29, and skill s is worth 2^s points. Each of n robots has some of
the skills; its code number a_i is the sum of what its skills are worth, so the binary digits of a_i
show which skills it has.

You choose a team of exactly k robots. The value of the team is the sum of the points of those
skills that every robot of the team has. In other words, it is the bitwise AND of the k code
numbers. Find the largest possible value.

Input
The first line contains n and k. The second line contains a_1, ..., a_n.

Output
Print the largest value of a team of k robots.

Constraints
1 <= k <= n <= 2000
0 <= a_i < 2^30

Sample Input 1
5 2
12 10 7 9 6

Sample Output 1
8

Sample Input 2
4 3
7 11 13 14

Sample Output 2
8

Sample Input 3
3 1
4 0 19

Sample Output 3
19

In the first sample any two of the robots 12, 10 and 9 share the skill 3, which is worth 8 points.
The robots 7 and 6 share two skills, but these are worth only 2 + 4 points.
""",
    oracle=best_team,
    fixed=(
        "5 2\n12 10 7 9 6",
        "4 3\n7 11 13 14",
        "3 1\n4 0 19",
        "1 1\n0",
        "1 1\n1073741823",
        "4 4\n1073741823 536870912 805306368 1073741822",
        "3 2\n16 15 15",
        "4 2\n1 2 4 8",
        "5 2\n536870912 536870911 536870911 1 0",
        "6 3\n48 40 24 7 7 7",
        "6 3\n48 40 56 7 7 7",
        "500 9\n" + row(i * i * 7919 % 2**30 for i in range(1, 501)),
    ),
    generate=team_generate,
    random_count=14,
    reference="""
local bit = require("bit")

local n, k = io.read("*n", "*n")
local codes = {}
for i = 1, n do
  codes[i] = io.read("*n")
end
local value = 0
for s = 29, 0, -1 do
  local wanted = bit.bor(value, bit.lshift(1, s))
  local count = 0
  for i = 1, n do
    if bit.band(codes[i], wanted) == wanted then
      count = count + 1
    end
  end
  if count >= k then
    value = wanted
  end
end
print(value)
""",
    wrong=(
        """
local bit = require("bit")
local n, k = io.read("*n", "*n")
local codes = {}
for i = 1, n do codes[i] = io.read("*n") end
-- the k largest numbers need not share anything
table.sort(codes, function(a, b) return a > b end)
local value = codes[1]
for i = 2, k do value = bit.band(value, codes[i]) end
print(value)
""",
        """
local bit = require("bit")
local n, k = io.read("*n", "*n")
local codes = {}
for i = 1, n do codes[i] = io.read("*n") end
local value = 0
for s = 29, 0, -1 do
  local skill = bit.lshift(1, s)
  local count = 0
  for i = 1, n do
    if bit.band(codes[i], skill) ~= 0 then count = count + 1 end
  end
  if count >= k then value = value + skill end
end
print(value)
""",
        """
local n, k = io.read("*n", "*n")
local codes = {}
for i = 1, n do codes[i] = io.read("*n") end
local value = 0
for s = 29, 0, -1 do
  local wanted = value + 2 ^ s
  local count = 0
  for i = 1, n do
    if codes[i] & wanted == wanted then count = count + 1 end
  end
  if count >= k then value = wanted end
end
print(value)
""",
    ),
    tags=("bitmasks", "greedy"),
)

PROBLEMS = (
    BRACKETS,
    TEAM,
)
