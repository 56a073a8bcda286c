"""Problems of the level of AtCoder Beginner Contest B-C, part 2."""

import heapq
import random
import re
from collections import Counter
from itertools import groupby

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.slips import slip

# ---------------------------------------------------------------- abc307_d: bracketed parts


def solve_bracketed(text: str) -> str:
    remaining = text.split()[1]
    while True:
        shorter = re.sub(r"\([a-z]*\)", "", remaining, count=1)
        if shorter == remaining:
            return remaining
        remaining = shorter


def generate_bracketed(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 8), rng.randint(8, 30), rng.randint(30, 200), 2000])
    opening, closing = rng.choice([(1, 1), (1, 2), (2, 1), (3, 3)])
    kinds = rng.choices(["a", "(", ")"], weights=[2, opening, closing], k=length)
    letters = "".join(rng.choice("abcxyz") if kind == "a" else kind for kind in kinds)
    return f"{length}\n{letters}"


BRACKETED_REFERENCE = """
local n = io.read("*n")
io.read("*l")
local s = io.read("*l")
local stack, opened = {}, {}
for i = 1, n do
  local c = s:sub(i, i)
  if c == ")" and #opened > 0 then
    local from = table.remove(opened)
    for j = #stack, from, -1 do
      stack[j] = nil
    end
  else
    stack[#stack + 1] = c
    if c == "(" then
      opened[#opened + 1] = #stack
    end
  end
end
print(table.concat(stack))
"""

BRACKETED = Authored(
    question_id="abc307_d",
    title="Remove the Asides",
    difficulty="abc",
    statement="""
A writer puts remarks into brackets, and an editor takes them out again. You are given a string S of
length N that consists of lower-case letters, `(` and `)`.

The editor repeats the following step until it is no longer possible: find a part of the string that
begins with `(`, goes on with zero or more lower-case letters and ends with `)`, and delete it
(the brackets and everything between them). If there are several such parts, the editor takes the
one that begins furthest to the left. What stood before and behind the deleted part is then joined.

Print the string that remains.

Input

The input is given in the following format:

N
S

Output

Print the remaining string in one line. It may be empty; then print an empty line.

Constraints

- 1 <= N <= 5000
- S is a string of length N consisting of lower-case letters, `(` and `)`.

Sample Input 1

12
on(e(two)h)t

Sample Output 1

ont

First `(two)` is deleted, which leaves `on(eh)t`. Then `(eh)` can be deleted.

Sample Input 2

8
)a(b)c((

Sample Output 2

)ac((

Sample Input 3

6
(()())

Sample Output 3



Nothing remains.
""",
    oracle=solve_bracketed,
    fixed=(
        "12\non(e(two)h)t",
        "8\n)a(b)c((",
        "6\n(()())",
        "1\nq",
        "1\n)",
        "2\n)(",
        "7\n(a(b)c(",
        "8\n(a)b)c)d",
        "9\n((x)y(z)w",
        "5\n)))((",
        "9\nab(c)d(e)",
    ),
    generate=generate_bracketed,
    random_count=16,
    reference=BRACKETED_REFERENCE,
    wrong=(
        # Deletes what can be deleted at first, but not what that makes possible.
        """
local n = io.read("*n")
io.read("*l")
local s = io.read("*l")
print((s:gsub("%(%l*%)", "")))
""",
        # A closing bracket without partner deletes everything before it.
        slip(
            BRACKETED_REFERENCE,
            ('c == ")" and #opened > 0', 'c == ")"'),
            ("table.remove(opened)", "table.remove(opened) or 1"),
        ),
        # Deletes up to the last closing bracket.
        """
local n = io.read("*n")
io.read("*l")
local s = io.read("*l")
while true do
  local from, to = s:find("%(.*%)")
  if not from then
    break
  end
  s = s:sub(1, from - 1) .. s:sub(to + 1)
end
print(s)
""",
    ),
    tags=("strings", "stack"),
    inspired_by="AtCoder ABC307 D",
)


