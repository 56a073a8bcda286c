"""Beginner problems: lists and tables of numbers."""

import random

from bench.authoring.authored import Authored


def runner_up_oracle(text: str) -> str:
    different = sorted(set(map(int, text.split()[1:])))
    return str(different[-2]) if len(different) > 1 else "none"


def runner_up_input(source: random.Random) -> str:
    low, high = source.choice(((-3, 3), (-50, -40), (0, 100), (-(10**9), 10**9)))
    count = source.randint(1, source.choice((4, 30, 200)))
    return f"{count}\n{' '.join(str(source.randint(low, high)) for _ in range(count))}"


RUNNER_UP = Authored(
    question_id="starter_06_runner_up",
    title="Silver Medal",
    difficulty="beginner",
    statement="""
N players have finished a game; player i has s_i points, which may be negative. All players with the
highest score get gold. The highest score that is strictly lower than the gold score gets silver.

Print the silver score, or none if all players have the same score.

Input

The first line has the integer N. The second line has the integers s_1, ..., s_N.

Output

The silver score, or the word none.

Constraints

- 1 <= N <= 200
- -1000000000 <= s_i <= 1000000000

Sample Input 1

5
8 12 3 12 7

Sample Output 1

8

Two players share gold with 12 points.

Sample Input 2

2
-4 -4

Sample Output 2

none
""",
    oracle=runner_up_oracle,
    fixed=(
        "5\n8 12 3 12 7",
        "2\n-4 -4",
        "1\n0",
        "2\n1 0",
        "2\n0 1",
        "3\n-5 -2 -9",
        "3\n-1 -1 -2",
        "4\n5 5 5 4",
        "4\n9 8 7 6",
        "4\n6 7 8 9",
        "3\n1000000000 -1000000000 1000000000",
        "200\n" + " ".join(["3"] * 200),
    ),
    generate=runner_up_input,
    random_count=13,
    reference="""
local n = io.read("*n")
local gold, silver = -math.huge, -math.huge
for i = 1, n do
  local score = io.read("*n")
  if score > gold then
    gold, silver = score, gold
  elseif score < gold and score > silver then
    silver = score
  end
end
if silver == -math.huge then
  print("none")
else
  print(silver)
end
""",
    wrong=(
        """
local n = io.read("*n")
local scores = {}
for i = 1, n do
  scores[i] = io.read("*n")
end
table.sort(scores)
if scores[1] == scores[n] then
  print("none")
else
  print(scores[n - 1])
end
""",
        """
local n = io.read("*n")
local gold, silver = 0, 0
local first, same = nil, true
for i = 1, n do
  local score = io.read("*n")
  first = first or score
  same = same and score == first
  if score > gold then
    gold, silver = score, gold
  elseif score < gold and score > silver then
    silver = score
  end
end
print(same and "none" or silver)
""",
        """
local n = io.read("*n")
local gold, silver = -math.huge, -math.huge
for i = 1, n do
  local score = io.read("*n")
  if score > gold then
    gold = score
  elseif score < gold and score > silver then
    silver = score
  end
end
if silver == -math.huge then
  print("none")
else
  print(silver)
end
""",
    ),
    tags=("min-max", "sequences"),
)


def diagonals_oracle(text: str) -> str:
    size, *cells = map(int, text.split())
    on_diagonal = [
        cell
        for place, cell in enumerate(cells)
        if place // size == place % size or place // size + place % size == size - 1
    ]
    return str(sum(on_diagonal))


def diagonals_input(source: random.Random) -> str:
    size, bound = source.randint(1, source.choice((5, 20))), source.choice((9, 10**9))
    rows = [" ".join(str(source.randint(-bound, bound)) for _ in range(size)) for _ in range(size)]
    return "\n".join([str(size), *rows])


DIAGONALS = Authored(
    question_id="starter_16_diagonals",
    title="Cross Sum of a Square",
    difficulty="beginner",
    statement="""
A square table has N rows and N columns of integers. Colour every cell that lies on one of the two
diagonals (from the upper left to the lower right corner, and from the upper right to the lower left
corner). Print the sum of the coloured cells. A cell that lies on both diagonals counts once.

Input

The first line has the integer N. Each of the next N lines has N integers.

Output

The sum of the coloured cells.

Constraints

- 1 <= N <= 50
- Every integer is between -1000000000 and 1000000000.

Sample Input 1

3
1 2 3
4 5 6
7 8 9

Sample Output 1

25

The coloured cells are 1, 3, 5, 7 and 9.

Sample Input 2

2
1 -2
-3 4

Sample Output 2

0
""",
    oracle=diagonals_oracle,
    fixed=(
        "3\n1 2 3\n4 5 6\n7 8 9",
        "2\n1 -2\n-3 4",
        "1\n7",
        "1\n-1000000000",
        "2\n1 1\n1 1",
        "3\n0 9 0\n9 1 9\n0 9 0",
        "4\n1 2 3 4\n5 6 7 8\n9 10 11 12\n13 14 15 16",
        "3\n-1 -2 -3\n-4 -5 -6\n-7 -8 -9",
        "50\n" + "\n".join([" ".join(["1000000000"] * 50)] * 50),
    ),
    generate=diagonals_input,
    random_count=13,
    reference="""
local n = io.read("*n")
local sum = 0
for r = 1, n do
  for c = 1, n do
    local value = io.read("*n")
    if r == c or r + c == n + 1 then
      sum = sum + value
    end
  end
end
print(sum)
""",
    wrong=(
        """
local n = io.read("*n")
local sum = 0
for r = 1, n do
  for c = 1, n do
    local value = io.read("*n")
    if r == c then
      sum = sum + value
    end
    if r + c == n + 1 then
      sum = sum + value
    end
  end
end
print(sum)
""",
        """
local n = io.read("*n")
local sum = 0
for r = 1, n do
  for c = 1, n do
    local value = io.read("*n")
    if r == c or r + c == n then
      sum = sum + value
    end
  end
end
print(sum)
""",
        """
local n = io.read("*n")
local sum, middle = 0, math.ceil(n / 2)
for r = 1, n do
  for c = 1, n do
    local value = io.read("*n")
    if r == c then
      sum = sum + value
    end
    if r + c == n + 1 then
      sum = sum + value
    end
    if r == middle and c == middle then
      sum = sum - value
    end
  end
end
print(sum)
""",
    ),
    tags=("grid", "sums"),
)

PROBLEMS = (RUNNER_UP, DIAGONALS)
