"""Problems of the level of Codeforces 1000-1400: games, greedy, prefix sums, search, parity."""

import math
import random
from collections import Counter, deque
from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.casetext import answer_each, batch, integers, row

# --- 1899_A ---------------------------------------------------------------------------------


@cache
def mira_wins(n: int, moves_left: int) -> bool:
    """Whether Mira can force a win when she moves on an even number of moves left."""
    if moves_left == 0:
        return False
    if moves_left % 2 == 0:
        return any(m % 3 == 0 or mira_wins(m, moves_left - 1) for m in (n - 1, n + 1))
    return all(mira_wins(m, moves_left - 1) for m in (n - 1, n + 1))


def ten_moves_oracle(text: str) -> str:
    return answer_each(text, lambda it: "First" if mira_wins(next(it), 10) else "Second")


def ten_moves_generate(rng: random.Random) -> str:
    top = rng.choice((12, 1000, 10**9))
    return batch([str(rng.randint(1, top)) for _ in range(rng.choice((3, 10, 40)))])


TEN_MOVES = Authored(
    question_id="1899_A",
    title="Ten Moves to a Multiple of Three",
    difficulty="codeforces",
    statement="""
Mira and Ned share one whole number n that is written on a board. They take turns, Mira first. On a
turn a player replaces the number by one that is larger by 1 or smaller by 1.

Mira is the winner as soon as the number on the board is divisible by 3 right after one of her own
turns. If the two have made 10 turns in all (five each) and that has not happened, Ned is the
winner. It does not matter whether n is divisible by 3 at the start or after a turn of Ned.

Both play as well as possible. For each given n, find out who wins.

Input
The first line contains t, the number of games. Each of the next t lines contains one integer n.

Output
For each game print one line: First if Mira wins, Second if Ned wins.

Constraints
1 <= t <= 100
1 <= n <= 10^9

Sample Input
4
1
3
5
999

Sample Output
First
Second
First
Second

In the first game Mira goes from 1 to 0 at once. In the second game she must leave the 3, and Ned
can undo each of her turns.
""",
    oracle=ten_moves_oracle,
    fixed=(
        "4\n1\n3\n5\n999",
        "1\n1",
        "1\n2",
        "1\n6",
        "3\n1000000000\n999999999\n999999998",
        batch([str(n) for n in range(1, 41)]),
    ),
    generate=ten_moves_generate,
    random_count=10,
    reference="""
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  if n % 3 == 0 then
    print("Second")
  else
    print("First")
  end
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  if n % 3 == 0 then
    print("First")
  else
    print("Second")
  end
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  -- only looks at the step downwards
  if (n - 1) % 3 == 0 then
    print("First")
  else
    print("Second")
  end
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  if n % 3 != 0 then
    print("First")
  else
    print("Second")
  end
end
""",
    ),
    tags=("games", "number theory"),
    inspired_by="Codeforces 1899 A",
)

# --- 1899_D ---------------------------------------------------------------------------------


def powers_commute(x: int, y: int) -> bool:
    """Whether (2^x)^(2^y) = (2^y)^(2^x), that is x * 2^y = y * 2^x."""
    x, y = min(x, y), max(x, y)
    gap = y - x
    return gap < 64 and x << gap == y