# ---------------------------------------------------------------- ladder_07: mixed brackets


def solve_brackets(text: str) -> str:
    code = text.strip()
    partner = {")": "(", "]": "[", "}": "{", ">": "<"}
    open_positions: list[int] = []
    for position, character in enumerate(code):
        if character in partner.values():
            open_positions.append(position)
        elif character in partner:
            if not open_positions or code[open_positions[-1]] != partner[character]:
                return f"BAD {position + 1}"
            open_positions.pop()
    if open_positions:
        return f"OPEN {open_positions[0] + 1}"
    return "OK"


def generate_brackets(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 6), rng.randint(6, 20), rng.randint(20, 60), 800])
    pairs = rng.sample(["()", "[]", "{}", "<>"], k=rng.randint(1, 4))
    code: list[str] = []
    waiting: list[str] = []
    while len(code) + len(waiting) < length:
        action = rng.random()
        if action < 0.2:
            code.append(rng.choice("abc"))
        elif action < 0.6 or not waiting:
            pair = rng.choice(pairs)
            code.append(pair[0])
            waiting.append(pair[1])
        else:
            code.append(waiting.pop())
    code += reversed(waiting)
    if rng.random() < 0.6:
        code[rng.randrange(len(code))] = rng.choice("a()[]{}<>")
    if rng.random() < 0.3:
        del code[rng.randint(1, len(code)) :]
    return "".join(code)


BRACKETS_REFERENCE = """
local s = io.read("*l")
local partner = { [")"] = "(", ["]"] = "[", ["}"] = "{", [">"] = "<" }
local opening = { ["("] = true, ["["] = true, ["{"] = true, ["<"] = true }
local kinds, places = {}, {}
local answer
for i = 1, #s do
  local c = s:sub(i, i)
  if opening[c] then
    kinds[#kinds + 1] = c
    places[#places + 1] = i
  elseif partner[c] then
    if kinds[#kinds] ~= partner[c] then
      answer = "BAD " .. i
      break
    end
    kinds[#kinds] = nil
    places[#places] = nil
  end
end
if not answer then
  if #kinds > 0 then
    answer = "OPEN " .. places[1]
  else
    answer = "OK"
  end
end
print(answer)
"""

BRACKETS = Authored(
    question_id="ladder_07_brackets",
    title="The Editor Underlines",
    difficulty="abc",
    statement="""
An editor checks the brackets in a line of source code S. There are four kinds of pairs: `(` and
`)`, `[` and `]`, `{` and `}`, `<` and `>`. Lower-case letters may stand anywhere and mean nothing.

Brackets have to be nested properly: a closing bracket always closes the latest bracket that was
opened and has not been closed yet, and both have to be of the same kind.

The editor reads the line from left to right and stops at the first closing bracket that breaks the
rule, because nothing is open or because what has to be closed is of another kind. If it gets to the
end of the line but some brackets have not been closed, it underlines the leftmost of them.

Input

The input is given in the following format:

S

Output

- If a closing bracket breaks the rule, print `BAD p`, where p is its position.
- Otherwise, if some brackets stay open, print `OPEN p`, where p is the position of the leftmost of
  them.
- Otherwise print `OK`.

Positions count from 1 and include letters.

Constraints

- S consists of lower-case letters and of the characters `(`, `)`, `[`, `]`, `{`, `}`, `<`, `>`.
- The length of S is between 1 and 2000.

Sample Input 1

f(a[i]){x}

Sample Output 1

OK

Sample Input 2

a[(b])

Sample Output 2

BAD 5

The bracket `(` at position 3 is the latest open one, and `]` does not fit it.

Sample Input 3

<>{([])[x

Sample Output 3

OPEN 3
""",
    oracle=solve_brackets,
    fixed=(
        "f(a[i]){x}",
        "a[(b])",
        "<>{([])[x",
        "abc",
        ")",
        "<",
        "()]",
        "((()))[]{}<><>",
        "([)]",
        "xx{{}{}",
        "(()",
        ">a<",
        "({<[" * 100 + "]>})" * 100,
    ),
    generate=generate_brackets,
    random_count=16,
    reference=BRACKETS_REFERENCE,
    wrong=(
        # Counts each kind for itself: crossing pairs look right.
        """
local s = io.read("*l")
local kind = { ["("] = 1, ["["] = 2, ["{"] = 3, ["<"] = 4 }
local close = { [")"] = 1, ["]"] = 2, ["}"] = 3, [">"] = 4 }
local places = { {}, {}, {}, {} }
for i = 1, #s do
  local c = s:sub(i, i)
  if kind[c] then
    table.insert(places[kind[c]], i)
  elseif close[c] then
    if not table.remove(places[close[c]]) then
      print("BAD " .. i)
      return
    end
  end
end
local first = math.huge
for k = 1, 4 do
  first = math.min(first, places[k][1] or math.huge)
end
print(first < math.huge and "OPEN " .. first or "OK")
""",
        # Underlines the innermost open bracket.
        slip(BRACKETS_REFERENCE, ("places[1]", "places[#places]")),
        # Underlines the first opening bracket of the line, closed or not.
        slip(
            BRACKETS_REFERENCE,
            ("local answer\n", "local answer, first\n"),
            ("if opening[c] then\n", "if opening[c] then\n    first = first or i\n"),
            ("places[1]", "first"),
        ),
    ),
    tags=("stack", "strings"),
)


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


