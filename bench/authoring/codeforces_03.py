"""Problems of the level of Codeforces 1000-1400, part 3."""

import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, integers, row

# --- climb_03_prefix ------------------------------------------------------------------------


def divisible_segments(numbers: Iterator[int]) -> int:
    n, divisor, shortest = islice(numbers, 3)
    values = list(islice(numbers, n))
    count = 0
    for start in range(n):
        total = 0
        for end in range(start, n):
            total += values[end]
            if end - start + 1 >= shortest and total % divisor == 0:
                count += 1
    return count


def segments_generate(rng: random.Random) -> str:
    def case() -> str:
        n = rng.choice((1, 2, 6, 15, 40))
        top = rng.choice((3, 20, 10**9))
        values = [rng.randint(-top, top) for _ in range(n)]
        shortest = rng.choice((1, 1, 2, 3, rng.randint(1, n)))
        return f"{n} {rng.randint(1, 9)} {min(n, shortest)}\n" + row(values)

    return batch([case() for _ in range(rng.randint(2, 6))])


SEGMENTS = Authored(
    question_id="climb_03_prefix",
    title="Even Shares",
    difficulty="codeforces",
    statement="""
A company has k owners and keeps a ledger of n days. The entry a_i is the profit of day i; a loss is
a negative entry. An auditor likes a block of consecutive days if it is at least m days long and the
total profit of these days can be shared evenly, which means that the total is a multiple of k. The
total may be zero or negative.

Count the blocks that the auditor likes. Two blocks are different if they begin or end on different
days.

Input
The first line contains t, the number of test cases. Each test case has two lines. The first
contains n, k and m. The second contains a_1, ..., a_n.

Output
For each test case print the number of blocks.

Constraints
1 <= t <= 50
1 <= n <= 1000, and the sum of n over all test cases is at most 2000
1 <= k <= 10^9
1 <= m <= n
-10^9 <= a_i <= 10^9

Sample Input
3
4 3 1
3 -1 4 2
4 3 2
3 -1 4 2
3 5 1
-5 7 -2

Sample Output
4
3
3

In the first test case the blocks are (3), (3, -1, 4), (-1, 4) and (4, 2). In the second the first
of these is too short. In the third they are (-5), (7, -2) and all three days.
""",
    oracle=lambda text: answer_each(text, divisible_segments),
    fixed=(
        "3\n4 3 1\n3 -1 4 2\n4 3 2\n3 -1 4 2\n3 5 1\n-5 7 -2",
        "2\n1 1 1\n-7\n1 2 1\n-7",
        "2\n5 4 5\n1 -2 3 -4 2\n5 4 5\n1 -2 3 -4 6",
        "2\n6 7 2\n0 0 0 0 0 0\n6 7 6\n0 0 0 0 0 0",
        "1\n4 1000000000 1\n1000000000 -1000000000 500000000 500000000",
        "1\n5 3 2\n-1 -2 -3 -4 -5",
        "1\n700 13 20\n" + row(i * i * 7 % 41 - 20 for i in range(700)),
    ),
    generate=segments_generate,
    random_count=12,
    reference="""
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local prefix = {[0] = 0}
  local seen = {}
  local count = 0
  for i = 1, n do
    prefix[i] = (prefix[i - 1] + io.read("*n")) % k
    if i >= m then
      local old = prefix[i - m]
      seen[old] = (seen[old] or 0) + 1
    end
    count = count + (seen[prefix[i]] or 0)
  end
  print(count)
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local prefix = {[0] = 0}
  local seen = {}
  local count = 0
  for i = 1, n do
    -- keeps the sign, so equal remainders look different
    prefix[i] = math.fmod(prefix[i - 1] + io.read("*n"), k)
    if i >= m then
      local old = prefix[i - m]
      seen[old] = (seen[old] or 0) + 1
    end
    count = count + (seen[prefix[i]] or 0)
  end
  print(count)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local sum, count = 0, 0
  local seen = {[0] = 1}
  for i = 1, n do
    sum = (sum + io.read("*n")) % k
    if i >= m then
      count = count + (seen[sum] or 0)
    end
    seen[sum] = (seen[sum] or 0) + 1
  end
  print(count)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, k, m = io.read("*n", "*n", "*n")
  local prefix = {[0] = 0}
  local seen = {}
  local count = 0
  for i = 1, n do
    prefix[i] = (prefix[i - 1] + io.read("*n")) % k
    if i > m then
      local old = prefix[i - m]
      seen[old] = (seen[old] or 0) + 1
    end
    count = count + (seen[prefix[i]] or 0)
  end
  print(count)
end
""",
    ),
    tags=("prefix sums", "hash table", "number theory"),
)


# --- climb_04_bakery ------------------------------------------------------------------------


def bakery_oracle(text: str) -> str:
    """Find the time by bisection; count an oven's loaves by bisection on their finishing times."""
    numbers = integers(text)
    n, wanted = next(numbers), next(numbers)
    ovens = [tuple(islice(numbers, 3)) for _ in range(n)]

    def finished(loaf: int, bake: int, run: int, cool: int) -> int:
        return loaf * bake + (loaf - 1) // run * cool

    def loaves(time: int, bake: int, run: int, cool: int) -> int:
        low, high = 0, wanted + 1
        while high - low > 1:
            middle = (low + high) // 2
            if finished(middle, bake, run, cool) <= time:
                low = middle
            else:
                high = middle
        return low

    low, high = 0, min(finished(wanted, *oven) for oven in ovens)
    while high - low > 1:
        middle = (low + high) // 2
        if sum(loaves(middle, *oven) for oven in ovens) >= wanted:
            high = middle
        else:
            low = middle
    return str(high)


