"""Problems of the level of AtCoder Beginner Contest B-C, part 1."""

import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- abc311_b: common free days


def solve_free_days(text: str) -> str:
    lines = text.split()
    days = int(lines[1])
    people = lines[2:]
    everybody_free = [all(person[day] == "o" for person in people) for day in range(days)]
    lengths = [
        end - start
        for start in range(days)
        for end in range(start, days + 1)
        if all(everybody_free[start:end])
    ]
    return str(max(lengths))


def generate_free_days(rng: random.Random) -> str:
    largest = rng.choice([4, 10, 10, 30, 100])
    people = rng.randint(1, largest)
    days = rng.randint(1, largest)
    busy = rng.choice([0.05, 0.3, 1.0]) / people
    rows = [
        "".join("x" if rng.random() < busy else "o" for _ in range(days)) for _ in range(people)
    ]
    return "\n".join([f"{people} {days}", *rows])


FREE_DAYS_REFERENCE = """
local n, d = io.read("*n", "*n")
io.read("*l")
local free = {}
for j = 1, d do
  free[j] = true
end
for _ = 1, n do
  local s = io.read("*l")
  for j = 1, d do
    if s:sub(j, j) == "x" then
      free[j] = false
    end
  end
end
local best, run = 0, 0
for j = 1, d do
  if free[j] then
    run = run + 1
    best = math.max(best, run)
  else
    run = 0
  end
end
print(best)
"""

FREE_DAYS = Authored(
    question_id="abc311_b",
    title="Trip in Common",
    difficulty="abc",
    statement="""
A group of N friends wants to travel together. The trip has to fall into the next D days, and it
has to consist of consecutive days on which nobody in the group is busy.

You are given one calendar per friend: a string of length D whose j-th character is `o` if that
friend is free on day j and `x` if that friend is busy on day j.

Find the largest number of days that the trip can last. If there is no day on which everybody is
free, the answer is 0.

Input

The input is given in the following format:

N D
S_1
S_2
:
S_N

Output

Print the length of the longest possible trip.

Constraints

- 1 <= N <= 100
- 1 <= D <= 100
- S_i is a string of length D consisting of `o` and `x`.

Sample Input 1

2 7
oooxooo
oxooooo

Sample Output 1

3

Days 1, 3, 5, 6 and 7 suit both friends. Days 5 to 7 are the longest block of neighbouring ones.

Sample Input 2

3 3
oox
oxo
xoo

Sample Output 2

0

On each day somebody is busy.

Sample Input 3

1 5
xoxox

Sample Output 3

1
""",
    oracle=solve_free_days,
    fixed=(
        "2 7\noooxooo\noxooooo",
        "3 3\noox\noxo\nxoo",
        "1 5\nxoxox",
        "1 1\no",
        "1 1\nx",
        "2 6\noooooo\noooooo",
        "2 8\nooooxoox\noooooooo",
        "3 9\nxoooooooo\nooooooooo\nooxoooooo",
        "4 4\noooo\noooo\noooo\nxxxx",
    ),
    generate=generate_free_days,
    random_count=14,
    reference=FREE_DAYS_REFERENCE,
    wrong=(
        # Counts all common days, neighbouring or not.
        """
local n, d = io.read("*n", "*n")
io.read("*l")
local busy = {}
for _ = 1, n do
  local s = io.read("*l")
  for j = 1, d do
    if s:sub(j, j) == "x" then
      busy[j] = true
    end
  end
end
local count = 0
for j = 1, d do
  if not busy[j] then
    count = count + 1
  end
end
print(count)
""",
        # Looks at a block only when a busy day ends it: the block at the end is lost.
        slip(
            FREE_DAYS_REFERENCE,
            ("    run = run + 1\n    best = math.max(best, run)\n", "    run = run + 1\n"),
            ("    run = 0\n", "    best = math.max(best, run)\n    run = 0\n"),
        ),
        # Takes the shortest of the friends' own longest blocks.
        """
local n, d = io.read("*n", "*n")
io.read("*l")
local answer = d
for _ = 1, n do
  local s = io.read("*l")
  local best = 0
  for block in s:gmatch("o+") do
    best = math.max(best, #block)
  end
  answer = math.min(answer, best)
end
print(answer)
""",
    ),
    tags=("strings", "runs", "simulation"),
    inspired_by="AtCoder ABC311 B",
)


