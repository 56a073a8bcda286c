"""Problems of the level of Codeforces 1000-1400: construction, number theory, windows, counting."""

import math
import random
from collections import deque
from collections.abc import Iterator
from itertools import islice

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.casetext import answer_each, batch, integers, row

# --- climb_14_digits ------------------------------------------------------------------------


def restless_number(total: int) -> str:
    """Breadth-first search that appends digits in increasing order: the first hit is smallest."""
    queue = deque((digit, digit, str(digit)) for digit in range(1, 10))
    seen = {(digit, digit) for digit in range(1, 10)}
    while True:
        reached, last, number = queue.popleft()
        if reached == total:
            return number
        for digit in range(10):
            state = (reached + digit, digit)
            if digit != last and reached + digit <= total and state not in seen:
                seen.add(state)
                queue.append((*state, number + str(digit)))


def restless_generate(rng: random.Random) -> str:
    top = rng.choice((20, 60, 200))
    return batch([str(rng.randint(1, top)) for _ in range(rng.randint(3, 12))])


RESTLESS = Authored(
    question_id="climb_14_digits",
    title="Restless Numbers",
    difficulty="codeforces",
    statement="""
A positive integer is called restless if no two neighbouring digits of its decimal form are equal.
For example 5, 909 and 1213 are restless, 1220 is not.

For each given s, find the smallest restless number whose digits add up to s.

Input
The first line contains t, the number of test cases. Each of the next t lines contains s.

Output
For each test case print the number, without leading zeros. There is always one, and it has at most
25 digits.

Constraints
1 <= t <= 50
1 <= s <= 200

Sample Input
4
7
17
18
27

Sample Output
7
89
189
1989

Two digits that add up to 18 would both be 9.
""",
    oracle=lambda text: "\n".join(restless_number(int(word)) for word in text.split()[1:]),
    fixed=(
        "4\n7\n17\n18\n27",
        "3\n1\n9\n10",
        "4\n24\n25\n26\n16",
        "3\n200\n199\n198",
        "5\n33\n34\n35\n42\n43",
        "3\n51\n52\n60",
        batch([str(s) for s in range(1, 51)]),
        batch([str(s) for s in range(101, 151)]),
    ),
    generate=restless_generate,
    random_count=10,
    reference="""
-- reach[len][s][d]: some restless string of len digits begins with d and has the digit sum s
local reach = {[1] = {}}
for s = 0, 200 do
  reach[1][s] = {}
  for d = 0, 9 do
    reach[1][s][d] = s == d
  end
end
for len = 2, 25 do
  reach[len] = {}
  for s = 0, 200 do
    reach[len][s] = {}
    for d = 0, math.min(9, s) do
      for following = 0, 9 do
        if following ~= d and reach[len - 1][s - d][following] then
          reach[len][s][d] = true
        end
      end
    end
  end
end

local function smallest(s)
  for len = 1, 25 do
    local digits, previous, rest = {}, 0, s
    for place = len, 1, -1 do
      for d = 0, 9 do
        if d ~= previous and reach[place][rest][d] then
          digits[#digits + 1] = d
          previous, rest = d, rest - d
          break
        end
      end
      if #digits == 0 then
        break
      end
    end
    if #digits == len then
      return table.concat(digits)
    end
  end
end

local t = io.read("*n")
for _ = 1, t do
  print(smallest(io.read("*n")))
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  local nines = math.floor(s / 9)
  local first = s % 9
  -- the smallest number with this digit sum, restless or not
  print((first > 0 and first or "") .. string.rep("9", nines))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  local digits, previous = "", -1
  -- from the right, always the largest digit that differs from its neighbour
  while s > 0 do
    local d = math.min(9, s)
    if d == previous then d = d - 1 end
    digits = d .. digits
    previous = d
    s = s - d
  end
  print(digits)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  for n = 1, 200000 do
    local sum, rest, previous, ok = 0, n, -1, true
    while rest > 0 do
      local d = rest % 10
      if d == previous then ok = false end
      sum, previous, rest = sum + d, d, math.floor(rest / 10)
    end
    if ok and sum == s then
      print(n)
      break
    end
  end
end
""",
    ),
    tags=("greedy", "constructive", "dynamic programming"),
)

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

# --- climb_19_deadlines ---------------------------------------------------------------------


def most_orders(text: str) -> str:
    """Least time for every number of orders kept, over the orders by deadline."""
    numbers = integers(text)
    n = next(numbers)
    orders = sorted((next(numbers), next(numbers))[::-1] for _ in range(n))
    least: list[float] = [0] + [math.inf] * n
    for deadline, work in orders:
        for kept in range(n, 0, -1):
            if least[kept - 1] + work <= deadline:
                least[kept] = min(least[kept], least[kept - 1] + work)
    return str(max(kept for kept in range(n + 1) if least[kept] < math.inf))