# ---------------------------------------------------------------- ladder_10: XOR of subsets


def solve_xor_subsets(text: str) -> str:
    numbers = [int(word) for word in text.split()]
    goal, cards = numbers[1], numbers[2:]
    ways = Counter({0: 1})
    for card in cards:
        ways += Counter({value ^ card: count for value, count in ways.items()})
    return str(ways[goal] - (goal == 0))


def generate_xor_subsets(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 4), rng.randint(5, 9), 12])
    bits = rng.choice([2, 4, 32])
    pool = [rng.getrandbits(bits) for _ in range(rng.randint(1, 6))]
    cards = [rng.choice(pool) ^ rng.choice([0, *pool]) for _ in range(count)]
    goal = rng.choice([rng.getrandbits(bits), 0, rng.choice(cards), rng.choice(cards) ^ cards[0]])
    return f"{count} {goal}\n{' '.join(map(str, cards))}"


XOR_SUBSETS_REFERENCE = """
local bit = require("bit")
local n, goal = io.read("*n", "*n")
local a = {}
for i = 1, n do
  a[i] = io.read("*n")
end
goal = bit.tobit(goal)
local count = 0
for mask = 1, 2 ^ n - 1 do
  local x = 0
  for i = 1, n do
    if bit.band(bit.rshift(mask, i - 1), 1) == 1 then
      x = bit.bxor(x, a[i])
    end
  end
  if x == goal then
    count = count + 1
  end
end
print(count)
"""

