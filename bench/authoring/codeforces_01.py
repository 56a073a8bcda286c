"""Problems of the level of Codeforces 1000-1400, part 1."""

import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, row

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

PROBLEMS = (
    TEN_MOVES,
    SWAPPED_POWERS,
)
