"""Problems of the level of AtCoder Beginner Contest B-C, part 6."""

import heapq
import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- ladder_08: rising water


def solve_flood(text: str) -> str:
    words = text.split()
    height, width = int(words[0]), int(words[1])
    cells = {(i, j): words[2 + i][j] for i in range(height) for j in range(width)}
    minutes = 0
    while True:
        wet_next = [
            (i, j)
            for (i, j), what in cells.items()
            if what == "."
            and any(
                cells.get(beside) == "W"
                for beside in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1))
            )
        ]
        if not wet_next:
            break
        minutes += 1
        for cell in wet_next:
            cells[cell] = "W"
    return f"{minutes} {sum(what == '.' for what in cells.values())}"


def generate_flood(rng: random.Random) -> str:
    side = rng.choice([2, 4, 8, 20, 45])
    height, width = rng.randint(1, side), rng.randint(1, side)
    walls = rng.choice([0.1, 0.35, 0.45])
    sources = rng.choice([0.0, 1.0, 1.0, 3.0]) / (height * width)
    rows = [
        "".join(
            "W" if rng.random() < sources else "#" if rng.random() < walls else "."
            for _ in range(width)
        )
        for _ in range(height)
    ]
    return "\n".join([f"{height} {width}", *rows])


FLOOD_REFERENCE = """
local h, w = io.read("*n", "*n")
io.read("*l")
local grid = {}
local queue, dry = {}, 0
for i = 1, h do
  local line = io.read("*l")
  grid[i] = {}
  for j = 1, w do
    local c = line:sub(j, j)
    grid[i][j] = c
    if c == "W" then
      queue[#queue + 1] = { i, j, 0 }
    elseif c == "." then
      dry = dry + 1
    end
  end
end
local last = 0
local head = 1
while queue[head] do
  local i, j, minute = unpack(queue[head])
  head = head + 1
  last = minute
  for _, d in ipairs({ { 1, 0 }, { -1, 0 }, { 0, 1 }, { 0, -1 } }) do
    local y, x = i + d[1], j + d[2]
    if grid[y] and grid[y][x] == "." then
      grid[y][x] = "W"
      dry = dry - 1
      queue[#queue + 1] = { y, x, minute + 1 }
    end
  end
end
print(last .. " " .. dry)
"""

FLOOD = Authored(
    question_id="ladder_08_flood",
    title="Cellar Under Water",
    difficulty="abc",
    statement="""
The plan of a cellar is a grid of H rows and W columns: `#` is a wall, `.` is a dry cell and `W` is
a cell where water comes up. Nothing outside the plan can be reached.

In each minute the water runs from each wet cell into all dry cells that share a side with it. Walls
stay dry and let no water through.

When does the water come to rest? Print the number of the minute in which the last cell gets wet
(0 if no cell gets wet besides those that are wet at the start), and how many cells `.` stay dry
for ever.

Input

The input is given in the following format:

H W
C_1
:
C_H

Output

Print the two numbers, separated by a space.

Constraints

- 1 <= H, W <= 100
- C_i is a string of length W consisting of `#`, `.` and `W`.

Sample Input 1

3 5
W.#..
..#W.
.#...

Sample Output 1

2 0

In minute 1 the cells right of and below the upper `W` get wet, and the four cells around the other
`W` except the wall. In minute 2 the rest follows.

Sample Input 2

2 3
.#W
#..

Sample Output 2

2 1

Sample Input 3

1 2
.#

Sample Output 3

0 1
""",
    oracle=solve_flood,
    fixed=(
        "3 5\nW.#..\n..#W.\n.#...",
        "2 3\n.#W\n#..",
        "1 2\n.#",
        "1 1\nW",
        "1 7\nW.....W",
        "1 6\n..W...",
        "2 2\nW#\n#.",
        "5 5\nW....\n####.\n.....\n.####\n.....",
        "3 3\nWWW\nWWW\nWWW",
        "4 4\n####\n####\n####\n####",
        "3 4\n....\n.W..\n....",
    ),
    generate=generate_flood,
    random_count=16,
    reference=FLOOD_REFERENCE,
    wrong=(
        # Lets the water run into cells that only share a corner, too.
        slip(
            FLOOD_REFERENCE,
            ("{ 0, -1 } }", "{ 0, -1 }, { 1, 1 }, { 1, -1 }, { -1, 1 }, { -1, -1 } }"),
        ),
        # Spreads within one pass over the grid what got wet in the same minute.
        """
local h, w = io.read("*n", "*n")
io.read("*l")
local g = {}
for i = 1, h do
  g[i] = {}
  local line = io.read("*l")
  for j = 1, w do
    g[i][j] = line:sub(j, j)
  end
end
local function wet(i, j)
  return g[i] and g[i][j] == "W"
end
local minutes = 0
while true do
  local changed = false
  for i = 1, h do
    for j = 1, w do
      if g[i][j] == "." and (wet(i - 1, j) or wet(i + 1, j) or wet(i, j - 1) or wet(i, j + 1)) then
        g[i][j] = "W"
        changed = true
      end
    end
  end
  if not changed then
    break
  end
  minutes = minutes + 1
end
local dry = 0
for i = 1, h do
  for j = 1, w do
    if g[i][j] == "." then
      dry = dry + 1
    end
  end
end
print(minutes .. " " .. dry)
""",
        # Takes from the end of the queue: a depth-first walk finds no shortest ways.
        slip(
            FLOOD_REFERENCE,
            ("local head = 1\nwhile queue[head] do", "while #queue > 0 do"),
            ("unpack(queue[head])\n  head = head + 1", "unpack(table.remove(queue))"),
            ("last = minute", "last = math.max(last, minute)"),
        ),
    ),
    tags=("bfs", "grid"),
)