XOR_SUBSETS = Authored(
    question_id="ladder_10_xor_subsets",
    title="Light Codes",
    difficulty="abc",
    statement="""
A display has 32 lamps and N switches. Switch i carries a number A_i: it changes exactly those lamps
whose bits are 1 in A_i, so that a lamp that was off is on afterwards and the other way round. At
the beginning all lamps are off.

You want to press one or more different switches, each of them at most once, so that afterwards
exactly the lamps are on whose bits are 1 in the number X.

In how many ways can you choose the switches? Switches with equal numbers are different switches.
The order in which you press them makes no difference. Pressing none at all is not allowed.

Input

The input is given in the following format:

N X
A_1 A_2 ... A_N

Output

Print the number of ways.

Constraints

- 1 <= N <= 12
- 0 <= X <= 2^32 - 1
- 0 <= A_i <= 2^32 - 1
- All values are integers.

Sample Input 1

4 6
5 3 6 6

Sample Output 1

4

5 XOR 3 = 6, so you can press switches 1 and 2, or switch 3 alone, or switch 4 alone, or all four.

Sample Input 2

3 0
1 2 4

Sample Output 2

0

Sample Input 3

2 4294967295
4294901760 65535

Sample Output 3

1
""",
    oracle=solve_xor_subsets,
    fixed=(
        "4 6\n5 3 6 6",
        "3 0\n1 2 4",
        "2 4294967295\n4294901760 65535",
        "1 0\n0",
        "1 7\n7",
        "12 0\n0 0 0 0 0 0 0 0 0 0 0 0",
        "3 2147483648\n2147483648 1 1",
        "3 7\n1 2 4",
        "2 7\n5 3",
        "12 4095\n1 2 4 8 16 32 64 128 256 512 1024 2048",
    ),
    generate=generate_xor_subsets,
    random_count=16,
    reference=XOR_SUBSETS_REFERENCE,
    wrong=(
        # Compares the signed result of the bit library with an unsigned number.
        slip(XOR_SUBSETS_REFERENCE, ("goal = bit.tobit(goal)\n", "")),
        # Counts the empty choice.
        slip(XOR_SUBSETS_REFERENCE, ("mask = 1,", "mask = 0,")),
        # Never presses all switches.
        slip(XOR_SUBSETS_REFERENCE, ("2 ^ n - 1 do", "2 ^ n - 2 do")),
        # Combines the numbers with OR.
        slip(XOR_SUBSETS_REFERENCE, ("bit.bxor(x, a[i])", "bit.bor(x, a[i])")),
    ),
    tags=("bits", "brute force"),
)


# ---------------------------------------------------------------- ladder_11: version numbers


def solve_versions(text: str) -> str:
    versions = text.split()[1:]
    return "\n".join(sorted(versions, key=lambda v: [int(part) for part in v.split(".")]))


def generate_versions(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 5), rng.randint(5, 15), 100])
    largest = rng.choice([2, 12, 120, 999_999])
    versions = [
        ".".join(str(rng.randint(0, largest)) for _ in range(rng.randint(1, 4)))
        for _ in range(count)
    ]
    return "\n".join([str(count), *versions])


VERSIONS_REFERENCE = """
local n = io.read("*n")
io.read("*l")
local list = {}
for i = 1, n do
  local line = io.read("*l")
  local v = { text = line }
  for part in line:gmatch("%d+") do
    v[#v + 1] = tonumber(part)
  end
  list[i] = v
end
table.sort(list, function(x, y)
  for i = 1, math.min(#x, #y) do
    if x[i] ~= y[i] then
      return x[i] < y[i]
    end
  end
  return #x < #y
end)
for i = 1, n do
  print(list[i].text)
end
"""