def swapped_powers(numbers: Iterator[int]) -> int:
    counts = Counter(islice(numbers, next(numbers)))
    same = sum(c * (c - 1) // 2 for c in counts.values())
    return same + sum(
        counts[x] * counts[y] for x, y in combinations(counts, 2) if powers_commute(x, y)
    )


def swapped_powers_generate(rng: random.Random) -> str:
    def case() -> str:
        n, top = rng.choice((1, 2, 5, 12, 40)), rng.choice((2, 4, 10, 10**9))
        return f"{n}\n" + row(rng.randint(1, top) for _ in range(n))

    return batch([case() for _ in range(rng.randint(1, 6))])


SWAPPED_POWERS = Authored(
    question_id="1899_D",
    title="Base and Exponent Trade Places",
    difficulty="codeforces",
    statement="""
A list a_1, a_2, ..., a_n of positive integers is given. Another list b is made from it: b_i is 2
raised to the power a_i.

A pair of positions (i, j) with i < j is called symmetric if b_i raised to the power b_j is the same
number as b_j raised to the power b_i. Count the symmetric pairs.

Input
The first line contains t, the number of test cases. Each test case has two lines: the first
contains n, the second contains a_1, ..., a_n.

Output
For each test case print the number of symmetric pairs.

Constraints
1 <= t <= 100
1 <= n <= 5000, and the sum of n over all test cases is at most 5000
1 <= a_i <= 10^9

Sample Input
3
2
1 2
4
2 2 2 2
5
1 3 2 1 2

Sample Output
1
6
6

In the first test case b = (2, 4), and 2^4 = 4^2 = 16.
""",
    oracle=lambda text: answer_each(text, swapped_powers),
    fixed=(
        "3\n2\n1 2\n4\n2 2 2 2\n5\n1 3 2 1 2",
        "1\n1\n7",
        "4\n2\n2 4\n2\n4 4\n2\n1 4\n2\n2 1",
        "2\n3\n1 1 1\n3\n2 1 1",
        "1\n4\n1000000000 1000000000 1 1000000000",
        "1\n1200\n" + row(1 + i % 2 for i in range(1200)),
        "1\n1500\n" + row(1 + i * i % 7 for i in range(1500)),
        "1\n9\n1 2 4 8 16 32 64 3 6",
    ),
    generate=swapped_powers_generate,
    random_count=14,
    reference="""
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local seen = {}
  local pairs_found = 0
  for _ = 1, n do
    local a = io.read("*n")
    pairs_found = pairs_found + (seen[a] or 0)
    if a == 1 then
      pairs_found = pairs_found + (seen[2] or 0)
    elseif a == 2 then
      pairs_found = pairs_found + (seen[1] or 0)
    end
    seen[a] = (seen[a] or 0) + 1
  end
  print(pairs_found)
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local seen = {}
  local answer = 0
  for _ = 1, n do
    local a = io.read("*n")
    answer = answer + (seen[a] or 0)
    seen[a] = (seen[a] or 0) + 1
  end
  print(answer)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local seen = {}
  local answer = 0
  for _ = 1, n do
    local a = io.read("*n")
    answer = answer + (seen[a] or 0)
    -- 2^4 = 4^2, but that is about b, not about a
    if a == 2 then answer = answer + (seen[4] or 0) end
    if a == 4 then answer = answer + (seen[2] or 0) end
    seen[a] = (seen[a] or 0) + 1
  end
  print(answer)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local seen = {}
  local answer = 0
  for _ = 1, n do
    local a = io.read("*n")
    answer = answer + (seen[a] or 0)
    if a == 2 then answer = answer + (seen[1] or 0) end
    seen[a] = (seen[a] or 0) + 1
  end
  print(answer)
end
""",
    ),
    tags=("counting", "math", "hash table"),
    inspired_by="Codeforces 1899 D",
)

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

# --- climb_05_divisors ----------------------------------------------------------------------


