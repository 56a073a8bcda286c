"""Problems of the level of Codeforces 1000-1400: strings, bits, intervals, simple DP."""

import random
from collections.abc import Iterator
from itertools import islice

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.casetext import answer_each, batch, integers, row

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

# --- climb_09_weights -----------------------------------------------------------------------


def weighable(numbers: Iterator[int]) -> str:
    total, pieces, top = islice(numbers, 3)
    fewest = (total >> top) + (total & ((1 << top) - 1)).bit_count()
    return "YES" if fewest <= pieces <= total else "NO"


def weights_generate(rng: random.Random) -> str:
    def case() -> str:
        bits = rng.choice((3, 5, 10, 33, 49))
        total, top = rng.randint(1, 2**bits), rng.randint(0, bits)
        fewest = (total >> top) + (total % 2**top).bit_count()
        near = (fewest - 1, fewest, fewest + 1, total, total + 1, rng.randint(1, total))
        return row((total, max(1, rng.choice(near)), top))

    return batch([case() for _ in range(rng.randint(3, 15))])


WEIGHTS = Authored(
    question_id="climb_09_weights",
    title="A Box of Weights",
    difficulty="codeforces",
    statement="""
A box holds weights of 1, 2, 4, 8, ..., 2^m grams, as many as you like of each kind. A customer asks
for a pile of exactly k weights whose total is exactly n grams. Is there such a pile?

Input
The first line contains t, the number of customers. Each of the next t lines contains n, k and m.

Output
For each customer print YES or NO.

Constraints
1 <= t <= 100
1 <= n <= 10^15
1 <= k <= 10^15
0 <= m <= 49

Sample Input
5
5 2 10
5 1 10
12 2 2
12 3 2
3 4 5

Sample Output
YES
NO
NO
YES
NO

5 = 1 + 4. With weights of at most 4 grams, 12 grams take at least three weights: 4 + 4 + 4. Four
weights always have at least 4 grams.
""",
    oracle=lambda text: answer_each(text, weighable),
    fixed=(
        "5\n5 2 10\n5 1 10\n12 2 2\n12 3 2\n3 4 5",
        "3\n1 1 0\n1 2 0\n1 1 49",
        "4\n7 7 0\n7 6 0\n7 6 1\n7 3 1",
        "4\n1000000000000000 1000000000000000 0\n1000000000000000 999999999999999 0\n"
        "999999999999999 1000000000000000 49\n1000000000000000 1 49",
        "4\n562949953421312 1 49\n562949953421312 1 48\n562949953421312 2 48\n"
        "562949953421311 49 49",
        "4\n4294967296 1 40\n4294967297 2 40\n4294967295 31 40\n4294967295 32 40",
        "4\n8589934592 1 31\n8589934592 4 31\n8589934592 2 32\n8589934592 1 33",
        "2\n562949953421313 49 49\n999999999999999 100 20",
    ),
    generate=weights_generate,
    random_count=14,
    reference="""
local function fewest(total, top)
  local largest = 2 ^ top
  local count = math.floor(total / largest)
  local rest = total - count * largest
  while rest > 0 do
    count = count + rest % 2
    rest = math.floor(rest / 2)
  end
  return count
end

local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  if fewest(n, m) <= k and k <= n then
    print("YES")
  else
    print("NO")
  end
end
""",
    wrong=(
        """
local bit = require("bit")
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  -- the bit library works on 32 bits only
  local count = bit.rshift(n, m)
  local rest = bit.band(n, bit.lshift(1, m) - 1)
  while rest > 0 do
    count = count + bit.band(rest, 1)
    rest = bit.rshift(rest, 1)
  end
  print((count <= k and k <= n) and "YES" or "NO")
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local count, rest = 0, n
  while rest > 0 do
    count = count + rest % 2
    rest = math.floor(rest / 2)
  end
  print((count <= k and k <= n) and "YES" or "NO")
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local largest = 2 ^ m
  local count = math.floor(n / largest)
  local rest = n % largest
  while rest > 0 do
    count = count + rest % 2
    rest = math.floor(rest / 2)
  end
  print(count <= k and "YES" or "NO")
end
""",
    ),
    tags=("bitmasks", "greedy", "math"),
)

# --- climb_10_intervals ---------------------------------------------------------------------


