"""Problems of the level of Codeforces 1000-1400, part 2."""

import math
import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, integers, row

# --- climb_01_greedy ------------------------------------------------------------------------


def fewest_days(numbers: Iterator[int]) -> int:
    n, length, daily = islice(numbers, 3)
    stops = [0, *sorted(islice(numbers, n)), length]
    days = [0] + [math.inf] * (n + 1)
    for i, stop in enumerate(stops):
        near = [days[j] for j in range(i) if stop - stops[j] <= daily]
        if near:
            days[i] = 1 + min(near)
    return -1 if days[-1] == math.inf else int(days[-1])


def huts_generate(rng: random.Random) -> str:
    def case() -> str:
        length = rng.choice((10, 100, 10**9))
        n = rng.choice((1, 3, 8, 30))
        share = rng.choice((2, 3, 5, 8))
        daily = rng.randint(max(1, length // (share * 2)), max(1, length // (share - 1)))
        return f"{n} {length} {daily}\n" + row(rng.randint(1, length - 1) for _ in range(n))

    return batch([case() for _ in range(rng.randint(2, 8))])


HUTS = Authored(
    question_id="climb_01_greedy",
    title="Hut to Hut",
    difficulty="codeforces",
    statement="""
A long trail runs from kilometre 0 to kilometre L. Along it stand n mountain huts; their positions
are listed in no particular order, and two huts may stand at the same place.

A hiker starts at kilometre 0 in the morning of the first day and always walks towards L. She walks
at most D kilometres on one day, and every night on the way has to be spent in a hut. What is the
smallest number of days after which she can stand at kilometre L?

Input
The first line contains t, the number of test cases. Each test case has two lines. The first
contains n, L and D. The second contains the positions p_1, ..., p_n of the huts.

Output
For each test case print the smallest number of days, or -1 if she cannot reach the end.

Constraints
1 <= t <= 50
1 <= n <= 1000, and the sum of n over all test cases is at most 2000
2 <= L <= 10^9
1 <= D <= 10^9
0 < p_i < L

Sample Input
4
4 20 8
15 3 7 12
2 20 8
5 11
1 10 10
4
3 10 3
3 6 7

Sample Output
3
-1
1
4

In the first test case she may sleep at 7 and at 12 or at 15. In the second the last 9 kilometres
are too far for one day. In the fourth she sleeps in every hut: 3, 6, 7 and then the end at 10.
""",
    oracle=lambda text: answer_each(text, fewest_days),
    fixed=(
        "4\n4 20 8\n15 3 7 12\n2 20 8\n5 11\n1 10 10\n4\n3 10 3\n3 6 7",
        "1\n1 2 1\n1",
        "2\n1 10 4\n5\n1 10 5\n5",
        "2\n3 9 3\n6 3 6\n3 9 3\n6 6 6",
        "2\n1 1000000000 1000000000\n1\n2 1000000000 499999999\n500000000 499999999",
        "3\n5 100 25\n80 60 40 20 99\n5 100 20\n80 60 40 20 99\n5 100 19\n80 60 40 20 99",
        "1\n600 2000 7\n" + row(1 + i * 347 % 1999 for i in range(600)),
        "1\n600 2000 6\n" + row(1 + i * 347 % 1999 for i in range(600)),
    ),
    generate=huts_generate,
    random_count=12,
    reference="""
local function solve()
  local n, length, daily = io.read("*n", "*n", "*n")
  local stops = {}
  for i = 1, n do
    stops[i] = io.read("*n")
  end
  stops[n + 1] = length
  table.sort(stops)
  local start, reached, days = 0, 0, 1
  for i = 1, n + 1 do
    if stops[i] - start > daily then
      -- sleep in the last hut within reach
      start = reached
      days = days + 1
      if stops[i] - start > daily then
        return -1
      end
    end
    reached = stops[i]
  end
  return days
end

local t = io.read("*n")
for _ = 1, t do
  print(solve())
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n, length, daily = io.read("*n", "*n", "*n")
  local stops = {}
  for i = 1, n do stops[i] = io.read("*n") end
  table.sort(stops)
  stops[n + 1] = length
  local worst, last = 0, 0
  for i = 1, n + 1 do
    worst = math.max(worst, stops[i] - last)
    last = stops[i]
  end
  if worst > daily then
    print(-1)
  else
    print(math.ceil(length / daily))
  end
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, length, daily = io.read("*n", "*n", "*n")
  local stops = {}
  for i = 1, n do stops[i] = io.read("*n") end
  stops[n + 1] = length
  local start, reached, days, ok = 0, 0, 1, true
  for i = 1, n + 1 do
    if stops[i] - start > daily then
      start = reached
      days = days + 1
      if stops[i] - start > daily then ok = false end
    end
    reached = stops[i]
  end
  print(ok and days or -1)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, length, daily = io.read("*n", "*n", "*n")
  local stops = {}
  for i = 1, n do stops[i] = io.read("*n") end
  stops[n + 1] = length
  table.sort(stops)
  local start, reached, days, ok = 0, 0, 1, true
  for i = 1, n + 1 do
    if stops[i] - start >= daily then
      start = reached
      days = days + 1
      if stops[i] - start > daily then ok = false end
    end
    reached = stops[i]
  end
  print(ok and days or -1)
end
""",
    ),
    tags=("greedy", "sorting"),
)


# --- climb_02_pairing -----------------------------------------------------------------------


def most_skiers(text: str) -> str:
    """Bipartite matching by augmenting paths."""
    numbers = integers(text)
    n, m, low, high = islice(numbers, 4)
    heights, skis = list(islice(numbers, n)), list(islice(numbers, m))
    owner: dict[int, int] = {}

    def find_ski(skier: int, tried: set[int]) -> bool:
        for ski, length in enumerate(skis):
            if ski not in tried and low <= length - heights[skier] <= high:
                tried.add(ski)
                if ski not in owner or find_ski(owner[ski], tried):
                    owner[ski] = skier
                    return True
        return False

    return str(sum(find_ski(skier, set()) for skier in range(n)))


def skis_generate(rng: random.Random) -> str:
    n, m = rng.choice((2, 5, 20, 80)), rng.choice((2, 5, 20, 80))
    spread = rng.choice((6, 40, 200))
    low = rng.randint(-spread // 4, spread // 4)
    high = low + rng.randint(0, spread // 3)
    base = rng.choice((spread, 10**9 - spread))
    return "\n".join(
        [
            f"{n} {m} {low} {high}",
            row(base + rng.randint(0, spread) for _ in range(n)),
            row(base + rng.randint(0, spread) for _ in range(m)),
        ]
    )


SKIS = Authored(
    question_id="climb_02_pairing",
    title="Ski Rental",
    difficulty="codeforces",
    statement="""
A rental has m pairs of skis, and n skiers stand in front of it. Skier i has height h_i, the skis j
have length s_j. The skis suit the skier if the difference s_j - h_i is at least A and at most B
(both may be negative). A skier needs one pair of skis, and a pair is given to one skier only.

How many skiers can get skis that suit them, if the skis are handed out in the best way?

Input
The first line contains n, m, A and B. The second line contains h_1, ..., h_n. The third line
contains s_1, ..., s_m.

Output
Print the largest number of skiers who can get suitable skis.

Constraints
1 <= n, m <= 1000
-10^9 <= A <= B <= 10^9
1 <= h_i, s_j <= 10^9

Sample Input 1
4 4 -1 2
10 12 11 15
12 10 9 20

Sample Output 1
3

Sample Input 2
2 2 -3 5
10 13
15 10

Sample Output 2
2

In the first sample the heights 10, 11, 12 get the lengths 9, 10, 12. In the second sample both
lengths suit both skiers.
""",
    oracle=most_skiers,
    fixed=(
        "4 4 -1 2\n10 12 11 15\n12 10 9 20",
        "2 2 -3 5\n10 13\n15 10",
        "1 1 0 0\n5\n5",
        "1 1 1 1\n5\n5",
        "3 3 1 3\n4 2 3\n3 5 4",
        "2 2 -5 -2\n10 8\n6 5",
        "1 3 -1000000000 1000000000\n1\n1000000000 1 2",
        "5 2 0 10\n1 1 1 1 1\n11 12",
        "2 3 0 10\n10 1\n11 12 10",
        "150 150 -2 9\n"
        + row(100 + i * 37 % 151 for i in range(150))
        + "\n"
        + row(100 + i * 59 % 163 for i in range(150)),
    ),
    generate=skis_generate,
    random_count=16,
    reference="""
local n, m, low, high = io.read("*n", "*n", "*n", "*n")
local heights, skis = {}, {}
for i = 1, n do
  heights[i] = io.read("*n")
end
for j = 1, m do
  skis[j] = io.read("*n")
end
table.sort(heights)
table.sort(skis)
local i, j, served = 1, 1, 0
while i <= n and j <= m do
  local difference = skis[j] - heights[i]
  if difference < low then
    j = j + 1
  elseif difference > high then
    i = i + 1
  else
    served = served + 1
    i = i + 1
    j = j + 1
  end
end
print(served)
""",
    wrong=(
        """
local n, m, low, high = io.read("*n", "*n", "*n", "*n")
local heights, skis = {}, {}
for i = 1, n do heights[i] = io.read("*n") end
for j = 1, m do skis[j] = io.read("*n") end
table.sort(heights)
table.sort(skis)
local used, served = {}, 0
for i = 1, n do
  -- gives the longest suitable skis away first
  for j = m, 1, -1 do
    local d = skis[j] - heights[i]
    if not used[j] and d >= low and d <= high then
      used[j] = true
      served = served + 1
      break
    end
  end
end
print(served)
""",
        """
local n, m, low, high = io.read("*n", "*n", "*n", "*n")
local heights, skis = {}, {}
for i = 1, n do heights[i] = io.read("*n") end
for j = 1, m do skis[j] = io.read("*n") end
local used, served = {}, 0
for i = 1, n do
  for j = 1, m do
    local d = skis[j] - heights[i]
    if not used[j] and d >= low and d <= high then
      used[j] = true
      served = served + 1
      break
    end
  end
end
print(served)
""",
        """
local n, m, low, high = io.read("*n", "*n", "*n", "*n")
local heights, skis = {}, {}
for i = 1, n do heights[i] = io.read("*n") end
for j = 1, m do skis[j] = io.read("*n") end
table.sort(heights)
table.sort(skis)
local i, j, served = 1, 1, 0
while i <= n and j <= m do
  local d = math.abs(skis[j] - heights[i])
  if d >= low and d <= high then
    served = served + 1
    i = i + 1
    j = j + 1
  elseif skis[j] < heights[i] then
    j = j + 1
  else
    i = i + 1
  end
end
print(served)
""",
    ),
    tags=("two pointers", "sorting", "greedy"),
)

PROBLEMS = (
    HUTS,
    SKIS,
)