# ---------------------------------------------------------------- ladder_01: longest cheap block


def solve_window(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    budget, seconds = numbers[1], numbers[2:]
    best_length, best_start = 0, 0
    for start in range(len(seconds)):
        total = 0
        for end in range(start, len(seconds)):
            total += seconds[end]
            if total > budget:
                break
            if end - start + 1 > best_length:
                best_length, best_start = end - start + 1, start + 1
    return f"{best_length} {best_start}"


def generate_window(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 10), rng.randint(5, 10), rng.randint(20, 60), 500])
    largest = rng.choice([3, 10, 10**9])
    seconds = [rng.randint(1, largest) for _ in range(count)]
    budget = rng.randint(0, int(largest * rng.choice([1, 3, 5, 1 + count / 3])))
    return f"{count} {budget}\n{' '.join(map(str, seconds))}"


WINDOW_REFERENCE = """
local n, s = io.read("*n", "*n")
local a = {}
for i = 1, n do
  a[i] = io.read("*n")
end
local best, first = 0, 0
local left, sum = 1, 0
for right = 1, n do
  sum = sum + a[right]
  while sum > s do
    sum = sum - a[left]
    left = left + 1
  end
  if right - left + 1 > best then
    best = right - left + 1
    first = left
  end
end
print(best .. " " .. first)
"""

WINDOW = Authored(
    question_id="ladder_01_window",
    title="Podcast on the Train",
    difficulty="abc",
    statement="""
A podcast has N episodes; episode i lasts A_i seconds. On a train journey of S seconds you want to
hear as many consecutive episodes as possible, each of them from start to end.

Print how many episodes you can hear and the number of the first one. If several choices have the
same largest number of episodes, take the one that starts earliest. If not even one episode fits,
print `0 0`.

Input

The input is given in the following format:

N S
A_1 A_2 ... A_N

Output

Print the number of episodes and the number of the first one, separated by a space.

Constraints

- 1 <= N <= 2000
- 0 <= S <= 10^13
- 1 <= A_i <= 10^9
- All values are integers.

Sample Input 1

6 10
7 6 2 2 3 9

Sample Output 1

3 2

Episodes 2, 3 and 4 last exactly 10 seconds. Episodes 3, 4 and 5 would fit too, but they start
later. No four neighbouring episodes fit.

Sample Input 2

2 4
5 5

Sample Output 2

0 0
""",
    oracle=solve_window,
    fixed=(
        "6 10\n7 6 2 2 3 9",
        "2 4\n5 5",
        "1 0\n1",
        "1 1\n1",
        "5 5\n1 1 1 1 1",
        "4 3\n3 3 3 3",
        "5 9\n4 5 1 3 8",
        "5 6\n9 9 1 2 3",
        "3 10000000000000\n1000000000 1000000000 1000000000",
    ),
    generate=generate_window,
    random_count=16,
    reference=WINDOW_REFERENCE,
    wrong=(
        # A later block of the same length replaces the earlier one.
        slip(WINDOW_REFERENCE, ("+ 1 > best then", "+ 1 >= best and sum > 0 then")),
        # Starts anew behind the episode that is too much, instead of dropping the first ones.
        """
local n, s = io.read("*n", "*n")
local best, first = 0, 0
local start, sum = 1, 0
for i = 1, n do
  local x = io.read("*n")
  if sum + x <= s then
    sum = sum + x
  else
    start = i
    sum = x
    if x > s then
      start = i + 1
      sum = 0
    end
  end
  if i - start + 1 > best then
    best = i - start + 1
    first = start
  end
end
print(best .. " " .. first)
""",
        # Does not use the last second.
        slip(WINDOW_REFERENCE, ("while sum > s do", "while left <= right and sum >= s do")),
    ),
    tags=("two pointers", "arrays"),
)

PROBLEMS = (
    FREE_DAYS,
    WINDOW,
)
