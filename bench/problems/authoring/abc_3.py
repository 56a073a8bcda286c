"""Problems of the level of AtCoder Beginner Contest B-C, part 3."""

import math
import random
from collections import Counter

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.slips import slip

# ---------------------------------------------------------------- ladder_14: rank of a word


def solve_word_rank(text: str) -> str:
    word = text.strip()
    rank = 1
    for position, letter in enumerate(word):
        rest = word[position:]
        for smaller in sorted(set(rest)):
            if smaller < letter:
                rank += orders(Counter(rest) - Counter(smaller))
    return str(rank)


def orders(letters: Counter[str]) -> int:
    """In how many orders the letters can be written: choose places for one letter after another."""
    places = letters.total()
    result = 1
    for count in letters.values():
        result *= math.comb(places, count)
        places -= count
    return result


def generate_word_rank(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 5), rng.randint(4, 10), rng.randint(15, 18)])
    alphabet = rng.choice(["ab", "abcd", "abcdefghijklmnopqrstuvwxyz"])
    return "".join(rng.choices(alphabet, k=length))


WORD_RANK_REFERENCE = """
local word = io.read("*l")
local n = #word
local factorial = { [0] = 1 }
for i = 1, n do
  factorial[i] = factorial[i - 1] * i
end
local count = {}
for b = 97, 122 do
  count[b] = 0
end
for i = 1, n do
  local b = word:byte(i)
  count[b] = count[b] + 1
end
local rank = 1
for i = 1, n do
  local here = word:byte(i)
  for b = 97, here - 1 do
    if count[b] > 0 then
      count[b] = count[b] - 1
      local ways = factorial[n - i]
      for c = 97, 122 do
        ways = ways / factorial[count[c]]
      end
      rank = rank + ways
      count[b] = count[b] + 1
    end
  end
  count[here] = count[here] - 1
end
print(string.format("%d", rank))
"""

WORD_RANK = Authored(
    question_id="ladder_14_word_rank",
    title="Page of the Magic Word",
    difficulty="abc",
    statement="""
A wizard has forgotten in which order the letters of a magic word come. So he writes a book that
contains all different words that can be made by putting the letters of the magic word in some order
(each time all of its letters), in alphabetical order, one word on each page. The pages are numbered
from 1.

On which page does the magic word S itself stand?

Input

The input is given in the following format:

S

Output

Print the number of the page.

Constraints

- S consists of lower-case letters.
- The length of S is between 1 and 18.

Sample Input 1

baca

Sample Output 1

8

The book begins with aabc, aacb, abac, abca, acab, acba, baac, baca.

Sample Input 2

zzz

Sample Output 2

1

Sample Input 3

rqponmlkjihgfedcba

Sample Output 3

6402373705728000

Print the number in full, digit by digit.
""",
    oracle=solve_word_rank,
    fixed=(
        "baca",
        "zzz",
        "rqponmlkjihgfedcba",
        "a",
        "ab",
        "ba",
        "cba",
        "bbaa",
        "abcdefghijklmnopqr",
        "zyxwvutsrqponmlkji",
        "bbbbbbbbbaaaaaaaaa",
        "zazbzczdzezfzgzhzi",
    ),
    generate=generate_word_rank,
    random_count=16,
    reference=WORD_RANK_REFERENCE,
    wrong=(
        # Treats equal letters as if they could be told apart.
        slip(
            WORD_RANK_REFERENCE,
            (
                "      for c = 97, 122 do\n        ways = ways / factorial[count[c]]\n      end\n",
                "",
            ),
        ),
        # Goes through the positions of smaller letters, so that equal ones count repeatedly.
        slip(WORD_RANK_REFERENCE, ("rank = rank + ways", "rank = rank + ways * (count[b] + 1)")),
        # Counts pages from 0.
        slip(WORD_RANK_REFERENCE, ("local rank = 1\n", "local rank = 0\n")),
        # Large numbers come out in exponent notation.
        slip(WORD_RANK_REFERENCE, ('string.format("%d", rank)', "rank")),
    ),
    tags=("combinatorics", "strings"),
)