def rooms_needed(text: str) -> str:
    """A meeting needs a room besides all those that are occupied when it begins."""
    numbers = integers(text)
    n, cleaning = next(numbers), next(numbers)
    meetings = [(next(numbers), next(numbers)) for _ in range(n)]
    return str(
        max(
            sum(begin <= moment < end + cleaning for begin, end in meetings)
            for moment, _ in meetings
        )
    )


def rooms_generate(rng: random.Random) -> str:
    n, day = rng.choice((1, 2, 5, 15, 100)), rng.choice((10, 60, 10**9))
    meetings = []
    for _ in range(n):
        begin = rng.randint(0, day - 1)
        meetings.append((begin, rng.randint(begin + 1, min(day, begin + 1 + day // 5))))
    cleaning = rng.choice((0, 1, 3, day // 10))
    return "\n".join([f"{n} {cleaning}", *map(row, meetings)])


ROOMS = Authored(
    question_id="climb_10_intervals",
    title="Rooms and Brooms",
    difficulty="codeforces",
    statement="""
On one day n meetings take place in a conference centre. Meeting i begins at time s_i and ends at
time e_i. After each meeting its room is cleaned, which takes c units of time; in that time nobody
else can use the room. A meeting may begin in a room at the very moment at which the cleaning of
that room ends (or, if c = 0, at which the meeting before ends).

How many rooms does the centre need at least to host all meetings?

Input
The first line contains n and c. Each of the next n lines contains s_i and e_i.

Output
Print the smallest number of rooms.

Constraints
1 <= n <= 2000
0 <= c <= 10^9
0 <= s_i < e_i <= 10^9

Sample Input 1
4 2
0 5
6 9
7 8
11 12

Sample Output 1
2

Sample Input 2
3 0
4 6
1 4
4 9

Sample Output 2
2

In the first sample the room of the first meeting is ready again at time 7, right for the third
meeting. The last meeting can use either room: one is clean at time 10, the other at time 11.
""",
    oracle=rooms_needed,
    fixed=(
        "4 2\n0 5\n6 9\n7 8\n11 12",
        "3 0\n4 6\n1 4\n4 9",
        "1 1000000000\n0 1000000000",
        "3 1\n0 1\n2 3\n4 5",
        "3 2\n0 1\n2 3\n4 5",
        "4 0\n0 10\n0 10\n0 10\n10 20",
        "3 0\n0 100\n10 20\n30 40",
        "3 15\n0 100\n10 20\n30 40",
        "2 1000000000\n0 1\n999999999 1000000000",
        "300 5\n" + "\n".join(f"{i * 37 % 997} {i * 37 % 997 + 1 + i % 23}" for i in range(300)),
    ),
    generate=rooms_generate,
    random_count=14,
    reference="""
local n, cleaning = io.read("*n", "*n")
local begins, frees = {}, {}
for i = 1, n do
  local s, e = io.read("*n", "*n")
  begins[i] = s
  frees[i] = e + cleaning
end
table.sort(begins)
table.sort(frees)
local next_free, rooms = 1, 0
for i = 1, n do
  if frees[next_free] <= begins[i] then
    next_free = next_free + 1
  else
    rooms = rooms + 1
  end
end
print(rooms)
""",
    wrong=(
        """
local n, cleaning = io.read("*n", "*n")
local begins, frees = {}, {}
for i = 1, n do
  local s, e = io.read("*n", "*n")
  begins[i] = s
  frees[i] = e + cleaning
end
table.sort(begins)
table.sort(frees)
local next_free, rooms = 1, 0
for i = 1, n do
  if frees[next_free] < begins[i] then
    next_free = next_free + 1
  else
    rooms = rooms + 1
  end
end
print(rooms)
""",
        """
local n, cleaning = io.read("*n", "*n")
local meetings = {}
for i = 1, n do
  local s, e = io.read("*n", "*n")
  meetings[i] = {s, e}
end
table.sort(meetings, function(a, b) return a[1] < b[1] end)
-- counts a run of neighbours that overlap
local run, best = 1, 1
for i = 2, n do
  if meetings[i][1] < meetings[i - 1][2] + cleaning then
    run = run + 1
  else
    run = 1
  end
  best = math.max(best, run)
end
print(best)
""",
        """
local n, cleaning = io.read("*n", "*n")
local events = {}
for i = 1, n do
  local s, e = io.read("*n", "*n")
  events[#events + 1] = {s, 1}
  events[#events + 1] = {e, -1}
end
table.sort(events, function(a, b)
  if a[1] == b[1] then return a[2] < b[2] end
  return a[1] < b[1]
end)
local now, best = 0, 0
for _, event in ipairs(events) do
  now = now + event[2]
  best = math.max(best, now)
end
print(best)
""",
    ),
    tags=("intervals", "sorting", "sweep line"),
)

# --- climb_11_dp ----------------------------------------------------------------------------


def best_season(text: str) -> str:
    """Best result of the first i days if day i is a rest, over the length of the run before it."""
    numbers = integers(text)
    n, limit = next(numbers), next(numbers)
    gains = [0, *islice(numbers, n), 0]
    best = [0] + [0] * (n + 1)
    for rest in range(1, n + 2):
        options = []
        for run in range(min(limit, rest - 1) + 1):
            before = rest - run - 1
            options.append(best[before] + sum(gains[before + 1 : rest]))
        best[rest] = max(options)
    return str(best[n + 1])


def season_generate(rng: random.Random) -> str:
    n, top = rng.choice((1, 3, 8, 20, 120)), rng.choice((5, 50, 10**9))
    low = rng.choice((-top, -top // 4, 0))
    limit = min(n, rng.choice((1, 2, 2, 3, 4, 10)))
    return f"{n} {limit}\n" + row(rng.randint(low, top) for _ in range(n))


SEASON = Authored(
    question_id="climb_11_dp",
    title="Days Off in the Season",
    difficulty="codeforces",
    statement="""
A street musician knows for each of the next n days what playing on that day would bring: g_i coins,
or a loss if g_i is negative (the place must be paid for). On each day she plays or rests. The town
does not allow her to play on more than k days in a row. A day of rest brings and costs nothing, and
she may rest as often as she likes.

Find the largest total that she can have after n days.

Input
The first line contains n and k. The second line contains g_1, ..., g_n.

Output
Print the largest total.

Constraints
1 <= n <= 2000
1 <= k <= min(n, 10)
-10^9 <= g_i <= 10^9

Sample Input 1
6 2
4 5 3 -2 7 7

Sample Output 1
23

Sample Input 2
5 3
6 1 8 9 5

Sample Output 2
28

Sample Input 3
2 1
-3 -1

Sample Output 3
0

In the first sample she plays on days 1, 2, 5 and 6. In the second sample she rests on day 2 only.
""",
    oracle=best_season,
    fixed=(
        "6 2\n4 5 3 -2 7 7",
        "5 3\n6 1 8 9 5",
        "2 1\n-3 -1",
        "1 1\n-5",
        "1 1\n5",
        "4 4\n1 2 3 4",
        "4 3\n1 2 3 4",
        "3 2\n5 9 5",
        "7 2\n5 5 1 5 1 5 5",
        "5 2\n9 -1 9 9 -1",
        "6 1\n10 11 10 10 11 10",
        "800 4\n" + row(i * i * 31 % 101 - 20 for i in range(800)),
        "10 10\n" + row([1000000000] * 10),
    ),
    generate=season_generate,
    random_count=14,
    reference="""
local n, limit = io.read("*n", "*n")
-- best[r]: the largest total so far if the last r days, and not one more, were played
local best = {[0] = 0}
for r = 1, limit do
  best[r] = -math.huge
end
for _ = 1, n do
  local gain = io.read("*n")
  local rest = best[0]
  for r = limit, 1, -1 do
    rest = math.max(rest, best[r])
    best[r] = best[r - 1] + gain
  end
  best[0] = rest
end
local answer = best[0]
for r = 1, limit do
  answer = math.max(answer, best[r])
end
print(string.format("%d", answer))
""",
    wrong=(
        """
local n, limit = io.read("*n", "*n")
local total, run, smallest = 0, 0, math.huge
-- whenever the run gets too long, gives up its poorest day
for _ = 1, n do
  local gain = io.read("*n")
  if gain < 0 then
    run, smallest = 0, math.huge
  else
    total = total + gain
    run = run + 1
    smallest = math.min(smallest, gain)
    if run > limit then
      total = total - smallest
      run, smallest = 0, math.huge
    end
  end
end
print(string.format("%d", total))
""",
        """
local n, limit = io.read("*n", "*n")
local best = {[0] = 0}
for r = 1, limit do best[r] = -math.huge end
for _ = 1, n do
  local gain = io.read("*n")
  for r = limit, 1, -1 do best[r] = best[r - 1] + gain end
  -- the run that has just been extended is used as if it had rested
  for r = 1, limit do best[0] = math.max(best[0], best[r]) end
end
local answer = best[0]
print(string.format("%d", answer))
""",
        """
local n, limit = io.read("*n", "*n")
local g, prefix = {}, {[0] = 0}
for i = 1, n do
  g[i] = io.read("*n")
  prefix[i] = prefix[i - 1] + g[i]
end
local best = {[0] = 0}
for i = 1, n do
  best[i] = best[i - 1]
  for run = 1, math.min(limit, i) do
    -- no day of rest between two runs
    local before = i - run
    best[i] = math.max(best[i], best[before] + prefix[i] - prefix[before])
  end
end
print(string.format("%d", best[n]))
""",
    ),
    tags=("dynamic programming",),
)

# --- climb_12_grid --------------------------------------------------------------------------


def best_walk(rows: list[str]) -> int:
    """Most berries on a walk that avoids all rocks; -1 if there is none."""
    best: dict[tuple[int, int], int] = {}
    for r, line in enumerate(rows):
        for c, cell in enumerate(line):
            before = [best[at] for at in ((r - 1, c), (r, c - 1)) if at in best]
            if cell != "#" and (before or (r, c) == (0, 0)):
                best[r, c] = max(before, default=0) + int(cell)
    return best.get((len(rows) - 1, len(rows[0]) - 1), -1)


def grid_oracle(text: str) -> str:
    """Try every rock as the one to clear."""
    rows = text.split()[2:]
    answers = [best_walk(rows)]
    for r, line in enumerate(rows):
        for c, cell in enumerate(line):
            if cell == "#":
                cleared = line[:c] + "0" + line[c + 1 :]
                answers.append(best_walk([*rows[:r], cleared, *rows[r + 1 :]]))
    return str(max(answers))


def grid_generate(rng: random.Random) -> str:
    height, width = rng.choice((1, 2, 4, 8, 18)), rng.choice((2, 3, 5, 8, 18))
    share = rng.choice((0.1, 0.3, 0.45))
    digits = rng.choice(("01", "0123456789", "0009"))
    cells = ["#" if rng.random() < share else rng.choice(digits) for _ in range(height * width)]
    cells[0], cells[-1] = rng.choice(digits), rng.choice(digits)
    rows = ["".join(cells[r * width : (r + 1) * width]) for r in range(height)]
    return "\n".join([f"{height} {width}", *rows])


GRID = Authored(
    question_id="climb_12_grid",
    title="One Rock Out of the Way",
    difficulty="codeforces",
    statement="""
A berry field is a grid of h rows and w columns. A digit in a cell is the number of berries that
grow there; a # is a rock. A picker starts in the upper left cell, moves one cell to the right or
one cell down at a time, and ends in the lower right cell. She picks all berries of the cells that
she enters, the first and the last cell included.

Rocks block the way. But she carries one stick of dynamite: at most once on her walk she may blow up
a rock and enter its cell, where no berries grow.

How many berries can she pick at most?

Input
The first line contains h and w. Each of the next h lines contains w characters, the cells of a row.

Output
Print the largest number of berries, or -1 if she cannot reach the lower right cell.

Constraints
1 <= h, w <= 50 and h * w >= 2
The upper left and the lower right cell are not rocks.

Sample Input 1
3 4
12#1
#5#9
0#31

Sample Output 1
18

Sample Input 2
2 4
1##1
1##1

Sample Output 2
-1

In the first sample she goes right, down, blows up the rock on her right, and then goes right, down:
1 + 2 + 5 + 0 + 9 + 1 = 18.
""",
    oracle=grid_oracle,
    fixed=(
        "3 4\n12#1\n#5#9\n0#31",
        "2 4\n1##1\n1##1",
        "1 2\n00",
        "1 2\n99",
        "1 3\n9#9",
        "1 4\n9##9",
        "3 1\n1\n#\n1",
        "2 2\n0#\n#0",
        "3 3\n0#9\n##9\n000",
        "3 3\n010\n###\n990",
        "3 3\n0##\n0#9\n000",
        "4 4\n1#99\n1#99\n1##9\n1111",
        "2 5\n0#9#1\n000#1",
        "3 5\n11#55\n#91#2\n111#3",
        "4 3\n2#8\n114\n###\n130",
        "4 4\n1#11\n1181\n1#1#\n00#0",
        "5 5\n00000\n0###0\n0#9#0\n0###0\n00000",
        "\n".join(
            ["20 20"]
            + [
                "".join("#" if (r * 7 + c * 5) % 11 == 3 else str((r * c) % 10) for c in range(20))
                for r in range(20)
            ]
        ),
    ),
    generate=grid_generate,
    random_count=15,
    reference="""
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local NONE = -math.huge

-- whole[c], blown[c]: most berries on the way to the cell above without and with a rock blown up
local whole, blown = {}, {}
for c = 0, w do
  whole[c], blown[c] = NONE, NONE
end
for r = 1, h do
  local line = io.read("*l")
  whole[0], blown[0] = NONE, NONE
  for c = 1, w do
    local from_whole = math.max(whole[c], whole[c - 1])
    local from_blown = math.max(blown[c], blown[c - 1])
    if r == 1 and c == 1 then
      from_whole = 0
    end
    local cell = line:sub(c, c)
    if cell == "#" then
      whole[c] = NONE
      blown[c] = from_whole
    else
      whole[c] = from_whole + tonumber(cell)
      blown[c] = from_blown + tonumber(cell)
    end
  end
end
local answer = math.max(whole[w], blown[w])
if answer == NONE then
  answer = -1
end
print(answer)
""",
    wrong=(
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local NONE = -math.huge
local best = {}
for c = 0, w do best[c] = NONE end
for r = 1, h do
  local line = io.read("*l")
  best[0] = NONE
  for c = 1, w do
    local from = math.max(best[c], best[c - 1])
    if r == 1 and c == 1 then from = 0 end
    local cell = line:sub(c, c)
    -- no dynamite
    best[c] = cell == "#" and NONE or from + tonumber(cell)
  end
end
print(best[w] == NONE and -1 or best[w])
""",
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local best, rocks = {}, {}
for c = 0, w do best[c], rocks[c] = -1, 0 end
for r = 1, h do
  local line = io.read("*l")
  best[0] = -1
  for c = 1, w do
    -- keeps only the richest way to a cell, with the number of rocks on it
    local from, used = best[c], rocks[c]
    if best[c - 1] > from then from, used = best[c - 1], rocks[c - 1] end
    if r == 1 and c == 1 then from, used = 0, 0 end
    local cell = line:sub(c, c)
    if from < 0 or (cell == "#" and used == 1) then
      best[c], rocks[c] = -1, 0
    elseif cell == "#" then
      best[c], rocks[c] = from, 1
    else
      best[c], rocks[c] = from + tonumber(cell), used
    end
  end
end
print(best[w])
""",
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local whole, blown = {}, {}
for c = 0, w do whole[c], blown[c] = 0, 0 end
for r = 1, h do
  local line = io.read("*l")
  for c = 1, w do
    local a = math.max(whole[c], whole[c - 1])
    local b = math.max(blown[c], blown[c - 1])
    local cell = line:sub(c, c)
    if cell == "#" then
      whole[c], blown[c] = 0, a
    else
      whole[c], blown[c] = a + tonumber(cell), b + tonumber(cell)
    end
  end
end
print(math.max(whole[w], blown[w]))
""",
    ),
    tags=("dynamic programming", "grids"),
)

# --- climb_13_editor ------------------------------------------------------------------------


def edit(keys: str) -> str:
    text, caret = "", 0
    for key in keys:
        if key == "<":
            caret = max(0, caret - 1)
        elif key == ">":
            caret = min(len(text), caret + 1)
        elif key == "[":
            caret = 0
        elif key == "]":
            caret = len(text)
        elif key == "-":
            text, caret = text[: max(0, caret - 1)] + text[caret:], max(0, caret - 1)
        else:
            text, caret = text[:caret] + key + text[caret:], caret + 1
    return text[:caret] + "|" + text[caret:]


def editor_generate(rng: random.Random) -> str:
    def case() -> str:
        length = rng.choice((1, 4, 8, 15, 60))
        keys = rng.choice(("abc<>-", "abcxyz[]-", "ab<>[]-", "abcdefghij<-", "ab<<<>-----"))
        return "".join(rng.choice(keys) for _ in range(length))

    return batch([case() for _ in range(rng.randint(2, 8))])


EDITOR = Authored(
    question_id="climb_13_editor",
    title="Keys of an Old Editor",
    difficulty="codeforces",
    statement="""
A line editor shows one line of text, empty at first, and a caret that stands before the first
letter, between two letters, or after the last letter. It knows these keys:

- a lower-case letter is inserted where the caret is, and the caret then stands right after it;
- < moves the caret one letter to the left, > one letter to the right;
- [ moves the caret to the beginning of the line, ] to its end;
- - (minus) deletes the letter right before the caret.

A key that has nothing to move over or to delete does nothing. Show the line after all keys have
been pressed.

Input
The first line contains t, the number of test cases. Each of the next t lines contains the keys of a
test case in the order in which they are pressed, without spaces.

Output
For each test case print the final line of text, with the character | in the place of the caret.

Constraints
1 <= t <= 20
Each test case has between 1 and 2000 keys, all test cases together at most 5000.

Sample Input
4
cat<<o
ab[x]y
-ab<-<<-c
ab--

Sample Output
co|at
xaby|
c|b
|
""",
    oracle=lambda text: "\n".join(map(edit, text.split()[1:])),
    fixed=(
        "4\ncat<<o\nab[x]y\n-ab<-<<-c\nab--",
        "6\na\n<\n>\n[\n]\n-",
        "3\nabc<<<<<x>>>>>>>y\nabc[-x\nabc[>>-x",
        "2\nabcdef[-]-<-\nabc[]<>-",
        "3\nab<-c>d\nab<<-c\nab[]-c",
        "3\nzz<y<x<w\nabc[d[e[f\nq]w]e",
        "1\n" + "abcd<<" * 80 + "[x]y" + "-" * 30 + "<" * 50 + "q",
        "1\n" + "a[b]" * 100 + "<-" * 60,
    ),
    generate=editor_generate,
    random_count=14,
    reference="""
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  -- letters before the caret, and letters after it with the nearest one last
  local left, right = {}, {}

  local function move(from, to)
    if #from > 0 then
      to[#to + 1] = table.remove(from)
    end
  end

  for key in keys:gmatch("%S") do
    if key == "<" then
      move(left, right)
    elseif key == ">" then
      move(right, left)
    elseif key == "[" then
      while #left > 0 do
        move(left, right)
      end
    elseif key == "]" then
      while #right > 0 do
        move(right, left)
      end
    elseif key == "-" then
      table.remove(left)
    else
      left[#left + 1] = key
    end
  end
  print(table.concat(left) .. "|" .. table.concat(right):reverse())
end
""",
    wrong=(
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local text, caret = "", 0
  for key in keys:gmatch("%S") do
    if key == "<" then
      caret = math.max(0, caret - 1)
    elseif key == ">" then
      caret = math.min(#text, caret + 1)
    elseif key == "[" then
      caret = 0
    elseif key == "]" then
      caret = #text
    elseif key == "-" then
      -- at the beginning of the line this eats the first letter's neighbour
      text = text:sub(1, caret - 1) .. text:sub(caret + 1)
      caret = math.max(0, caret - 1)
    else
      text = text:sub(1, caret) .. key .. text:sub(caret + 1)
      caret = caret + 1
    end
  end
  print(text:sub(1, caret) .. "|" .. text:sub(caret + 1))
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local text, caret = {}, 0
  for key in keys:gmatch("%S") do
    if key == "<" then
      caret = math.max(0, caret - 1)
    elseif key == ">" then
      caret = math.min(#text, caret + 1)
    elseif key == "[" then
      caret = 0
    elseif key == "]" then
      caret = #text
    elseif key == "-" then
      if caret > 0 then
        table.remove(text, caret)
        caret = caret - 1
      end
    else
      -- the caret stays before the new letter
      table.insert(text, caret + 1, key)
    end
  end
  table.insert(text, caret + 1, "|")
  print(table.concat(text))
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local left, right = {}, {}
  for key in keys:gmatch("%S") do
    if key == "<" then
      if #left > 0 then right[#right + 1] = table.remove(left) end
    elseif key == ">" then
      if #right > 0 then left[#left + 1] = table.remove(right) end
    elseif key == "[" then
      while #left > 0 do right[#right + 1] = table.remove(left) end
    elseif key == "]" then
      while #right > 0 do left[#left + 1] = table.remove(right) end
    elseif key == "-" then
      if #left > 0 then table.remove(left) end
    else
      left[#left + 1] = key
    end
  end
  -- the letters after the caret are still the wrong way round
  print(table.concat(left) .. "|" .. table.concat(right))
end
""",
    ),
    tags=("strings", "simulation", "stack"),
)

PROBLEMS = (BRACKETS, TEAM, WEIGHTS, ROOMS, SEASON, GRID, EDITOR)
