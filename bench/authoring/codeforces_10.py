"""Problems of the level of Codeforces 1000-1400, part 10."""

import math
import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, integers, row

# --- climb_17_counting ----------------------------------------------------------------------


def solo_rings(numbers: Iterator[int]) -> int:
    """For every bell: its strokes less those that another bell shares."""
    first, last, *bells = islice(numbers, 5)
    total = 0
    for i in range(3):
        own, left, right = bells[i], bells[i - 1], bells[i - 2]
        for sign, period in (
            (1, own),
            (-1, math.lcm(own, left)),
            (-1, math.lcm(own, right)),
            (1, math.lcm(own, left, right)),
        ):
            total += sign * (last // period - (first - 1) // period)
    return total


def bells_generate(rng: random.Random) -> str:
    def case() -> str:
        top = rng.choice((30, 10**6, 10**15))
        first, last = sorted((rng.randint(1, top), rng.randint(1, top)))
        period = rng.choice((6, 30, 1000, 10**5))
        bells = [rng.randint(1, period) for _ in range(3)]
        if rng.random() < 0.25:
            bells[0] = bells[2]
        return row((first, last, *bells))

    return batch([case() for _ in range(rng.randint(2, 10))])


BELLS = Authored(
    question_id="climb_17_counting",
    title="One Bell Alone",
    difficulty="codeforces",
    statement="""
A tower has three bells. The first rings in every minute whose number is a multiple of a, the second
in every multiple of b, the third in every multiple of c. In a minute in which two or three bells
ring together, nobody can tell them apart.

How many minutes are there, from minute l to minute r (both included), in which exactly one bell
rings?

Input
The first line contains t, the number of test cases. Each of the next t lines contains l, r, a, b
and c.

Output
For each test case print the number of minutes.

Constraints
1 <= t <= 50
1 <= l <= r <= 10^15
1 <= a, b, c <= 10^5

Sample Input
3
1 12 2 3 4
5 6 6 5 7
1 1000000000000000 1 1000 100000

Sample Output
4
2
999000000000000

In the first test case these are the minutes 2, 3, 9 and 10.
""",
    oracle=lambda text: answer_each(text, solo_rings),
    fixed=(
        "3\n1 12 2 3 4\n5 6 6 5 7\n1 1000000000000000 1 1000 100000",
        "3\n1 1 1 1 1\n1 100 7 7 7\n1 100 7 7 5",
        "4\n6 6 6 4 5\n6 6 6 3 5\n6 6 6 3 2\n7 7 6 3 2",
        "2\n60 60 4 6 10\n1 60 4 6 10",
        "1\n1 1000000000000000 99991 99989 99971",
        "1\n1000000000000000 1000000000000000 100000 99999 64",
        "2\n1 1000000000000000 100000 99999 99998\n1 1000000000000000 2 3 5",
        "2\n999999999999999 1000000000000000 3 7 11\n999999999999990 999999999999999 9 10 90909",
    ),
    generate=bells_generate,
    random_count=14,
    reference="""
local function gcd(x, y)
  while y ~= 0 do
    x, y = y, x % y
  end
  return x
end

local function lcm(x, y)
  return x / gcd(x, y) * y
end

local t = io.read("*n")
for _ = 1, t do
  local l, r, a, b, c = io.read("*n", "*n", "*n", "*n", "*n")

  local function multiples(period)
    return math.floor(r / period) - math.floor((l - 1) / period)
  end

  local ab, ac, bc = lcm(a, b), lcm(a, c), lcm(b, c)
  local single = multiples(a) + multiples(b) + multiples(c)
  local double = multiples(ab) + multiples(ac) + multiples(bc)
  local triple = multiples(lcm(ab, c))
  print(string.format("%d", single - 2 * double + 3 * triple))
end
""",
    wrong=(
        """
local function gcd(x, y)
  while y ~= 0 do x, y = y, x % y end
  return x
end
local function lcm(x, y) return x / gcd(x, y) * y end
local t = io.read("*n")
for _ = 1, t do
  local l, r, a, b, c = io.read("*n", "*n", "*n", "*n", "*n")
  local function f(p) return math.floor(r / p) - math.floor((l - 1) / p) end
  -- minutes in which at least one bell rings
  local ab, ac, bc = lcm(a, b), lcm(a, c), lcm(b, c)
  local answer = f(a) + f(b) + f(c) - f(ab) - f(ac) - f(bc) + f(lcm(ab, c))
  print(string.format("%d", answer))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local l, r, a, b, c = io.read("*n", "*n", "*n", "*n", "*n")
  local function f(p) return math.floor(r / p) - math.floor((l - 1) / p) end
  -- products instead of least common multiples
  local answer = f(a) + f(b) + f(c) - 2 * (f(a * b) + f(a * c) + f(b * c)) + 3 * f(a * b * c)
  print(string.format("%d", answer))
end
""",
        """
local function gcd(x, y)
  while y ~= 0 do x, y = y, x % y end
  return x
end
local function lcm(x, y) return x / gcd(x, y) * y end
local t = io.read("*n")
for _ = 1, t do
  local l, r, a, b, c = io.read("*n", "*n", "*n", "*n", "*n")
  local function f(p) return math.floor(r / p) - math.floor((l - 1) / p) end
  local ab, ac, bc = lcm(a, b), lcm(a, c), lcm(b, c)
  -- a minute with all three bells is taken away once too often
  local answer = f(a) + f(b) + f(c) - 2 * (f(ab) + f(ac) + f(bc)) + 2 * f(lcm(ab, c))
  print(string.format("%d", answer))
end
""",
    ),
    tags=("number theory", "inclusion-exclusion"),
)


# --- climb_18_window ------------------------------------------------------------------------


def calm_stretch(text: str) -> str:
    """Grow a stretch from every start as far as it stays calm."""
    numbers = integers(text)
    n, limit = next(numbers), next(numbers)
    heights = list(islice(numbers, n))
    best, where = 0, 0
    for start in range(n):
        low = high = heights[start]
        end = start
        while end < n and max(high, heights[end]) - min(low, heights[end]) <= limit:
            low, high = min(low, heights[end]), max(high, heights[end])
            end += 1
        if end - start > best:
            best, where = end - start, start + 1
    return f"{best} {where}"


def calm_generate(rng: random.Random) -> str:
    n, top = rng.choice((1, 3, 8, 20, 300)), rng.choice((3, 20, 10**9))
    heights = [rng.randint(-top, top)]
    step = rng.choice((1, top // 3, top))
    while len(heights) < n:
        heights.append(max(-top, min(top, heights[-1] + rng.randint(-step, step))))
    return f"{n} {rng.choice((0, 1, top // 4, top // 2, top))}\n" + row(heights)


CALM = Authored(
    question_id="climb_18_window",
    title="The Calm Stretch",
    difficulty="codeforces",
    statement="""
A buoy has measured the height of the sea n times: a_1, ..., a_n. Some consecutive measurements form
a calm stretch if the largest and the smallest of them differ by at most d.

Find the longest calm stretch. If several are equally long, take the one that begins first.

Input
The first line contains n and d. The second line contains a_1, ..., a_n.

Output
Print two integers: the number of measurements of the stretch and the index of its first one (the
indices begin with 1).

Constraints
1 <= n <= 3000
0 <= d <= 10^9
-10^9 <= a_i <= 10^9

Sample Input 1
8 3
4 1 3 6 5 4 7 8

Sample Output 1
4 3

Sample Input 2
5 0
2 5 -5 -5 2

Sample Output 2
2 3

In the first sample the measurements 3 to 6 have the heights 3, 6, 5 and 4. The measurements 4 to 7
would do as well, but begin later.
""",
    oracle=calm_stretch,
    fixed=(
        "8 3\n4 1 3 6 5 4 7 8",
        "5 0\n2 5 -5 -5 2",
        "1 0\n-7",
        "4 1000000000\n-1000000000 1000000000 0 -1",
        "6 2\n1 2 3 4 5 6",
        "6 2\n6 5 4 3 2 1",
        "7 3\n0 5 4 3 2 1 0",
        "7 4\n10 3 4 5 9 6 7",
        "5 5\n1 1 1 1 1",
        "6 0\n1 1 2 2 2 1",
        "1500 40\n" + row(i * i * 17 % 103 if i % 50 else i for i in range(1500)),
    ),
    generate=calm_generate,
    random_count=15,
    reference="""
local n, limit = io.read("*n", "*n")
local a = {}
for i = 1, n do
  a[i] = io.read("*n")
end

-- indices in the window that can still be its largest and its smallest measurement
local largest, largest_head = {}, 1
local smallest, smallest_head = {}, 1
local best, where, start = 0, 0, 1
for i = 1, n do
  while #largest >= largest_head and a[largest[#largest]] <= a[i] do
    largest[#largest] = nil
  end
  largest[math.max(#largest + 1, largest_head)] = i
  while #smallest >= smallest_head and a[smallest[#smallest]] >= a[i] do
    smallest[#smallest] = nil
  end
  smallest[math.max(#smallest + 1, smallest_head)] = i
  while a[largest[largest_head]] - a[smallest[smallest_head]] > limit do
    if largest[largest_head] == start then
      largest_head = largest_head + 1
    end
    if smallest[smallest_head] == start then
      smallest_head = smallest_head + 1
    end
    start = start + 1
  end
  if i - start + 1 > best then
    best, where = i - start + 1, start
  end
end
print(best .. " " .. where)
""",
    wrong=(
        """
local n, limit = io.read("*n", "*n")
local a = {}
for i = 1, n do a[i] = io.read("*n") end
local best, where, start = 0, 0, 1
local low, high = a[1], a[1]
for i = 1, n do
  low, high = math.min(low, a[i]), math.max(high, a[i])
  if high - low > limit then
    -- starts afresh and loses the calm end of the old stretch
    start, low, high = i, a[i], a[i]
  end
  if i - start + 1 > best then best, where = i - start + 1, start end
end
print(best .. " " .. where)
""",
        """
local n, limit = io.read("*n", "*n")
local a = {}
for i = 1, n do a[i] = io.read("*n") end
local best, where = 0, 0
for start = 1, n do
  local low, high = a[start], a[start]
  for i = start, n do
    low, high = math.min(low, a[i]), math.max(high, a[i])
    if high - low > limit then break end
    if i - start + 1 >= best then best, where = i - start + 1, start end
  end
end
print(best .. " " .. where)
""",
        """
local n, limit = io.read("*n", "*n")
local a = {}
for i = 1, n do a[i] = io.read("*n") end
local best, where, start = 0, 0, 1
for i = 1, n do
  -- compares with the first measurement and the one before only
  while math.abs(a[i] - a[start]) > limit do start = start + 1 end
  if i > start and math.abs(a[i] - a[i - 1]) > limit then start = i end
  if i - start + 1 > best then best, where = i - start + 1, start end
end
print(best .. " " .. where)
""",
    ),
    tags=("two pointers", "monotonic queue"),
)

PROBLEMS = (
    BELLS,
    CALM,
)
