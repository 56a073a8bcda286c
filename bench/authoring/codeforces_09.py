"""Problems of the level of Codeforces 1000-1400, part 9."""

import math
import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, row

# --- climb_15_median ------------------------------------------------------------------------


def shelf_turns(numbers: Iterator[int]) -> int:
    """Try the height of every shelf as the common one."""
    n, step = next(numbers), next(numbers)
    heights = list(islice(numbers, n))
    if any((height - heights[0]) % step for height in heights):
        return -1
    return min(sum(abs(height - goal) for height in heights) for goal in set(heights)) // step


def shelves_generate(rng: random.Random) -> str:
    def case() -> str:
        n, step = rng.choice((1, 2, 3, 4, 5, 10, 60)), rng.choice((1, 2, 3, 7, 1000))
        base = rng.randint(-50, 50)
        top = rng.choice((5, 100, 10**5))
        heights = [base + step * rng.randint(-top, rng.choice((top, top * 9))) for _ in range(n)]
        if rng.random() < 0.2:
            heights[rng.randrange(n)] += 1
        return f"{n} {step}\n" + row(heights)

    return batch([case() for _ in range(rng.randint(2, 7))])


SHELVES = Authored(
    question_id="climb_15_median",
    title="Level Shelves",
    difficulty="codeforces",
    statement="""
On a wall hang n shelves. Shelf i is a_i millimetres above a line on the wall; shelves below the
line have negative heights. Each shelf hangs on a screw, and one turn of the screw moves the shelf
up or down by exactly d millimetres.

How many turns are needed at least until all shelves are at the same height? The common height can
be any integer.

Input
The first line contains t, the number of test cases. Each test case has two lines. The first
contains n and d. The second contains a_1, ..., a_n.

Output
For each test case print the smallest total number of turns, or -1 if the shelves can never be at
the same height.

Constraints
1 <= t <= 50
1 <= n <= 1000, and the sum of n over all test cases is at most 2000
1 <= d <= 10^9
-10^9 <= a_i <= 10^9

Sample Input
3
4 2
1 9 3 -1
3 5
4 -1 9
2 3
-1 1

Sample Output
6
2
-1

In the first test case 3 is a good common height (1 is as good): 1 + 3 + 0 + 2 turns. In the second
it is 4.
""",
    oracle=lambda text: answer_each(text, shelf_turns),
    fixed=(
        "3\n4 2\n1 9 3 -1\n3 5\n4 -1 9\n2 3\n-1 1",
        "3\n1 1\n0\n1 1000000000\n-1000000000\n1 7\n5",
        "3\n2 2000\n-1000 1000\n2 3\n-1 2\n2 3\n-2 2",
        "2\n5 1\n100 1 1 1 1\n5 1\n1 1 100 100 100",
        "2\n3 1\n0 0 10\n4 1\n0 10 10 10",
        "2\n4 1000000000\n-1000000000 1000000000 0 0\n3 2\n0 2 5",
        "2\n3 4\n1 5 7\n3 4\n-3 1 -7",
        "1\n800 1\n" + row((-1) ** i * (10**9 - i * i % 977) for i in range(800)),
    ),
    generate=shelves_generate,
    random_count=13,
    reference="""
local t = io.read("*n")
for _ = 1, t do
  local n, step = io.read("*n", "*n")
  local heights = {}
  for i = 1, n do
    heights[i] = io.read("*n")
  end
  table.sort(heights)
  local middle = heights[math.floor((n + 1) / 2)]
  local turns = 0
  for i = 1, n do
    local distance = math.abs(heights[i] - middle)
    if distance % step ~= 0 then
      turns = -1
      break
    end
    turns = turns + distance / step
  end
  print(string.format("%d", turns))
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local n, step = io.read("*n", "*n")
  local heights = {}
  for i = 1, n do heights[i] = io.read("*n") end
  -- the middle of the list as it was read
  local middle = heights[math.floor((n + 1) / 2)]
  local turns = 0
  for i = 1, n do
    local distance = math.abs(heights[i] - middle)
    if distance % step ~= 0 then turns = -1 break end
    turns = turns + distance / step
  end
  print(string.format("%d", turns))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, step = io.read("*n", "*n")
  local heights, sum, ok = {}, 0, true
  for i = 1, n do
    heights[i] = io.read("*n")
    sum = sum + heights[i]
    ok = ok and (heights[i] - heights[1]) % step == 0
  end
  -- the mean, moved to the nearest height that can be reached
  local goal = heights[1] + math.floor((sum / n - heights[1]) / step + 0.5) * step
  local turns = 0
  for i = 1, n do turns = turns + math.abs(heights[i] - goal) / step end
  print(string.format("%d", ok and turns or -1))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n, step = io.read("*n", "*n")
  local heights, ok = {}, true
  for i = 1, n do
    heights[i] = io.read("*n")
    -- fmod has the sign of its first operand
    ok = ok and math.fmod(heights[i], step) == math.fmod(heights[1], step)
  end
  table.sort(heights)
  local middle = heights[math.floor((n + 1) / 2)]
  local turns = 0
  for i = 1, n do turns = turns + math.abs(heights[i] - middle) / step end
  print(string.format("%d", ok and turns or -1))
end
""",
    ),
    tags=("sorting", "median", "math"),
)