# ---------------------------------------------------------------- ladder_15: scoreboard


def solve_scoreboard(text: str) -> str:
    log = [line.split() for line in text.splitlines()[1:]]
    results = {}
    for team in {entry[0] for entry in log}:
        solved, penalty = 0, 0
        for problem in {entry[1] for entry in log}:
            tries = [(int(e[2]), e[3]) for e in log if e[0] == team and e[1] == problem]
            verdicts = [verdict for _, verdict in tries]
            if "AC" in verdicts:
                before = verdicts.index("AC")
                solved += 1
                penalty += tries[before][0] + 20 * before
        results[team] = (-solved, penalty)
    lines = []
    for team in sorted(results, key=lambda team: (results[team], team)):
        solved, penalty = results[team]
        rank = 1 + sum(other < results[team] for other in results.values())
        lines.append(f"{rank} {team} {-solved} {penalty}")
    return "\n".join(lines)


def generate_scoreboard(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 6), rng.randint(6, 20), rng.randint(20, 60), 250])
    team_count = rng.choice([1, 3, 6, 20])
    teams = rng.sample(
        [a + b for a in ("red", "x", "go", "ox", "a") for b in "abcdefgh"], team_count
    )
    problems = "ABCDEFGH"[: rng.randint(1, 8)]
    minute = 0
    entries = []
    for _ in range(count):
        minute = min(300, minute + rng.choice([0, 0, 1, 1 + 300 // count]))
        verdict = rng.choice(["AC", "WA", "WA"])
        entries.append(f"{rng.choice(teams)} {rng.choice(problems)} {minute} {verdict}")
    return "\n".join([str(count), *entries])


SCOREBOARD_REFERENCE = """
local m = io.read("*n")
io.read("*l")
local teams, list = {}, {}
for _ = 1, m do
  local line = io.read("*l")
  local name, problem, minute, verdict = line:match("^(%S+) (%S+) (%d+) (%S+)$")
  local team = teams[name]
  if not team then
    team = { name = name, solved = 0, penalty = 0, done = {}, failed = {} }
    teams[name] = team
    list[#list + 1] = team
  end
  if not team.done[problem] then
    local failed = team.failed[problem] or 0
    if verdict == "AC" then
      team.done[problem] = true
      team.solved = team.solved + 1
      team.penalty = team.penalty + tonumber(minute) + 20 * failed
    else
      team.failed[problem] = failed + 1
    end
  end
end
table.sort(list, function(x, y)
  if x.solved ~= y.solved then
    return x.solved > y.solved
  end
  if x.penalty ~= y.penalty then
    return x.penalty < y.penalty
  end
  return x.name < y.name
end)
local rank = 0
for i, team in ipairs(list) do
  local before = list[i - 1]
  if not before or before.solved ~= team.solved or before.penalty ~= team.penalty then
    rank = i
  end
  print(rank .. " " .. team.name .. " " .. team.solved .. " " .. team.penalty)
end
"""

SCOREBOARD = Authored(
    question_id="ladder_15_scoreboard",
    title="Final Scoreboard",
    difficulty="abc",
    statement="""
You are given the log of a programming contest: M submissions in order of time. Each entry names the
team, the problem, the minute of the contest and the verdict, which is `AC` (accepted) or `WA`
(wrong).

A team has solved a problem if at least one of its submissions to this problem was accepted. The
penalty for a solved problem is the minute of its first accepted submission, plus 20 for each wrong
submission that this team had sent to this problem before. Submissions to a problem that the team
has solved already change nothing, and problems that a team never solves give no penalty.

Teams are ranked by the number of solved problems (more is better) and then by the sum of their
penalties (less is better). The rank of a team is 1 plus the number of teams that are strictly
better; so teams with equal results have the same rank.

Print the scoreboard with all teams that occur in the log. Teams of the same rank come in
alphabetical order of their names.

Input

The input is given in the following format:

M
team_1 problem_1 minute_1 verdict_1
:
team_M problem_M minute_M verdict_M

Output

For each team print one line with rank, name, number of solved problems and penalty, separated by
spaces, in the order described above.

Constraints

- 1 <= M <= 500
- Team names consist of 1 to 10 lower-case letters; a problem is one upper-case letter.
- 0 <= minute_1 <= minute_2 <= ... <= minute_M <= 300
- Each verdict is `AC` or `WA`.

Sample Input 1

7
owls A 10 WA
foxes A 12 AC
bees B 30 AC
owls A 35 AC
foxes B 40 WA
bees B 50 WA
hens C 55 AC

Sample Output 1

1 foxes 1 12
2 bees 1 30
3 hens 1 55
3 owls 1 55

Sample Input 2

2
b A 1 WA
a A 2 WA

Sample Output 2

1 a 0 0
1 b 0 0
""",
    oracle=solve_scoreboard,
    fixed=(
        "7\nowls A 10 WA\nfoxes A 12 AC\nbees B 30 AC\nowls A 35 AC\nfoxes B 40 WA\n"
        "bees B 50 WA\nhens C 55 AC",
        "2\nb A 1 WA\na A 2 WA",
        "1\nsolo Z 0 AC",
        "4\nx A 5 AC\nx A 5 AC\nx A 9 WA\nx A 300 AC",
        "5\na A 1 AC\nb A 1 AC\nc A 1 AC\nd B 2 AC\na B 3 WA",
        "6\nq A 0 AC\nr A 0 WA\nr A 0 WA\nr B 7 AC\nr A 100 AC\nq B 300 WA",
        "5\nm A 10 AC\nn B 10 WA\nn A 10 AC\nm B 11 WA\no A 9 AC",
        "3\ntwo A 1 WA\ntwo B 21 AC\none A 21 AC",
    ),
    generate=generate_scoreboard,
    random_count=16,
    reference=SCOREBOARD_REFERENCE,
    wrong=(
        # Wrong submissions count at once, even if the problem is never solved.
        slip(
            SCOREBOARD_REFERENCE,
            ("tonumber(minute) + 20 * failed", "tonumber(minute)"),
            (
                "team.failed[problem] = failed + 1",
                "team.failed[problem] = failed + 1\n      team.penalty = team.penalty + 20",
            ),
        ),
        # The team after a tie gets the next rank instead of the one that counts the tied teams.
        slip(SCOREBOARD_REFERENCE, ("    rank = i\n", "    rank = rank + 1\n")),
        # Submissions after the first accepted one count as well.
        slip(SCOREBOARD_REFERENCE, ("if not team.done[problem] then", "do")),
        # Teams with the same number of solved problems share the rank.
        slip(SCOREBOARD_REFERENCE, (" or before.penalty ~= team.penalty", "")),
    ),
    tags=("simulation", "sorting", "map"),
)


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


# ---------------------------------------------------------------- ladder_18: long-run generator


def solve_generator(text: str) -> str:
    modulus, a, b, c, start, steps = (int(word) for word in text.split())
    after_one = [(a * x * x + b * x + c) % modulus for x in range(modulus)]
    value, jump, left = start, after_one, steps
    while left:
        if left % 2:
            value = jump[value]
        jump = [jump[jump[x]] for x in range(modulus)]
        left //= 2
    inside = start
    for _ in range(modulus):
        inside = after_one[inside]
    cycle = {inside}
    while after_one[inside] not in cycle:
        inside = after_one[inside]
        cycle.add(inside)
    return f"{value} {len(cycle)}"


def generate_generator(rng: random.Random) -> str:
    modulus = rng.choice([rng.randint(1, 12), rng.randint(12, 200), rng.randint(200, 5000)])
    a, b, c = (rng.randint(0, modulus - 1) for _ in range(3))
    if rng.random() < 0.3:
        a = 0
    steps = rng.choice([rng.randint(0, 5), rng.randint(0, 2 * modulus), rng.randint(0, 10**15)])
    return f"{modulus} {a} {b} {c} {rng.randint(0, modulus - 1)} {steps}"


GENERATOR_REFERENCE = """
local m, a, b, c, x, n = io.read("*n", "*n", "*n", "*n", "*n", "*n")
local seen, values = {}, {}
local step = 0
while not seen[x] do
  seen[x] = step
  values[step] = x
  x = (a * x * x + b * x + c) % m
  step = step + 1
end
local tail = seen[x]
local cycle = step - tail
if n >= tail then
  n = tail + (n - tail) % cycle
end
print(values[n] .. " " .. cycle)
"""

GENERATOR = Authored(
    question_id="ladder_18_generator",
    title="The Wheel That Comes Round",
    difficulty="abc",
    statement="""
The hand of a wheel of fortune points to one of the numbers 0, 1, ..., M-1. At the beginning it
points to S. Each push moves it: if it pointed to x before, it points to

(A * x * x + B * x + C) mod M

afterwards. Since there are only M numbers, from some time on the hand goes through the same numbers
in the same order again and again (possibly only one number). It need not come back to S.

To which number does the hand point after N pushes, and how many different numbers does it visit
again and again in the long run?

Input

The input is given in the following format:

M A B C S N

Output

Print the two numbers, separated by a space.

Constraints

- 1 <= M <= 5000
- 0 <= A, B, C, S <= M - 1
- 0 <= N <= 10^15
- All values are integers.

Sample Input 1

10 1 0 1 3 8

Sample Output 1

1 6

The hand points to 3, 0, 1, 2, 5, 6, 7, 0, 1, 2, ... and never to 3 again.

Sample Input 2

8 0 2 0 3 1000000000000000

Sample Output 2

0 1

The hand points to 3, 6, 4, 0, 0, 0, ...
""",
    oracle=solve_generator,
    fixed=(
        "10 1 0 1 3 8",
        "8 0 2 0 3 1000000000000000",
        "1 0 0 0 0 0",
        "1 0 0 0 0 999999999999999",
        "5 0 1 1 0 4",
        "5 0 1 1 0 5",
        "4999 0 1 1 0 1000000000000000",
        "4096 0 2 0 1 3",
        "4096 0 2 0 1 12",
        "7 0 0 3 5 0",
        "7 0 0 3 5 1",
        "100 1 0 0 2 999999999999998",
        "12 1 0 2 5 1",
    ),
    generate=generate_generator,
    random_count=17,
    reference=GENERATOR_REFERENCE,
    wrong=(
        # Believes that the start belongs to the cycle.
        slip(
            GENERATOR_REFERENCE,
            ("if n >= tail then\n  n = tail + (n - tail) % cycle\nend", "n = n % cycle"),
        ),
        # Reduces the number of pushes also when the cycle has not begun yet.
        slip(
            GENERATOR_REFERENCE,
            ("if n >= tail then\n  n = tail", "do\n  n = tail"),
        ),
        # Counts all numbers that are ever visited.
        slip(GENERATOR_REFERENCE, ('" " .. cycle', '" " .. step')),
        # Looks at the number after one push too many.
        slip(GENERATOR_REFERENCE, ("(n - tail) % cycle", "(n - tail + 1) % cycle")),
    ),
    tags=("simulation", "cycle", "map"),
)


# ---------------------------------------------------------------- ladder_19: mirrored tail


def solve_mirror(text: str) -> str:
    word = text.strip()
    added = 0
    while True:
        longer = word + word[:added][::-1]
        if longer == longer[::-1]:
            return f"{added}\n{longer}"
        added += 1


def generate_mirror(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 5), rng.randint(5, 15), rng.randint(15, 60), 600])
    alphabet = rng.choice(["ab", "ab", "abc", "xyzuvw"])
    left = "".join(rng.choices(alphabet, k=length // 3))
    half = "".join(rng.choices(alphabet, k=(length - len(left)) // 2))
    middle = rng.choice(["", rng.choice(alphabet)])
    return (left + half + middle + half[::-1]) or "b"


MIRROR_REFERENCE = """
local s = io.read("*l")
local n = #s
local function is_palindrome(from)
  local i, j = from, n
  while i < j do
    if s:byte(i) ~= s:byte(j) then
      return false
    end
    i, j = i + 1, j - 1
  end
  return true
end
local from = 1
while not is_palindrome(from) do
  from = from + 1
end
print(from - 1)
print(s .. s:sub(1, from - 1):reverse())
"""

MIRROR = Authored(
    question_id="ladder_19_mirror",
    title="Finish the Palindrome",
    difficulty="abc",
    statement="""
A palindrome reads the same forwards and backwards, like `noon` or `x`. Somebody has begun to paint
a palindrome on a wall and has got as far as the string S. What is painted cannot be changed, but
you can go on painting letters behind it.

How many letters do you have to add at least so that the whole string becomes a palindrome, and what
does the wall read then? (There is only one way to do it with the smallest number of letters.)

Input

The input is given in the following format:

S

Output

Print the number of letters that you add, and in the second line the whole string.

Constraints

- S consists of lower-case letters.
- The length of S is between 1 and 2000.

Sample Input 1

banana

Sample Output 1

1
bananab

Sample Input 2

level

Sample Output 2

0
level

Sample Input 3

abca

Sample Output 3

3
abcacba
""",
    oracle=solve_mirror,
    fixed=(
        "banana",
        "level",
        "abca",
        "k",
        "kk",
        "ab",
        "aab",
        "abb",
        "aaaaaaaa",
        "abababababa",
        "xabcba",
        "abcdefghij",
        "a" * 500 + "b" + "a" * 499,
    ),
    generate=generate_mirror,
    random_count=15,
    reference=MIRROR_REFERENCE,
    wrong=(
        # Repeats all letters but the last one, unless the word is a palindrome already.
        """
local s = io.read("*l")
if s == s:reverse() then
  print(0)
  print(s)
else
  print(#s - 1)
  print(s .. s:sub(1, #s - 1):reverse())
end
""",
        # Is content as soon as the first and the last letter agree.
        slip(
            MIRROR_REFERENCE,
            ("while i < j do\n    if", "do\n    if"),
        ),
        # Takes the first letters away from the front instead of repeating them behind.
        slip(MIRROR_REFERENCE, ("s .. s:sub(1, from - 1):reverse()", "s .. s:sub(1, from - 1)")),
    ),
    tags=("strings", "palindrome"),
)


# ---------------------------------------------------------------- ladder_20: shifts over midnight

DAY = 24 * 60


def solve_shifts(text: str) -> str:
    present = [0] * DAY
    for line in text.splitlines()[1:]:
        begin, end = (int(time[:2]) * 60 + int(time[3:]) for time in line.split())
        present[begin] += 1
        minute = (begin + 1) % DAY
        while minute != end and minute != begin:
            present[minute] += 1
            minute = (minute + 1) % DAY
    most = max(present)
    first = present.index(most)
    return f"{most}\n{first // 60:02d}:{first % 60:02d} {present.count(most)}"


def generate_shifts(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 3), rng.randint(3, 10), 40, 200])
    step = rng.choice([1, 15, 60, 240])
    lines = [str(count)]
    for _ in range(count):
        begin, end = (rng.randrange(0, DAY, step) for _ in range(2))
        lines.append(f"{begin // 60:02d}:{begin % 60:02d} {end // 60:02d}:{end % 60:02d}")
    return "\n".join(lines)


SHIFTS_REFERENCE = """
local n = io.read("*n")
io.read("*l")
local day = 24 * 60
local change = {}
for t = 0, day do
  change[t] = 0
end
local function add(from, to)
  change[from] = change[from] + 1
  change[to] = change[to] - 1
end
for _ = 1, n do
  local h1, m1, h2, m2 = io.read("*l"):match("(%d+):(%d+) (%d+):(%d+)")
  local from, to = h1 * 60 + m1, h2 * 60 + m2
  if from < to then
    add(from, to)
  else
    add(from, day)
    add(0, to)
  end
end
local best, first, minutes = -1, 0, 0
local present = 0
for t = 0, day - 1 do
  present = present + change[t]
  if present > best then
    best, first, minutes = present, t, 0
  end
  if present == best then
    minutes = minutes + 1
  end
end
print(best)
print(string.format("%02d:%02d %d", math.floor(first / 60), first % 60, minutes))
"""

SHIFTS = Authored(
    question_id="ladder_20_shifts",
    title="Crowded Guard Room",
    difficulty="abc",
    statement="""
N guards watch a museum around the clock. Guard i is there every day from time S_i until time T_i:
during the minute that begins at S_i, and during all following minutes up to the one before T_i.

- If T_i is later than S_i, both belong to the same day.
- If T_i is earlier than S_i, the guard stays over midnight and leaves at T_i on the next day.
- If T_i is equal to S_i, the guard stays for 24 hours, which means always.

Since every day is like every other one, look at the 1440 minutes 00:00, 00:01, ..., 23:59 of one
day. Find the largest number of guards that are there at the same time, the first minute of the day
(counted from 00:00) at which that many are there, and the number of minutes of the day during which
that many are there.

Input

The input is given in the following format:

N
S_1 T_1
:
S_N T_N

Times have the form HH:MM with two digits each, from 00:00 to 23:59.

Output

Print the largest number of guards in the first line. In the second line print the first such minute
in the form HH:MM and the number of such minutes, separated by a space.

Constraints

- 1 <= N <= 500

Sample Input 1

3
08:00 16:30
16:00 00:00
23:15 08:05

Sample Output 1

2
08:00 80

Two guards are there from 08:00 to 08:05, from 16:00 to 16:30 and from 23:15 to 00:00.

Sample Input 2

2
12:00 12:00
00:00 00:01

Sample Output 2

2
00:00 1
""",
    oracle=solve_shifts,
    fixed=(
        "3\n08:00 16:30\n16:00 00:00\n23:15 08:05",
        "2\n12:00 12:00\n00:00 00:01",
        "1\n00:00 00:00",
        "1\n23:59 00:00",
        "1\n09:08 09:09",
        "2\n10:00 11:00\n11:00 12:00",
        "3\n22:00 02:00\n23:00 01:00\n00:30 00:40",
        "2\n00:01 00:00\n00:00 23:59",
        "4\n18:00 06:00\n06:00 18:00\n18:00 18:00\n05:59 06:01",
        "2\n20:00 04:00\n03:00 21:00",
    ),
    generate=generate_shifts,
    random_count=16,
    reference=SHIFTS_REFERENCE,
    wrong=(
        # A guard who stays over midnight is only counted until midnight.
        slip(SHIFTS_REFERENCE, ("    add(from, day)\n    add(0, to)\n", "    add(from, day)\n")),
        # The guard is still there during the minute that begins at the end time.
        slip(
            SHIFTS_REFERENCE,
            ("for t = 0, day do", "for t = 0, day + 1 do"),
            ("change[to] = change[to] - 1", "change[to + 1] = change[to + 1] - 1"),
            ("add(from, day)", "add(from, day - 1)"),
        ),
        # Equal times count as an empty shift.
        slip(SHIFTS_REFERENCE, ("if from < to then", "if from <= to then")),
        # Prints the time without leading zeros.
        slip(SHIFTS_REFERENCE, ("%02d:%02d", "%d:%d")),
    ),
    tags=("intervals", "prefix sums", "strings"),
)

PROBLEMS = (WORD_RANK, SCOREBOARD, REFUEL, BORDER, GENERATOR, MIRROR, SHIFTS)
