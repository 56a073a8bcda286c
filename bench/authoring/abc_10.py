"""Problems of the level of AtCoder Beginner Contest B-C, part 10."""

import math
import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- ladder_16: refuelling stops


def solve_refuel(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    distance, reach = numbers[:2]
    places = [0, *sorted(numbers[3:]), distance]
    stops = [0.0] + [math.inf] * (len(places) - 1)  # fewest stops, this place included
    for here in range(1, len(places)):
        for before in range(here):
            if places[here] - places[before] <= reach:
                stops[here] = min(stops[here], stops[before] + 1)
    return "-1" if stops[-1] == math.inf else str(int(stops[-1]) - 1)


def generate_refuel(rng: random.Random) -> str:
    distance = rng.choice([rng.randint(2, 20), rng.randint(20, 200), 10**9])
    count = min(distance - 1, rng.choice([rng.randint(0, 4), rng.randint(4, 15), 200]))
    stations = rng.sample(range(1, distance), count)
    gap = distance / (count + 1)
    reach = max(1, min(distance, round(gap * rng.choice([0.8, 1.5, 2.5, 4, 8]))))
    return f"{distance} {reach}\n{count}\n{' '.join(map(str, stations))}"


REFUEL_REFERENCE = """
local d, r, n = io.read("*n", "*n", "*n")
local x = {}
for i = 1, n do
  x[i] = io.read("*n")
end
table.sort(x)
x[n + 1] = d
local stops, last_fill, here = 0, 0, 0
for i = 1, n + 1 do
  if x[i] - here > r then
    stops = -1
    break
  end
  if x[i] - last_fill > r then
    stops = stops + 1
    last_fill = here
  end
  here = x[i]
end
print(stops)
"""

REFUEL = Authored(
    question_id="ladder_16_refuel",
    title="As Few Stops as Possible",
    difficulty="abc",
    statement="""
A lorry drives along a straight road from kilometre 0 to kilometre D. With a full tank it can go
exactly R kilometres, and its tank is full at the start. There are N filling stations; station i
stands at kilometre X_i. The stations are given in no particular order. At a station the lorry may
stop and fill its tank completely.

How many stops does the lorry need at least? It may arrive with an empty tank, at a station as well
as at the end of the road. If it cannot reach the end at all, print -1.

Input

The input is given in the following format:

D R
N
X_1 X_2 ... X_N

If N is 0, the last line is left out.

Output

Print the smallest number of stops, or -1.

Constraints

- 1 <= D <= 10^9
- 1 <= R <= 10^9
- 0 <= N <= 2000
- 1 <= X_i <= D - 1
- The X_i are different from each other.

Sample Input 1

25 10
4
18 7 10 14

Sample Output 1

2

The lorry can stop at kilometres 10 and 18.

Sample Input 2

10 4
2
3 5

Sample Output 2

-1

From the station at kilometre 5, it is 5 kilometres to the end.
""",
    oracle=solve_refuel,
    fixed=(
        "25 10\n4\n18 7 10 14",
        "10 4\n2\n3 5",
        "5 5\n0",
        "6 5\n0",
        "1 1\n0",
        "12 3\n3\n9 3 6",
        "20 5\n3\n6 11 16",
        "10 100\n3\n1 2 3",
        "1000000000 500000000\n1\n500000000",
        "30 10\n5\n5 9 15 19 25",
        "9 4\n3\n8 1 4",
    ),
    generate=generate_refuel,
    random_count=16,
    reference=REFUEL_REFERENCE,
    wrong=(
        # Takes the stations in the order of the input.
        slip(REFUEL_REFERENCE, ("table.sort(x)\n", "")),
        # Does not dare to empty the tank.
        slip(REFUEL_REFERENCE, ("x[i] - last_fill > r", "x[i] - last_fill >= r")),
        # Forgets the way from the last station to the end.
        slip(REFUEL_REFERENCE, ("for i = 1, n + 1 do", "for i = 1, n do")),
        # Divides, as if there were a station wherever it is needed.
        """
local d, r, n = io.read("*n", "*n", "*n")
local x = {}
for i = 1, n do
  x[i] = io.read("*n")
end
table.sort(x)
x[0] = 0
x[n + 1] = d
local answer = math.ceil(d / r) - 1
for i = 1, n + 1 do
  if x[i] - x[i - 1] > r then
    answer = -1
  end
end
print(answer)
""",
    ),
    tags=("greedy", "sorting"),
)


# ---------------------------------------------------------------- ladder_17: turning the border


def solve_border(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    height, width, turns = numbers[:3]
    grid = {(i, j): numbers[3 + i * width + j] for i in range(height) for j in range(width)}
    border = walk_border(height, width)
    values = [grid[cell] for cell in border]
    for index, value in enumerate(values):
        grid[border[(index + turns) % len(border)]] = value
    return "\n".join(" ".join(str(grid[i, j]) for j in range(width)) for i in range(height))


def walk_border(height: int, width: int) -> list[tuple[int, int]]:
    """The cells of the border, each once: along the top, down, back along the bottom, up."""
    top = [(0, j) for j in range(width)]
    right = [(i, width - 1) for i in range(height)]
    bottom = [(height - 1, j) for j in reversed(range(width))]
    left = [(i, 0) for i in reversed(range(height))]
    return list(dict.fromkeys(top + right + bottom + left))


def generate_border(rng: random.Random) -> str:
    side = rng.choice([2, 4, 7, 25])
    height, width = rng.randint(1, side), rng.randint(1, side)
    turns = rng.choice([rng.randint(0, 5), rng.randint(0, 2 * (height + width)), 10**9])
    largest = rng.choice([9, 99])
    rows = [" ".join(str(rng.randint(0, largest)) for _ in range(width)) for _ in range(height)]
    return "\n".join([f"{height} {width} {turns}", *rows])


BORDER_REFERENCE = """
local h, w, k = io.read("*n", "*n", "*n")
local a = {}
for i = 1, h do
  a[i] = {}
  for j = 1, w do
    a[i][j] = io.read("*n")
  end
end
local cells = {}
local function add(i, j)
  cells[#cells + 1] = { i, j, a[i][j] }
end
for j = 1, w do
  add(1, j)
end
for i = 2, h do
  add(i, w)
end
if h > 1 then
  for j = w - 1, 1, -1 do
    add(h, j)
  end
end
if w > 1 then
  for i = h - 1, 2, -1 do
    add(i, 1)
  end
end
for index, cell in ipairs(cells) do
  local target = cells[(index - 1 + k) % #cells + 1]
  a[target[1]][target[2]] = cell[3]
end
for i = 1, h do
  print(table.concat(a[i], " "))
end
"""

BORDER = Authored(
    question_id="ladder_17_border",
    title="The Conveyor Around the Field",
    difficulty="abc",
    statement="""
You are given a table of numbers with H rows and W columns. A conveyor belt runs along its border:
the cells of the first and last row and of the first and last column. The cells inside lie still.

If the table has at least two rows and two columns, each turn of the belt moves every number on the
border to the next border cell clockwise: to the right in the first row, down in the last column, to
the left in the last row, up in the first column.

If the table has only one row, each turn moves every number one cell to the right, and the last one
to the front. If it has only one column, each turn moves every number one cell down, and the last
one to the top.

Print the table after K turns.

Input

The input is given in the following format:

H W K
A_11 A_12 ... A_1W
:
A_H1 A_H2 ... A_HW

Output

Print H lines with W numbers each, separated by spaces.

Constraints

- 1 <= H, W <= 50
- 0 <= K <= 10^9
- 0 <= A_ij <= 1000
- All values are integers.

Sample Input 1

3 4 2
1 2 3 4
10 50 60 5
9 8 7 6

Sample Output 1

9 10 1 2
8 50 60 3
7 6 5 4

Sample Input 2

1 4 5
1 2 3 4

Sample Output 2

4 1 2 3
""",
    oracle=solve_border,
    fixed=(
        "3 4 2\n1 2 3 4\n10 50 60 5\n9 8 7 6",
        "1 4 5\n1 2 3 4",
        "4 1 1\n1\n2\n3\n4",
        "1 1 1000000000\n7",
        "2 2 1\n1 2\n3 4",
        "2 3 4\n1 2 3\n6 5 4",
        "3 2 1000000000\n1 2\n3 4\n5 6",
        "3 3 0\n1 2 3\n4 5 6\n7 8 9",
        "4 4 13\n1 2 3 4\n5 6 7 8\n9 10 11 12\n13 14 15 16",
    ),
    generate=generate_border,
    random_count=15,
    reference=BORDER_REFERENCE,
    wrong=(
        # Runs back along the only row or the only column.
        slip(
            BORDER_REFERENCE,
            ("if h > 1 then\n", "do\n"),
            ("if w > 1 then\n", "do\n"),
        ),
        # Turns counter-clockwise.
        slip(BORDER_REFERENCE, ("(index - 1 + k)", "(index - 1 - k)")),
        # Goes round the border at most once.
        slip(
            BORDER_REFERENCE,
            (
                "cells[(index - 1 + k) % #cells + 1]",
                "cells[index + k] or cells[index + k - #cells]",
            ),
        ),
        # Moves the numbers one after the other and so overwrites some before they are read.
        slip(BORDER_REFERENCE, ("= cell[3]", "= a[cell[1]][cell[2]]")),
    ),
    tags=("grid", "simulation"),
)

PROBLEMS = (
    REFUEL,
    BORDER,
)
