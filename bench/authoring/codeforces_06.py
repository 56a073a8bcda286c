"""Problems of the level of Codeforces 1000-1400, part 6."""

import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, integers, row

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

PROBLEMS = (
    WEIGHTS,
    ROOMS,
)
