"""Problems of the level of Codeforces 1000-1400, part 4."""

import math
import random
from collections import deque
from collections.abc import Iterator
from functools import cache
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, row

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

PROBLEMS = (
    DIVISORS,
    LAMPS,
)