VERSIONS = Authored(
    question_id="ladder_11_versions",
    title="Release Archive",
    difficulty="abc",
    statement="""
An archive contains N releases of a program. The version of a release consists of one to four
whole numbers, separated by dots, for example `2`, `1.10` or `1.2.0.7`.

Two versions are compared number by number from the left. At the first place where the numbers
differ, the version with the smaller number is the older one. If one version comes to its end before
the numbers differ, the shorter version is the older one: `1.2` is older than `1.2.0`.

Print the versions from the oldest to the newest. A version that occurs several times is printed as
many times.

Input

The input is given in the following format:

N
V_1
V_2
:
V_N

Output

Print N lines with the versions in order.

Constraints

- 1 <= N <= 500
- Each V_i consists of 1 to 4 integers, separated by dots. They lie between 0 and 999999 and have no
  leading zeros.

Sample Input 1

5
1.10
1.9.3
1.9
2
1.2.30

Sample Output 1

1.2.30
1.9
1.9.3
1.10
2

Sample Input 2

4
0.0
0
0.0.0
0

Sample Output 2

0
0
0.0
0.0.0
""",
    oracle=solve_versions,
    fixed=(
        "5\n1.10\n1.9.3\n1.9\n2\n1.2.30",
        "4\n0.0\n0\n0.0.0\n0",
        "1\n999999.999999.999999.999999",
        "3\n10\n9\n100",
        "4\n2.1\n1.1.1\n3\n1.1.1.1",
        "4\n1.11\n11.1\n1.1.1\n111",
        "3\n5.0\n5\n4.999999.0.1",
        "3\n0.0.0.1\n0.0.1\n0.1",
    ),
    generate=generate_versions,
    random_count=15,
    reference=VERSIONS_REFERENCE,
    wrong=(
        # Compares text, where 10 comes before 9.
        """
local n = io.read("*n")
io.read("*l")
local list = {}
for i = 1, n do
  list[i] = io.read("*l")
end
table.sort(list)
print(table.concat(list, "\\n"))
""",
        # Compares the number of components first.
        slip(
            VERSIONS_REFERENCE,
            (
                "  for i = 1, math.min",
                "  if #x ~= #y then\n    return #x < #y\n  end\n  for i = 1, math.min",
            ),
            ("  return #x < #y\nend)", "  return false\nend)"),
        ),
        # Leaves the dots out and compares the numbers that result.
        slip(
            VERSIONS_REFERENCE,
            (
                "  for i = 1, math.min(#x, #y) do\n    if x[i] ~= y[i] then\n"
                "      return x[i] < y[i]\n    end\n  end\n",
                "",
            ),
            ("return #x < #y", "return tonumber(table.concat(x)) < tonumber(table.concat(y))"),
        ),
    ),
    tags=("sorting", "strings"),
)


# ---------------------------------------------------------------- ladder_12: stock ledger


def solve_ledger(text: str) -> str:
    stock: Counter[str] = Counter()
    refused = 0
    for line in text.splitlines()[1:]:
        action, *names, amount = line.split()
        source = {"in": None, "out": names[0], "move": names[0]}[action]
        target = {"in": names[0], "out": None, "move": names[-1]}[action]
        if source is not None:
            if stock[source] < int(amount):
                refused += 1
                continue
            stock[source] -= int(amount)
        if target is not None:
            stock[target] += int(amount)
    lines = [f"{name} {amount}" for name, amount in sorted(stock.items()) if amount > 0]
    return "\n".join([str(refused), *(lines or ["nothing"])])


def generate_ledger(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 5), rng.randint(5, 15), rng.randint(15, 60), 250])
    names = rng.sample(["bolt", "nut", "a", "ab", "cable", "zip", "lamp", "b"], k=rng.randint(1, 8))
    largest = rng.choice([3, 10, 10**9])
    events = []
    for _ in range(count):
        action = rng.choice(["in", "in", "out", "out", "move"])
        places = rng.choices(names, k=2 if action == "move" else 1)
        events.append(f"{action} {' '.join(places)} {rng.randint(1, largest)}")
    return "\n".join([str(count), *events])


LEDGER_REFERENCE = """
local n = io.read("*n")
io.read("*l")
local stock, names = {}, {}
local refused = 0
for _ = 1, n do
  local line = io.read("*l")
  local action, name, rest = line:match("^(%a+) (%a+) (.+)$")
  local other, amount = rest:match("^(%a+) (%d+)$")
  amount = tonumber(amount or rest)
  for _, x in ipairs({ name, other }) do
    if not stock[x] then
      stock[x] = 0
      names[#names + 1] = x
    end
  end
  if action == "in" then
    stock[name] = stock[name] + amount
  elseif stock[name] < amount then
    refused = refused + 1
  else
    stock[name] = stock[name] - amount
    if action == "move" then
      stock[other] = stock[other] + amount
    end
  end
end
table.sort(names)
print(refused)
local left = false
for _, name in ipairs(names) do
  if stock[name] > 0 then
    print(string.format("%s %d", name, stock[name]))
    left = true
  end
end
if not left then
  print("nothing")
end
"""