@cache
def divisor_grundy(n: int) -> int:
    """The smallest game value that no proper divisor of n has."""
    small = [d for d in range(1, math.isqrt(n) + 1) if n % d == 0]
    proper = {*small, *(n // d for d in small)} - {n}
    values = {divisor_grundy(d) for d in proper}
    return next(value for value in range(len(values) + 1) if value not in values)


def divisor_game(numbers: Iterator[int]) -> str:
    total = 0
    for n in islice(numbers, next(numbers)):
        total ^= divisor_grundy(n)
    return "Pia" if total else "Quin"


def divisors_generate(rng: random.Random) -> str:
    def case() -> str:
        n, top = rng.choice((1, 2, 3, 5, 12)), rng.choice((12, 100, 10**6))
        values = [rng.randint(1, top) for _ in range(n)]
        if rng.random() < 0.5:
            values = [2 ** rng.randint(0, 3) * 3 ** rng.randint(0, 2) for _ in range(n)]
        if rng.random() < 0.5:
            values += values
        return f"{len(values)}\n" + row(values)

    return batch([case() for _ in range(rng.randint(3, 12))])


DIVISORS = Authored(
    question_id="climb_05_divisors",
    title="Down to the Divisors",
    difficulty="codeforces",
    statement="""
Pia and Quin play with n positive integers on a blackboard. They take turns, Pia first. On a turn a
player picks one of the numbers that is greater than 1, wipes it out and writes one of its divisors
in its place; the divisor has to be smaller than the number itself. A player who cannot move (all
numbers are 1) loses.

Both play as well as possible. Who wins?

Input
The first line contains t, the number of test cases. Each test case has two lines: the first
contains n, the second contains the numbers a_1, ..., a_n.

Output
For each test case print Pia or Quin.

Constraints
1 <= t <= 50
1 <= n <= 200, and the sum of n over all test cases is at most 1000
1 <= a_i <= 10^6

Sample Input
5
1
1
1
12
2
4 9
2
2 4
3
2 6 8

Sample Output
Quin
Pia
Quin
Pia
Quin

In the second test case Pia replaces 12 by 1. In the third Quin can always answer on the other
number.
""",
    oracle=lambda text: answer_each(text, divisor_game),
    fixed=(
        "5\n1\n1\n1\n12\n2\n4 9\n2\n2 4\n3\n2 6 8",
        "2\n3\n1 1 1\n1\n999983",
        "3\n2\n999983 2\n2\n999983 1\n2\n524288 999983",
        "3\n2\n8 30\n2\n4 6\n2\n16 210",
        "3\n3\n2 4 8\n3\n2 4 32\n3\n4 16 64",
        "2\n4\n8 8 8 8\n5\n8 8 8 8 8",
        "2\n2\n999999 524288\n3\n994009 997 997",
        "1\n200\n" + row(1000000 - i * 4999 for i in range(200)),
    ),
    generate=divisors_generate,
    random_count=12,
    reference="""
local bit = require("bit")

local function prime_factors(n)
  local count, p = 0, 2
  while p * p <= n do
    while n % p == 0 do
      n = n / p
      count = count + 1
    end
    p = p + 1
  end
  if n > 1 then
    count = count + 1
  end
  return count
end

local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local nim = 0
  for _ = 1, n do
    nim = bit.bxor(nim, prime_factors(io.read("*n")))
  end
  print(nim ~= 0 and "Pia" or "Quin")
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local steps = 0
  for _ = 1, n do
    local a, p = io.read("*n"), 2
    while a > 1 do
      if a % p == 0 then
        a = a / p
        steps = steps + 1
      elseif p * p > a then
        p = a
      else
        p = p + 1
      end
    end
  end
  print(steps % 2 == 1 and "Pia" or "Quin")
end
""",
        """
local bit = require("bit")
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local nim = 0
  for _ = 1, n do
    local a, p, distinct = io.read("*n"), 2, 0
    while p * p <= a do
      if a % p == 0 then
        distinct = distinct + 1
        while a % p == 0 do a = a / p end
      end
      p = p + 1
    end
    if a > 1 then distinct = distinct + 1 end
    nim = bit.bxor(nim, distinct)
  end
  print(nim ~= 0 and "Pia" or "Quin")
end
""",
        """
local bit = require("bit")
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local nim = 0
  for _ = 1, n do
    local a, count = io.read("*n"), 0
    for p = 2, math.sqrt(a) do
      while a % p == 0 do
        a = a / p
        count = count + 1
      end
    end
    nim = bit.bxor(nim, count)
  end
  print(nim ~= 0 and "Pia" or "Quin")
end
""",
    ),
    tags=("games", "number theory", "bitmasks"),
)

# --- climb_06_lamps -------------------------------------------------------------------------


def lamp_presses(n: int, k: int, lit: int) -> int:
    """Breadth-first search over the number of lamps that are lit."""
    steps = {lit: 0}
    queue = deque([lit])
    while queue:
        now = queue.popleft()
        for off in range(max(0, k - (n - now)), min(k, now) + 1):
            after = now - off + (k - off)
            if after not in steps:
                steps[after] = steps[now] + 1
                queue.append(after)
    return steps.get(0, -1)


def lamps_oracle(text: str) -> str:
    words = text.split()
    cases = zip(words[1::3], words[2::3], words[3::3], strict=True)
    return "\n".join(str(lamp_presses(int(n), int(k), s.count("1"))) for n, k, s in cases)


def lamps_case(n: int, k: int, lit: int, rng: random.Random) -> str:
    lamps = ["1"] * lit + ["0"] * (n - lit)
    rng.shuffle(lamps)
    return f"{n} {k}\n{''.join(lamps)}"


def lamps_generate(rng: random.Random) -> str:
    def case() -> str:
        n = rng.choice((2, 3, 4, 5, 6, 7, 8, 12, 60))
        k = rng.choice((rng.randint(1, n), max(1, n - rng.randint(0, 3))))
        return lamps_case(n, k, rng.randint(0, n), rng)

    return batch([case() for _ in range(rng.randint(5, 15))])


LAMPS = Authored(
    question_id="climb_06_lamps",
    title="Exactly k Switches",
    difficulty="codeforces",
    statement="""
A row of n lamps is given as a string of 0 (off) and 1 (on). One press lets you choose exactly k
different lamps, anywhere in the row, and switch every one of them: those that are on go off, those
that are off go on.

Find the smallest number of presses after which all lamps are off.

Input
The first line contains t, the number of test cases. Each test case has two lines. The first
contains n and k. The second contains the string of n lamps.

Output
For each test case print the smallest number of presses, or -1 if the lamps can never all be off.

Constraints
1 <= t <= 50
1 <= k <= n <= 200

Sample Input
5
4 2
1011
5 3
11110
3 3
101
6 4
110011
5 2
00000

Sample Output
-1
2
-1
1
0

In the second test case the first press can switch the lamps 1, 2 and 5. Then the lamps 3, 4 and 5
are on, and the second press switches these three.
""",
    oracle=lamps_oracle,
    fixed=(
        "5\n4 2\n1011\n5 3\n11110\n3 3\n101\n6 4\n110011\n5 2\n00000",
        "4\n1 1\n0\n1 1\n1\n2 2\n10\n2 2\n11",
        "3\n4 3\n1000\n4 3\n1100\n4 3\n1110",
        "3\n6 5\n100000\n6 5\n110000\n7 6\n1100000",
        "3\n5 4\n11000\n5 4\n10000\n5 4\n11110",
        "2\n8 7\n11111111\n9 6\n111111110",
        "3\n200 199\n" + "1" * 199 + "0\n200 199\n1" + "0" * 199 + "\n200 1\n" + "1" * 200,
    ),
    generate=lamps_generate,
    random_count=13,
    reference="""
-- After m presses every lamp was switched at most m times, lit ones an odd number of times and
-- dark ones an even number; any such counts with the sum m * k can be arranged.
local function presses(n, k, lit)
  for m = 0, n do
    local odd = m % 2 == 1 and m or m - 1
    local even = m % 2 == 0 and m or m - 1
    local least = lit
    local most = lit * odd + (n - lit) * even
    local total = m * k
    if total >= least and total <= most and (total - least) % 2 == 0 then
      return m
    end
  end
  return -1
end

local t = tonumber(io.read("*l"))
for _ = 1, t do
  local n, k = io.read("*l"):match("(%d+) (%d+)")
  local _, lit = io.read("*l"):gsub("1", "")
  if lit == 0 then
    print(0)
  else
    print(presses(tonumber(n), tonumber(k), lit))
  end
end
""",
    wrong=(
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local n, k = io.read("*l"):match("(%d+) (%d+)")
  local _, lit = io.read("*l"):gsub("1", "")
  k = tonumber(k)
  -- greedy: switch off k at a time, the rest must come out by parity
  local m = math.ceil(lit / k)
  while m <= tonumber(n) and (m * k - lit) % 2 ~= 0 do m = m + 1 end
  if m > tonumber(n) then m = -1 end
  print(m)
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local n, k = io.read("*l"):match("(%d+) (%d+)")
  local _, lit = io.read("*l"):gsub("1", "")
  if lit % tonumber(k) == 0 then
    print(lit / tonumber(k))
  elseif lit % 2 == 1 and tonumber(k) % 2 == 0 then
    print(-1)
  else
    print(math.floor(lit / tonumber(k)) + 2)
  end
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local n, k = io.read("*l"):match("(%d+) (%d+)")
  local _, lit = io.read("*l"):gsub("1", "")
  n, k = tonumber(n), tonumber(k)
  local steps = {[lit] = 0}
  local queue, head = {lit}, 1
  while queue[head] do
    local now = queue[head]
    head = head + 1
    -- may switch off more lamps than there are dark partners for
    for off = 0, math.min(k, now) do
      local after = now - off + (k - off)
      if after <= n and not steps[after] then
        steps[after] = steps[now] + 1
        queue[#queue + 1] = after
      end
    end
  end
  print(steps[0] or -1)
end
""",
    ),
    tags=("parity", "breadth-first search", "constructive"),
)

PROBLEMS = (TEN_MOVES, SWAPPED_POWERS, HUTS, SKIS, SEGMENTS, BAKERY, DIVISORS, LAMPS)