# ---------------------------------------------------------------- ladder_09: supermarket tills


def solve_tills(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    till_count = numbers[1]
    customers = list(zip(numbers[2::2], numbers[3::2], strict=True))
    served = [0] * till_count
    waiting = 0
    idle = list(range(till_count))
    busy: list[tuple[int, int]] = []  # (end, till)
    for arrival, duration in customers:
        while busy and busy[0][0] <= arrival:
            heapq.heappush(idle, heapq.heappop(busy)[1])
        if idle:
            start, till = arrival, heapq.heappop(idle)
        else:
            start, till = heapq.heappop(busy)
        waiting += start - arrival
        served[till] += 1
        heapq.heappush(busy, (start + duration, till))
    return f"{' '.join(map(str, served))}\n{waiting} {max(end for end, _ in busy)}"


def generate_tills(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 6), rng.randint(6, 20), 60, 300])
    tills = rng.choice([1, 2, 3, 5, 20])
    longest = rng.choice([4, 20, 10**6])
    pause = max(1, round(longest / tills * rng.choice([0.5, 1, 2])))
    lines = [f"{count} {tills}"]
    now = 0
    for _ in range(count):
        now += rng.randint(0, pause)
        lines.append(f"{now} {rng.randint(1, longest)}")
    return "\n".join(lines)


TILLS_REFERENCE = """
local n, k = io.read("*n", "*n")
local free, served = {}, {}
for i = 1, k do
  free[i] = 0
  served[i] = 0
end
local waiting, last = 0, 0
for _ = 1, n do
  local arrival, duration = io.read("*n", "*n")
  local till
  for i = 1, k do
    if free[i] <= arrival then
      till = i
      break
    end
  end
  if not till then
    till = 1
    for i = 2, k do
      if free[i] < free[till] then
        till = i
      end
    end
  end
  local start = math.max(arrival, free[till])
  waiting = waiting + start - arrival
  free[till] = start + duration
  served[till] = served[till] + 1
  last = math.max(last, free[till])
end
print(table.concat(served, " "))
print(string.format("%d %d", waiting, last))
"""

TILLS = Authored(
    question_id="ladder_09_tills",
    title="One Queue, Many Tills",
    difficulty="abc",
    statement="""
A supermarket has K tills with the numbers 1 to K and one common queue. N customers come one after
the other: customer i arrives at second A_i and needs D_i seconds at a till. Customers are served in
the order in which they are given.

- If there is an idle till when customer i arrives (and the queue is empty), the customer goes to
  the idle till with the smallest number at once.
- Otherwise the customer waits until it is their turn and a till becomes idle, and goes to that
  till. If several tills become idle at the same second, they take the one with the smallest number.

A till that begins to serve a customer at second t for d seconds is idle again from second t + d on;
a customer who arrives or waits at second t + d can use it right then.

Input

The input is given in the following format:

N K
A_1 D_1
A_2 D_2
:
A_N D_N

Output

In the first line print K numbers: how many customers each of the tills 1, 2, ..., K serves. In the
second line print the sum of the times that all customers spend waiting, and the second at which the
last customer has been served.

Constraints

- 1 <= N <= 1000
- 1 <= K <= 100
- 0 <= A_1 <= A_2 <= ... <= A_N <= 10^9
- 1 <= D_i <= 10^6

Sample Input 1

5 2
0 10
1 4
2 3
20 5
20 1

Sample Output 1

2 3
3 25

Customer 3 waits until second 5 for till 2. At second 20 both tills are idle: customer 4 goes to
till 1 and customer 5 to till 2.

Sample Input 2

3 1
0 5
5 5
6 1

Sample Output 2

3
4 11
""",
    oracle=solve_tills,
    fixed=(
        "5 2\n0 10\n1 4\n2 3\n20 5\n20 1",
        "3 1\n0 5\n5 5\n6 1",
        "1 1\n1000000000 1000000",
        "1 3\n0 1",
        "4 3\n0 5\n0 5\n0 5\n0 5",
        "4 2\n0 8\n0 2\n9 1\n9 1",
        "3 2\n0 3\n0 9\n3 1",
        "6 2\n0 7\n0 7\n1 1\n1 1\n1 1\n30 2",
        "4 1\n0 1\n100 1\n200 50\n201 1",
    ),
    generate=generate_tills,
    random_count=16,
    reference=TILLS_REFERENCE,
    wrong=(
        # Always takes the till that has been idle longest, not the one with the smallest number.
        slip(
            TILLS_REFERENCE,
            (
                "  for i = 1, k do\n    if free[i] <= arrival then\n      till = i\n      break\n",
                "",
            ),
            ("    end\n  end\n  if not till then\n", "  do\n"),
        ),
        # Ignores that a till may stand idle before the customer comes.
        slip(
            TILLS_REFERENCE,
            ("free[till] = start + duration", "free[till] = free[till] + duration"),
        ),
        # A till that becomes idle at the very second of the arrival counts as busy.
        slip(TILLS_REFERENCE, ("free[i] <= arrival", "free[i] < arrival or free[i] == 0")),
    ),
    tags=("simulation", "queue"),
)

PROBLEMS = (
    FLOOD,
    TILLS,
)