LEDGER = Authored(
    question_id="ladder_12_ledger",
    title="Stock-Keeping",
    difficulty="abc",
    statement="""
A workshop keeps small parts in boxes; each box has a name. At the beginning all boxes are empty.
The ledger lists N events in order of time. Each of them has one of these forms:

- `in A Q`: Q parts are put into box A.
- `out A Q`: Q parts are taken from box A.
- `move A B Q`: Q parts are taken from box A and put into box B. A and B may be the same box.

If box A holds fewer than Q parts when `out` or `move` wants to take Q parts from it, the event is
refused: nothing at all changes.

Print how many events are refused, and what the boxes hold after the last event.

Input

The input is given in the following format:

N
event 1
event 2
:
event N

Output

Print the number of refused events in the first line. After that print a line with name and number
of parts for each box that is not empty, in alphabetical order of the names. If all boxes are empty,
print one line `nothing` instead.

Constraints

- 1 <= N <= 500
- Names consist of 1 to 10 lower-case letters.
- 1 <= Q <= 10^9

Sample Input 1

6
in nut 5
in bolt 10
out nut 6
move bolt nut 10
out bolt 1
out nut 3

Sample Output 1

2
nut 12

Events 3 and 5 are refused.

Sample Input 2

2
out screw 1
move screw screw 2

Sample Output 2

2
nothing
""",
    oracle=solve_ledger,
    fixed=(
        "6\nin nut 5\nin bolt 10\nout nut 6\nmove bolt nut 10\nout bolt 1\nout nut 3",
        "2\nout screw 1\nmove screw screw 2",
        "2\nin a 1000000000\nin a 1000000000",
        "2\nin a 7\nout a 7",
        "3\nin a 4\nmove a a 4\nmove a a 5",
        "4\nin b 3\nin ab 3\nin a 3\nin aa 3",
        "4\nin x 2\nmove x y 3\nmove x y 2\nmove y x 1",
        "1\nin in 1",
        "5\nin zz 9\nin za 1\nin out 4\nmove zz move 2\nout out 5",
    ),
    generate=generate_ledger,
    random_count=16,
    reference=LEDGER_REFERENCE,
    wrong=(
        # Refuses to take the last part.
        slip(LEDGER_REFERENCE, ("stock[name] < amount", "stock[name] <= amount")),
        # Takes what is there when there is not enough.
        slip(
            LEDGER_REFERENCE,
            ("    refused = refused + 1\n", "    refused = refused + 1\n    stock[name] = 0\n"),
        ),
        # Prints empty boxes.
        slip(LEDGER_REFERENCE, ("if stock[name] > 0 then", "if stock[name] >= 0 then")),
        # Prints in order of first mention.
        slip(LEDGER_REFERENCE, ("table.sort(names)\n", "")),
    ),
    tags=("map", "simulation", "sorting"),
)


# ---------------------------------------------------------------- ladder_13: packed text


def solve_packed(text: str) -> str:
    packed, _, *positions = text.split()
    pieces = [(letter, int(count)) for letter, count in re.findall(r"([a-z])(\d+)", packed)]
    length = sum(count for _, count in pieces)
    runs = len(list(groupby(letter for letter, _ in pieces)))
    lines = [f"{length} {runs}"]
    for position in map(int, positions):
        behind = position
        found = "-"
        for letter, count in pieces:
            if behind <= count:
                found = letter
                break
            behind -= count
        lines.append(found)
    return "\n".join(lines)


def generate_packed(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 4), rng.randint(4, 12), 100])
    largest = rng.choice([3, 15, 200, 10**12])
    pieces = [(rng.choice("abcde"), rng.randint(1, largest)) for _ in range(count)]
    ends = [1]
    for _, repeats in pieces:
        ends.append(ends[-1] + repeats)
    positions = [
        max(1, rng.choice([rng.choice(ends) + rng.randint(-1, 1), rng.randint(1, ends[-1] + 2)]))
        for _ in range(rng.choice([3, 10, 60]))
    ]
    packed = "".join(f"{letter}{repeats}" for letter, repeats in pieces)
    return "\n".join([packed, str(len(positions)), *map(str, positions)])