def bakery_generate(rng: random.Random) -> str:
    n, wanted = rng.choice((1, 2, 5, 40)), rng.choice((rng.randint(1, 30), 10**4, 10**9))
    bake, run, cool = rng.choice(((9, 4, 20), (10**6, 1000, 10**6), (20, 3, 1000)))
    ovens = [(rng.randint(1, bake), rng.randint(1, run), rng.randint(0, cool)) for _ in range(n)]
    return "\n".join([f"{n} {wanted}", *map(row, ovens)])


BAKERY = Authored(
    question_id="climb_04_bakery",
    title="Ovens That Must Cool",
    difficulty="codeforces",
    statement="""
A bakery has n ovens that are all switched on at minute 0. Oven i bakes one loaf at a time and needs
b_i minutes for it; the next loaf goes in at once. But after every r_i loaves the oven has to stay
empty and cool down for c_i minutes before it can go on. The ovens work independently of each other.

What is the first minute at which at least m loaves are ready?

Input
The first line contains n and m. Each of the next n lines contains b_i, r_i and c_i.

Output
Print the number of minutes.

Constraints
1 <= n <= 100
1 <= m <= 10^9
1 <= b_i <= 10^6
1 <= r_i <= 1000
0 <= c_i <= 10^6

Sample Input 1
2 6
3 2 5
4 1 1

Sample Output 1
14

Sample Input 2
1 1000000000
1000000 1 1000000

Sample Output 2
1999999999000000

In the first sample the first oven has loaves ready at the minutes 3, 6, 14, 17, ... and the second
one at 4, 9, 14, 19, ... so there are four loaves until minute 13 and six at minute 14.
""",
    oracle=bakery_oracle,
    fixed=(
        "2 6\n3 2 5\n4 1 1",
        "1 1000000000\n1000000 1 1000000",
        "1 1\n1 1 0",
        "1 7\n5 7 100",
        "1 8\n5 7 100",
        "3 10\n2 3 0\n2 3 0\n2 3 0",
        "2 9\n1 2 30\n10 5 1",
        "2 1000000000\n1 1000 1\n1000000 1 1000000",
        "\n".join(["100 999999937", *(f"{i * i + 1} {i} {i * 1000}" for i in range(1, 101))]),
    ),
    generate=bakery_generate,
    random_count=14,
    reference="""
local n, wanted = io.read("*n", "*n")
local bake, run, cool = {}, {}, {}
for i = 1, n do
  bake[i], run[i], cool[i] = io.read("*n", "*n", "*n")
end

local function enough(time)
  local loaves = 0
  for i = 1, n do
    local cycle = bake[i] * run[i] + cool[i]
    local cycles = math.floor(time / cycle)
    local rest = time - cycles * cycle
    loaves = loaves + cycles * run[i] + math.min(run[i], math.floor(rest / bake[i]))
  end
  return loaves >= wanted
end

local low, high = 0, wanted * (bake[1] + cool[1])
while high - low > 1 do
  local middle = math.floor((low + high) / 2)
  if enough(middle) then
    high = middle
  else
    low = middle
  end
end
print(string.format("%d", high))
""",
    wrong=(
        """
local n, wanted = io.read("*n", "*n")
local ovens = {}
for i = 1, n do
  local b, r, c = io.read("*n", "*n", "*n")
  ovens[i] = {b, r, c}
end
local function enough(time)
  local loaves = 0
  for _, o in ipairs(ovens) do
    local cycle = o[1] * o[2] + o[3]
    local cycles = math.floor(time / cycle)
    -- the cooling time at the end of a cycle is baked away
    loaves = loaves + cycles * o[2] + math.floor((time % cycle) / o[1])
  end
  return loaves >= wanted
end
local low, high = 0, 4e15
while high - low > 1 do
  local middle = math.floor((low + high) / 2)
  if enough(middle) then high = middle else low = middle end
end
print(string.format("%d", high))
""",
        """
local n, wanted = io.read("*n", "*n")
local ovens = {}
for i = 1, n do
  local b, r, c = io.read("*n", "*n", "*n")
  ovens[i] = {b, r, c}
end
local function enough(time)
  local loaves = 0
  for _, o in ipairs(ovens) do
    local cycle = o[1] * o[2] + o[3]
    local cycles = math.floor(time / cycle)
    loaves = loaves + cycles * o[2] + math.min(o[2], math.floor((time % cycle) / o[1]))
  end
  return loaves >= wanted
end
local low, high = 0, 1e9
while high - low > 1 do
  local middle = math.floor((low + high) / 2)
  if enough(middle) then high = middle else low = middle end
end
print(string.format("%d", high))
""",
        """
local n, wanted = io.read("*n", "*n")
local ovens = {}
for i = 1, n do
  local b, r, c = io.read("*n", "*n", "*n")
  ovens[i] = {b, r, c}
end
local function enough(time)
  local loaves = 0
  for _, o in ipairs(ovens) do
    local cycle = o[1] * o[2] + o[3]
    local cycles = time // cycle
    loaves = loaves + cycles * o[2] + math.min(o[2], (time % cycle) // o[1])
  end
  return loaves >= wanted
end
local low, high = 0, 4e15
while high - low > 1 do
  local middle = (low + high) // 2
  if enough(middle) then high = middle else low = middle end
end
print(string.format("%d", high))
""",
    ),
    tags=("binary search", "math"),
)

PROBLEMS = (
    SEGMENTS,
    BAKERY,
)
