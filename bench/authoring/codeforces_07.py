"""Problems of the level of Codeforces 1000-1400, part 7."""

import random
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import integers, row

# --- climb_11_dp ----------------------------------------------------------------------------


def best_season(text: str) -> str:
    """Best result of the first i days if day i is a rest, over the length of the run before it."""
    numbers = integers(text)
    n, limit = next(numbers), next(numbers)
    gains = [0, *islice(numbers, n), 0]
    best = [0] + [0] * (n + 1)
    for rest in range(1, n + 2):
        options = []
        for run in range(min(limit, rest - 1) + 1):
            before = rest - run - 1
            options.append(best[before] + sum(gains[before + 1 : rest]))
        best[rest] = max(options)
    return str(best[n + 1])


def season_generate(rng: random.Random) -> str:
    n, top = rng.choice((1, 3, 8, 20, 120)), rng.choice((5, 50, 10**9))
    low = rng.choice((-top, -top // 4, 0))
    limit = min(n, rng.choice((1, 2, 2, 3, 4, 10)))
    return f"{n} {limit}\n" + row(rng.randint(low, top) for _ in range(n))


SEASON = Authored(
    question_id="climb_11_dp",
    title="Days Off in the Season",
    difficulty="codeforces",
    statement="""
A street musician knows for each of the next n days what playing on that day would bring: g_i coins,
or a loss if g_i is negative (the place must be paid for). On each day she plays or rests. The town
does not allow her to play on more than k days in a row. A day of rest brings and costs nothing, and
she may rest as often as she likes.

Find the largest total that she can have after n days.

Input
The first line contains n and k. The second line contains g_1, ..., g_n.

Output
Print the largest total.

Constraints
1 <= n <= 2000
1 <= k <= min(n, 10)
-10^9 <= g_i <= 10^9

Sample Input 1
6 2
4 5 3 -2 7 7

Sample Output 1
23

Sample Input 2
5 3
6 1 8 9 5

Sample Output 2
28

Sample Input 3
2 1
-3 -1

Sample Output 3
0

In the first sample she plays on days 1, 2, 5 and 6. In the second sample she rests on day 2 only.
""",
    oracle=best_season,
    fixed=(
        "6 2\n4 5 3 -2 7 7",
        "5 3\n6 1 8 9 5",
        "2 1\n-3 -1",
        "1 1\n-5",
        "1 1\n5",
        "4 4\n1 2 3 4",
        "4 3\n1 2 3 4",
        "3 2\n5 9 5",
        "7 2\n5 5 1 5 1 5 5",
        "5 2\n9 -1 9 9 -1",
        "6 1\n10 11 10 10 11 10",
        "800 4\n" + row(i * i * 31 % 101 - 20 for i in range(800)),
        "10 10\n" + row([1000000000] * 10),
    ),
    generate=season_generate,
    random_count=14,
    reference="""
local n, limit = io.read("*n", "*n")
-- best[r]: the largest total so far if the last r days, and not one more, were played
local best = {[0] = 0}
for r = 1, limit do
  best[r] = -math.huge
end
for _ = 1, n do
  local gain = io.read("*n")
  local rest = best[0]
  for r = limit, 1, -1 do
    rest = math.max(rest, best[r])
    best[r] = best[r - 1] + gain
  end
  best[0] = rest
end
local answer = best[0]
for r = 1, limit do
  answer = math.max(answer, best[r])
end
print(string.format("%d", answer))
""",
    wrong=(
        """
local n, limit = io.read("*n", "*n")
local total, run, smallest = 0, 0, math.huge
-- whenever the run gets too long, gives up its poorest day
for _ = 1, n do
  local gain = io.read("*n")
  if gain < 0 then
    run, smallest = 0, math.huge
  else
    total = total + gain
    run = run + 1
    smallest = math.min(smallest, gain)
    if run > limit then
      total = total - smallest
      run, smallest = 0, math.huge
    end
  end
end
print(string.format("%d", total))
""",
        """
local n, limit = io.read("*n", "*n")
local best = {[0] = 0}
for r = 1, limit do best[r] = -math.huge end
for _ = 1, n do
  local gain = io.read("*n")
  for r = limit, 1, -1 do best[r] = best[r - 1] + gain end
  -- the run that has just been extended is used as if it had rested
  for r = 1, limit do best[0] = math.max(best[0], best[r]) end
end
local answer = best[0]
print(string.format("%d", answer))
""",
        """
local n, limit = io.read("*n", "*n")
local g, prefix = {}, {[0] = 0}
for i = 1, n do
  g[i] = io.read("*n")
  prefix[i] = prefix[i - 1] + g[i]
end
local best = {[0] = 0}
for i = 1, n do
  best[i] = best[i - 1]
  for run = 1, math.min(limit, i) do
    -- no day of rest between two runs
    local before = i - run
    best[i] = math.max(best[i], best[before] + prefix[i] - prefix[before])
  end
end
print(string.format("%d", best[n]))
""",
    ),
    tags=("dynamic programming",),
)


# --- climb_12_grid --------------------------------------------------------------------------


def best_walk(rows: list[str]) -> int:
    """Most berries on a walk that avoids all rocks; -1 if there is none."""
    best: dict[tuple[int, int], int] = {}
    for r, line in enumerate(rows):
        for c, cell in enumerate(line):
            before = [best[at] for at in ((r - 1, c), (r, c - 1)) if at in best]
            if cell != "#" and (before or (r, c) == (0, 0)):
                best[r, c] = max(before, default=0) + int(cell)
    return best.get((len(rows) - 1, len(rows[0]) - 1), -1)


def grid_oracle(text: str) -> str:
    """Try every rock as the one to clear."""
    rows = text.split()[2:]
    answers = [best_walk(rows)]
    for r, line in enumerate(rows):
        for c, cell in enumerate(line):
            if cell == "#":
                cleared = line[:c] + "0" + line[c + 1 :]
                answers.append(best_walk([*rows[:r], cleared, *rows[r + 1 :]]))
    return str(max(answers))


def grid_generate(rng: random.Random) -> str:
    height, width = rng.choice((1, 2, 4, 8, 18)), rng.choice((2, 3, 5, 8, 18))
    share = rng.choice((0.1, 0.3, 0.45))
    digits = rng.choice(("01", "0123456789", "0009"))
    cells = ["#" if rng.random() < share else rng.choice(digits) for _ in range(height * width)]
    cells[0], cells[-1] = rng.choice(digits), rng.choice(digits)
    rows = ["".join(cells[r * width : (r + 1) * width]) for r in range(height)]
    return "\n".join([f"{height} {width}", *rows])


GRID = Authored(
    question_id="climb_12_grid",
    title="One Rock Out of the Way",
    difficulty="codeforces",
    statement="""
A berry field is a grid of h rows and w columns. A digit in a cell is the number of berries that
grow there; a # is a rock. A picker starts in the upper left cell, moves one cell to the right or
one cell down at a time, and ends in the lower right cell. She picks all berries of the cells that
she enters, the first and the last cell included.

Rocks block the way. But she carries one stick of dynamite: at most once on her walk she may blow up
a rock and enter its cell, where no berries grow.

How many berries can she pick at most?

Input
The first line contains h and w. Each of the next h lines contains w characters, the cells of a row.

Output
Print the largest number of berries, or -1 if she cannot reach the lower right cell.

Constraints
1 <= h, w <= 50 and h * w >= 2
The upper left and the lower right cell are not rocks.

Sample Input 1
3 4
12#1
#5#9
0#31

Sample Output 1
18

Sample Input 2
2 4
1##1
1##1

Sample Output 2
-1

In the first sample she goes right, down, blows up the rock on her right, and then goes right, down:
1 + 2 + 5 + 0 + 9 + 1 = 18.
""",
    oracle=grid_oracle,
    fixed=(
        "3 4\n12#1\n#5#9\n0#31",
        "2 4\n1##1\n1##1",
        "1 2\n00",
        "1 2\n99",
        "1 3\n9#9",
        "1 4\n9##9",
        "3 1\n1\n#\n1",
        "2 2\n0#\n#0",
        "3 3\n0#9\n##9\n000",
        "3 3\n010\n###\n990",
        "3 3\n0##\n0#9\n000",
        "4 4\n1#99\n1#99\n1##9\n1111",
        "2 5\n0#9#1\n000#1",
        "3 5\n11#55\n#91#2\n111#3",
        "4 3\n2#8\n114\n###\n130",
        "4 4\n1#11\n1181\n1#1#\n00#0",
        "5 5\n00000\n0###0\n0#9#0\n0###0\n00000",
        "\n".join(
            ["20 20"]
            + [
                "".join("#" if (r * 7 + c * 5) % 11 == 3 else str((r * c) % 10) for c in range(20))
                for r in range(20)
            ]
        ),
    ),
    generate=grid_generate,
    random_count=15,
    reference="""
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local NONE = -math.huge

-- whole[c], blown[c]: most berries on the way to the cell above without and with a rock blown up
local whole, blown = {}, {}
for c = 0, w do
  whole[c], blown[c] = NONE, NONE
end
for r = 1, h do
  local line = io.read("*l")
  whole[0], blown[0] = NONE, NONE
  for c = 1, w do
    local from_whole = math.max(whole[c], whole[c - 1])
    local from_blown = math.max(blown[c], blown[c - 1])
    if r == 1 and c == 1 then
      from_whole = 0
    end
    local cell = line:sub(c, c)
    if cell == "#" then
      whole[c] = NONE
      blown[c] = from_whole
    else
      whole[c] = from_whole + tonumber(cell)
      blown[c] = from_blown + tonumber(cell)
    end
  end
end
local answer = math.max(whole[w], blown[w])
if answer == NONE then
  answer = -1
end
print(answer)
""",
    wrong=(
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local NONE = -math.huge
local best = {}
for c = 0, w do best[c] = NONE end
for r = 1, h do
  local line = io.read("*l")
  best[0] = NONE
  for c = 1, w do
    local from = math.max(best[c], best[c - 1])
    if r == 1 and c == 1 then from = 0 end
    local cell = line:sub(c, c)
    -- no dynamite
    best[c] = cell == "#" and NONE or from + tonumber(cell)
  end
end
print(best[w] == NONE and -1 or best[w])
""",
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local best, rocks = {}, {}
for c = 0, w do best[c], rocks[c] = -1, 0 end
for r = 1, h do
  local line = io.read("*l")
  best[0] = -1
  for c = 1, w do
    -- keeps only the richest way to a cell, with the number of rocks on it
    local from, used = best[c], rocks[c]
    if best[c - 1] > from then from, used = best[c - 1], rocks[c - 1] end
    if r == 1 and c == 1 then from, used = 0, 0 end
    local cell = line:sub(c, c)
    if from < 0 or (cell == "#" and used == 1) then
      best[c], rocks[c] = -1, 0
    elseif cell == "#" then
      best[c], rocks[c] = from, 1
    else
      best[c], rocks[c] = from + tonumber(cell), used
    end
  end
end
print(best[w])
""",
        """
local h, w = io.read("*l"):match("(%d+) (%d+)")
h, w = tonumber(h), tonumber(w)
local whole, blown = {}, {}
for c = 0, w do whole[c], blown[c] = 0, 0 end
for r = 1, h do
  local line = io.read("*l")
  for c = 1, w do
    local a = math.max(whole[c], whole[c - 1])
    local b = math.max(blown[c], blown[c - 1])
    local cell = line:sub(c, c)
    if cell == "#" then
      whole[c], blown[c] = 0, a
    else
      whole[c], blown[c] = a + tonumber(cell), b + tonumber(cell)
    end
  end
end
print(math.max(whole[w], blown[w]))
""",
    ),
    tags=("dynamic programming", "grids"),
)

PROBLEMS = (
    SEASON,
    GRID,
)