PACKED_REFERENCE = """
local packed = io.read("*l")
local letters, ends = {}, {}
local length, runs = 0, 0
for letter, count in packed:gmatch("(%l)(%d+)") do
  if letters[#letters] ~= letter then
    runs = runs + 1
  end
  length = length + tonumber(count)
  letters[#letters + 1] = letter
  ends[#ends + 1] = length
end
print(string.format("%d %d", length, runs))
local q = io.read("*n")
for _ = 1, q do
  local p = io.read("*n")
  local found = "-"
  for i = 1, #ends do
    if p <= ends[i] then
      found = letters[i]
      break
    end
  end
  print(found)
end
"""

PACKED = Authored(
    question_id="ladder_13_packed",
    title="Looking Into a Packed Text",
    difficulty="abc",
    statement="""
A long text T of lower-case letters was packed: it is stored as a sequence of pieces, each of them a
letter followed by a decimal number that says how many times this letter is repeated. For example,
`a3b1a12` stands for `aaab` followed by twelve times `a`. Neighbouring pieces may have the same
letter: `x2x1` stands for `xxx`.

You are given the packed text S. Find

- the length of T,
- the number of runs of T, where a run is a block of equal letters that cannot be extended on either
  side,
- and for each of Q positions P_j, the letter of T at this position (positions count from 1).

T may be much too long to be unpacked.

Input

The input is given in the following format:

S
Q
P_1
:
P_Q

Output

Print the length of T and its number of runs in the first line, separated by a space. Then print Q
lines: the letter at position P_j, or `-` if T is shorter than P_j.

Constraints

- S consists of 1 to 200 pieces.
- The number in each piece is between 1 and 10^12 and has no leading zeros.
- 1 <= Q <= 200
- 1 <= P_j <= 10^15

Sample Input 1

a3b1a12
5
3
4
5
16
17

Sample Output 1

16 3
a
b
a
a
-

Sample Input 2

x2x1y1
2
3
4

Sample Output 2

4 2
x
y
""",
    oracle=solve_packed,
    fixed=(
        "a3b1a12\n5\n3\n4\n5\n16\n17",
        "x2x1y1\n2\n3\n4",
        "z1\n2\n1\n2",
        "q1000000000000\n3\n1000000000000\n1000000000001\n1",
        "c10d10\n4\n10\n11\n20\n21",
        "a1b1a1b1\n4\n1\n2\n3\n4",
        "k9k9k9\n2\n27\n28",
        "a1000000000000b999999999999" * 100 + "\n3\n1\n50000000000000\n1000000000000000",
    ),
    generate=generate_packed,
    random_count=16,
    reference=PACKED_REFERENCE,
    wrong=(
        # Reads only one digit of each number.
        slip(PACKED_REFERENCE, ("(%d+)", "(%d)")),
        # Counts pieces instead of runs.
        slip(
            PACKED_REFERENCE,
            (
                "  if letters[#letters] ~= letter then\n    runs = runs + 1\n  end\n",
                "  runs = runs + 1\n",
            ),
        ),
        # The last letter of a piece is taken for the first of the next one.
        slip(PACKED_REFERENCE, ("if p <= ends[i]", "if p < ends[i]")),
        # Large numbers come out in exponent notation.
        slip(PACKED_REFERENCE, ('string.format("%d %d", length, runs)', 'length .. " " .. runs')),
    ),
    tags=("strings", "run lengths", "prefix sums"),
)

PROBLEMS = (BRACKETED, BRACKETS, FLOOD, TILLS, XOR_SUBSETS, VERSIONS, LEDGER, PACKED)