# --- climb_16_numbers -----------------------------------------------------------------------


def gear_pairs(numbers: Iterator[int]) -> int:
    """Write the pair as (g * d, g * e): d and e have no common factor and d * e = l / g."""
    g, m = next(numbers), next(numbers)
    if m % g:
        return 0
    product = m // g
    count = 0
    for d in range(1, math.isqrt(product) + 1):
        if product % d == 0 and math.gcd(d, product // d) == 1:
            count += 1 if d * d == product else 2
    return count


def gears_generate(rng: random.Random) -> str:
    def case() -> str:
        primes = rng.choice(((2, 3, 5, 7), (2, 3), (2, 101, 99991), (3, 5, 11, 13)))
        quotient = 1
        for _ in range(rng.randint(0, 9)):
            prime = rng.choice(primes)
            quotient *= prime if quotient * prime <= 10**9 else 1
        g = rng.randint(1, 10**10 // quotient) if rng.random() < 0.3 else rng.randint(1, 10)
        m = g * quotient
        return row((g, m + 1 if rng.random() < 0.15 and m < 10**10 else m))

    return batch([case() for _ in range(rng.randint(2, 10))])


GEARS = Authored(
    question_id="climb_16_numbers",
    title="Two Gears",
    difficulty="codeforces",
    statement="""
A clockmaker wants to cut a left gear with x teeth and a right gear with y teeth. He has settled the
greatest common divisor g of x and y and their least common multiple m, but not yet the two numbers.

In how many ways can he choose the positive integers x and y? The pair (x, y) and the pair (y, x)
are different ways if x and y are different.

Input
The first line contains t, the number of test cases. Each of the next t lines contains g and m.

Output
For each test case print the number of pairs.

Constraints
1 <= t <= 20
1 <= g, m <= 10^10

Sample Input
4
2 12
5 5
4 10
1 360

Sample Output
4
1
0
8

The pairs of the first test case are (2, 12), (4, 6), (6, 4) and (12, 2). In the third test case no
pair exists: its greatest common divisor 4 would have to divide 10.
""",
    oracle=lambda text: answer_each(text, gear_pairs),
    fixed=(
        "4\n2 12\n5 5\n4 10\n1 360",
        "3\n1 1\n12 2\n10000000000 10000000000",
        "3\n1 16\n1 36\n1 30",
        "3\n6 36\n7 98\n10 1000",
        "2\n1 9999999967\n1 9999800001",
        "2\n1 6469693230\n2 6469693230",
        "3\n1 10000000000\n3 9999999999\n3 10000000000",
        batch([f"1 {m}" for m in range(2, 22)]),
    ),
    generate=gears_generate,
    random_count=12,
    reference="""
local function distinct_primes(n)
  local count, p = 0, 2
  while p * p <= n do
    if n % p == 0 then
      count = count + 1
      repeat
        n = n / p
      until n % p ~= 0
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
  local g, m = io.read("*n", "*n")
  if m % g ~= 0 then
    print(0)
  else
    -- every prime power of m / g goes to x or to y as a whole
    print(2 ^ distinct_primes(m / g))
  end
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local g, m = io.read("*n", "*n")
  if m % g ~= 0 then
    print(0)
  else
    -- counts all divisors, also those that leave a common factor
    local q, count, d = m / g, 0, 1
    while d * d <= q do
      if q % d == 0 then count = count + (d * d == q and 1 or 2) end
      d = d + 1
    end
    print(count)
  end
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local g, m = io.read("*n", "*n")
  if m % g ~= 0 then
    print(0)
  else
    local q, count, p = m / g, 0, 2
    while p * p <= q do
      if q % p == 0 then
        count = count + 1
        while q % p == 0 do q = q / p end
      end
      p = p + 1
    end
    print(2 ^ count)
  end
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local g, m = io.read("*n", "*n")
  local q, count, p = math.floor(m / g), 0, 2
  while p * p <= q do
    if q % p == 0 then
      count = count + 1
      while q % p == 0 do q = q / p end
    end
    p = p + 1
  end
  if q > 1 then count = count + 1 end
  print(2 ^ count)
end
""",
    ),
    tags=("number theory", "factorization", "counting"),
)

PROBLEMS = (
    SHELVES,
    GEARS,
)