def orders_generate(rng: random.Random) -> str:
    n, top = rng.choice((1, 3, 6, 12, 40, 150)), rng.choice((5, 30, 10**9))
    horizon = min(10**9, rng.choice((top, top * 3, max(1, top * n // 3))))
    orders = [(rng.randint(1, top), rng.randint(1, horizon)) for _ in range(n)]
    return "\n".join([str(n), *map(row, orders)])


ORDERS = Authored(
    question_id="climb_19_deadlines",
    title="The Tailor's Orders",
    difficulty="codeforces",
    statement="""
A tailor has n orders at hour 0. Order i takes w_i hours of work and must be finished at hour d_i at
the latest. He works on one order at a time, without a break, and chooses himself which orders he
accepts and in which sequence he does them. An order that would be late is worth nothing.

How many orders can he finish in time at most?

Input
The first line contains n. Each of the next n lines contains w_i and d_i.

Output
Print the largest number of orders.

Constraints
1 <= n <= 1000
1 <= w_i, d_i <= 10^9

Sample Input 1
4
5 6
2 8
3 9
4 9

Sample Output 1
3

Sample Input 2
2
3 2
7 6

Sample Output 2
0

In the first sample he leaves out the first order; the others take 2 + 3 + 4 = 9 hours.
""",
    oracle=most_orders,
    fixed=(
        "4\n5 6\n2 8\n3 9\n4 9",
        "2\n3 2\n7 6",
        "1\n1000000000 1000000000",
        "1\n2 1",
        "3\n10 10\n1 11\n1 12",
        "3\n2 100\n3 5\n4 9",
        "3\n1 10\n2 2\n2 4",
        "4\n4 4\n3 7\n2 8\n2 8",
        "5\n3 9\n3 9\n3 9\n3 9\n3 9",
        "3\n1000000000 1000000000\n999999999 1000000000\n1 1000000000",
        "200\n" + "\n".join(f"{1 + i * 37 % 101} {1 + i * i * 13 % 4001}" for i in range(200)),
    ),
    generate=orders_generate,
    random_count=15,
    reference="""
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work = work, deadline = deadline}
end
table.sort(orders, function(a, b) return a.deadline < b.deadline end)

-- a heap with the longest accepted order on top
local heap = {}

local function push(work)
  local at = #heap + 1
  heap[at] = work
  while at > 1 do
    local parent = math.floor(at / 2)
    if heap[parent] >= heap[at] then
      break
    end
    heap[parent], heap[at] = heap[at], heap[parent]
    at = parent
  end
end

local function pop()
  local top = heap[1]
  heap[1] = heap[#heap]
  heap[#heap] = nil
  local at = 1
  while true do
    local child = 2 * at
    if child > #heap then
      break
    end
    if child < #heap and heap[child + 1] > heap[child] then
      child = child + 1
    end
    if heap[at] >= heap[child] then
      break
    end
    heap[at], heap[child] = heap[child], heap[at]
    at = child
  end
  return top
end

local hours = 0
for _, order in ipairs(orders) do
  push(order.work)
  hours = hours + order.work
  if hours > order.deadline then
    hours = hours - pop()
  end
end
print(#heap)
""",
    wrong=(
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b) return a[2] < b[2] end)
local hours, count = 0, 0
for _, order in ipairs(orders) do
  -- never takes back what was accepted
  if hours + order[1] <= order[2] then
    hours = hours + order[1]
    count = count + 1
  end
end
print(count)
""",
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b)
  if a[1] == b[1] then return a[2] < b[2] end
  return a[1] < b[1]
end)
local hours, count = 0, 0
for _, order in ipairs(orders) do
  if hours + order[1] <= order[2] then
    hours = hours + order[1]
    count = count + 1
  end
end
print(count)
""",
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b) return a[2] < b[2] end)
local hours, count, longest = 0, 0, 0
for _, order in ipairs(orders) do
  hours = hours + order[1]
  count = count + 1
  longest = math.max(longest, order[1])
  if hours > order[2] then
    -- the same longest order may be thrown out more than once
    hours = hours - longest
    count = count - 1
  end
end
print(count)
""",
    ),
    tags=("greedy", "heap", "sorting"),
)

# --- climb_20_counting ----------------------------------------------------------------------


def hook_ways(numbers: Iterator[int]) -> int:
    """Give the hooks away from the highest to the lowest."""
    n = next(numbers)
    reach = list(islice(numbers, n))
    hooks = sorted(islice(numbers, n), reverse=True)
    ways = 1
    for taken, hook in enumerate(hooks):
        ways *= max(0, sum(height >= hook for height in reach) - taken)
    return ways % (10**9 + 7)


def hooks_generate(rng: random.Random) -> str:
    def case() -> str:
        n, top = rng.choice((1, 2, 3, 6, 15, 60)), rng.choice((4, 30, 10**9))
        hooks = [rng.randint(1, top) for _ in range(n)]
        reach = [min(top, hook + rng.randint(0, max(1, top // 3))) for hook in hooks]
        if rng.random() < 0.2:
            reach[rng.randrange(n)] = rng.randint(1, top)
        rng.shuffle(reach)
        return f"{n}\n{row(reach)}\n{row(hooks)}"

    return batch([case() for _ in range(rng.randint(2, 7))])


HOOKS = Authored(
    question_id="climb_20_counting",
    title="Coats on Hooks",
    difficulty="codeforces",
    statement="""
A kindergarten has n children and n coat hooks. Child i reaches up to the height r_i, hook j is at
the height h_j. Every child is to get a hook of its own that it can reach, that is, h_j <= r_i.

In how many ways can the hooks be given to the children? Two ways are different if some child gets a
different hook; all children and all hooks can be told apart. As the number can be huge, print its
remainder when divided by 1000000007.

Input
The first line contains t, the number of test cases. Each test case has three lines. The first
contains n, the second r_1, ..., r_n and the third h_1, ..., h_n.

Output
For each test case print the number of ways modulo 1000000007.

Constraints
1 <= t <= 50
1 <= n <= 2000, and the sum of n over all test cases is at most 3000
1 <= r_i, h_j <= 10^9

Sample Input
3
3
120 95 110
90 115 95
2
100 100
80 101
3
7 7 7
7 1 3

Sample Output
2
0
6

In the first test case the hook at 115 must go to the first child; the other two children reach both
other hooks.
""",
    oracle=lambda text: answer_each(text, hook_ways),
    fixed=(
        "3\n3\n120 95 110\n90 115 95\n2\n100 100\n80 101\n3\n7 7 7\n7 1 3",
        "3\n1\n1\n1\n1\n1\n2\n1\n2\n1",
        "2\n4\n1 2 3 4\n4 3 2 1\n4\n1 1 1 1\n1 1 1 2",
        "2\n4\n4 2 4 1\n1 1 2 4\n4\n1 9 9 9\n2 2 2 2",
        "2\n13\n"
        + row([5] * 13)
        + "\n"
        + row([5] * 13)
        + "\n12\n"
        + row([5] * 12)
        + "\n"
        + row([4] * 12),
        "2\n19\n"
        + row([9] * 19)
        + "\n"
        + row([1] * 19)
        + "\n25\n"
        + row([9] * 25)
        + "\n"
        + row([1] * 25),
        "1\n1000\n"
        + row(1000 - i * 7 % 500 for i in range(1000))
        + "\n"
        + row(1 + i * 3 % 450 for i in range(1000)),
    ),
    generate=hooks_generate,
    random_count=13,
    reference="""
local MOD = 1000000007

local function read_sorted(n)
  local values = {}
  for i = 1, n do
    values[i] = io.read("*n")
  end
  table.sort(values)
  return values
end

local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = read_sorted(n), read_sorted(n)
  local ways, within = 1, 0
  for i = 1, n do
    -- the smaller children have taken i - 1 of the hooks within reach
    while within < n and hooks[within + 1] <= reach[i] do
      within = within + 1
    end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
    wrong=(
        """
local MOD = 1000000007
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  -- the children come in the order of the input
  local ways = 1
  for i = 1, n do
    local within = 0
    for j = 1, n do
      if hooks[j] <= reach[i] then within = within + 1 end
    end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  table.sort(reach)
  table.sort(hooks)
  local ways, within = 1, 0
  for i = 1, n do
    while within < n and hooks[within + 1] <= reach[i] do within = within + 1 end
    ways = ways * math.max(0, within - (i - 1))
  end
  -- too late: the product is no longer exact
  print(string.format("%d", ways % 1000000007))
end
""",
        """
local MOD = 1000000007
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  table.sort(reach)
  table.sort(hooks)
  local ways, within = 1, 0
  for i = 1, n do
    while within < n and hooks[within + 1] < reach[i] do within = within + 1 end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
    ),
    tags=("combinatorics", "sorting", "two pointers"),
)

PROBLEMS = (RESTLESS, SHELVES, GEARS, BELLS, CALM, ORDERS, HOOKS)
