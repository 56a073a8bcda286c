"""Problems of the level of AtCoder Beginner Contest B-C, part 1."""

import random
from collections import Counter
from itertools import pairwise

from bench.problems.authoring.authored import Authored
from bench.problems.authoring.slips import slip

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


# ---------------------------------------------------------------- ladder_02: robot on a torus


def solve_vacuum(text: str) -> str:
    lines = text.split()
    height, width = int(lines[0]), int(lines[1])
    grid, commands = lines[2 : 2 + height], lines[2 + height]
    directions = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    row, column, facing = 0, 0, 0
    cleaned = {(0, 0)}
    for command in commands:
        if command == "L":
            facing = (facing - 1) % 4
        elif command == "R":
            facing = (facing + 1) % 4
        else:
            down, right = directions[facing]
            next_row, next_column = (row + down) % height, (column + right) % width
            if grid[next_row][next_column] == "#":
                facing = (facing + 1) % 4
            else:
                row, column = next_row, next_column
                cleaned.add((row, column))
    return f"{len(cleaned)}\n{row + 1} {column + 1}"


def generate_vacuum(rng: random.Random) -> str:
    side = rng.choice([2, 4, 12, 30])
    height, width = rng.randint(1, side), rng.randint(1, side)
    walls = rng.choice([0.0, 0.1, 0.3])
    rows = [["#" if rng.random() < walls else "." for _ in range(width)] for _ in range(height)]
    rows[0][0] = "."
    length = rng.choice([rng.randint(1, 10), rng.randint(20, 100), 1500])
    commands = "".join(rng.choices("FLR", weights=[8, 1, 1], k=length))
    return "\n".join([f"{height} {width}", *("".join(row) for row in rows), commands])


VACUUM_REFERENCE = """
local h, w = io.read("*n", "*n")
io.read("*l")
local grid = {}
for i = 0, h - 1 do
  grid[i] = io.read("*l")
end
local commands = io.read("*l")
local down = { [0] = 0, 1, 0, -1 }
local right = { [0] = 1, 0, -1, 0 }
local row, col, dir = 0, 0, 0
local seen = { [0] = true }
local count = 1
for c in commands:gmatch("[FLR]") do
  if c == "L" then
    dir = (dir + 3) % 4
  elseif c == "R" then
    dir = (dir + 1) % 4
  else
    local r, q = (row + down[dir]) % h, (col + right[dir]) % w
    if grid[r]:sub(q + 1, q + 1) == "#" then
      dir = (dir + 1) % 4
    else
      row, col = r, q
      local key = row * w + col
      if not seen[key] then
        seen[key] = true
        count = count + 1
      end
    end
  end
end
print(count)
print((row + 1) .. " " .. (col + 1))
"""

VACUUM = Authored(
    question_id="ladder_02_vacuum",
    title="Vacuum Robot on a Ring World",
    difficulty="abc",
    statement="""
A vacuum robot cleans a floor of H rows and W columns. `.` is a free cell and `#` is a pillar. The
floor has no border: moving up from row 1 leads to row H of the same column, moving left from
column 1 leads to column W of the same row, and the other way round.

The robot starts on the cell in row 1, column 1, which is free, and looks to the right. It obeys a
string of commands T, one letter after the other:

- `L`: turn left by 90 degrees on the spot.
- `R`: turn right by 90 degrees on the spot.
- `F`: move to the next cell in the direction it looks. If that cell is a pillar, the robot stays
  where it is and turns right by 90 degrees instead.

Each cell on which the robot stands at some time, the first cell included, is clean afterwards.
How many cells are clean in the end, and where does the robot stand?

Input

The input is given in the following format:

H W
C_1
:
C_H
T

Output

Print two lines: the number of clean cells, then the row and the column of the robot's last cell,
separated by a space.

Constraints

- 1 <= H, W <= 30
- C_i is a string of length W consisting of `.` and `#`; the first character of C_1 is `.`.
- T consists of `F`, `L` and `R`; its length is between 1 and 2000.

Sample Input 1

3 4
..#.
....
....
FFFLFF

Sample Output 1

5
2 4

The robot moves to (1, 2), is stopped by the pillar and turns right, so that it looks down. It
moves to (2, 2), turns left and moves to (2, 3) and (2, 4).

Sample Input 2

2 2
..
..
LFF

Sample Output 2

2
1 1
""",
    oracle=solve_vacuum,
    fixed=(
        "3 4\n..#.\n....\n....\nFFFLFF",
        "2 2\n..\n..\nLFF",
        "1 1\n.\nFFLFRF",
        "1 1\n.\nL",
        "1 2\n.#\nFFFFF",
        "3 3\n.#.\n#..\n...\nFFLFFLFF",
        "30 30\n" + ("." * 30 + "\n") * 30 + ("F" * 29 + "RFL") * 20,
        "12 12\n" + "............\n" * 12 + "FFFFFFFFFFRFFFFFFFFFFRFFFFFFFFFF",
        "2 5\n.....\n.....\nRRFFFFFFLF",
        "4 1\n.\n.\n#\n.\nLFFRRFFF",
    ),
    generate=generate_vacuum,
    random_count=15,
    reference=VACUUM_REFERENCE,
    wrong=(
        # Glues row and column without a separator: (1, 11) and (11, 1) become one cell.
        slip(
            VACUUM_REFERENCE,
            ("key = row * w + col", "key = (row + 1) .. (col + 1)"),
            ("{ [0] = true }", '{ ["11"] = true }'),
        ),
        # Stops at the border as at a pillar, instead of coming out on the other side.
        slip(
            VACUUM_REFERENCE,
            ("(row + down[dir]) % h, (col + right[dir]) % w", "row + down[dir], col + right[dir]"),
            ("if grid[r]:sub", "if r < 0 or r >= h or q < 0 or q >= w or grid[r]:sub"),
        ),
        # Does not turn when a pillar stops it.
        slip(
            VACUUM_REFERENCE,
            ('== "#" then\n      dir = (dir + 1) % 4\n    else\n', '~= "#" then\n'),
        ),
    ),
    tags=("simulation", "grid", "set"),
)


# ---------------------------------------------------------------- ladder_03: negative base


def solve_negative_base(text: str) -> str:
    value, base = (int(word) for word in text.split())
    weights = [1]
    while not within_reach(value, weights, base):
        weights.append(weights[-1] * -base)
    digits = ""
    while weights:
        weight = weights.pop()
        digit = next(d for d in range(base) if within_reach(value - d * weight, weights, base))
        value -= digit * weight
        digits += str(digit)
    return digits


def within_reach(value: int, weights: list[int], base: int) -> bool:
    """Whether value lies between the least and the greatest sum of digits times weights."""
    least = sum((base - 1) * weight for weight in weights if weight < 0)
    greatest = sum((base - 1) * weight for weight in weights if weight > 0)
    return least <= value <= greatest


def generate_negative_base(rng: random.Random) -> str:
    bound = rng.choice([5, 30, 1000, 10**6, 10**12])
    return f"{rng.randint(-bound, bound)} {rng.randint(2, 10)}"


NEGATIVE_BASE_REFERENCE = """
local n, b = io.read("*n", "*n")
if n == 0 then
  print("0")
else
  local digits = {}
  while n ~= 0 do
    local d = n % b
    table.insert(digits, 1, string.format("%d", d))
    n = (d - n) / b
  end
  print(table.concat(digits))
end
"""

NEGATIVE_BASE = Authored(
    question_id="ladder_03_negative_base",
    title="Counting Below Zero",
    difficulty="abc",
    statement="""
In the number system with base -B, the last digit of a number counts ones, the digit before it
counts -B, the one before that counts B^2, then -B^3, and so on, with alternating signs. The digits
are 0, 1, ..., B-1. In this system every integer, also a negative one, can be written without a
minus sign, and in exactly one way if there are no leading zeros.

You are given an integer N in ordinary decimal notation. Write it with base -B.

Input

The input is given in the following format:

N B

Output

Print N with base -B, without leading zeros. The number zero is written `0`.

Constraints

- -10^12 <= N <= 10^12
- 2 <= B <= 10
- N and B are integers.

Sample Input 1

7 2

Sample Output 1

11011

16 - 8 + 0 - 2 + 1 = 7.

Sample Input 2

-15 10

Sample Output 2

25

2 times -10, plus 5.

Sample Input 3

0 3

Sample Output 3

0
""",
    oracle=solve_negative_base,
    fixed=(
        "7 2",
        "-15 10",
        "0 3",
        "1 2",
        "-1 2",
        "2 2",
        "10 10",
        "-10 10",
        "-9 3",
        "1000000000000 2",
        "-1000000000000 2",
        "-1000000000000 10",
        "999999999999 10",
    ),
    generate=generate_negative_base,
    random_count=15,
    reference=NEGATIVE_BASE_REFERENCE,
    wrong=(
        # Prints nothing for zero.
        slip(NEGATIVE_BASE_REFERENCE, ('if n == 0 then\n  print("0")\nelse\n', "do\n")),
        # The remainder of a negative number is made positive by dropping its sign.
        """
local n, b = io.read("*n", "*n")
if n == 0 then
  print("0")
  return
end
local digits = {}
while n ~= 0 do
  local d = math.abs(math.fmod(n, b))
  table.insert(digits, 1, string.format("%d", d))
  n = math.floor((n - d) / -b)
end
print(table.concat(digits))
""",
        # Operators of a newer Lua.
        """
local n, b = io.read("*n", "*n")
local s = ""
repeat
  local d = n % b
  s = d .. s
  n = (n - d) // -b
until n == 0
print(s)
""",
    ),
    tags=("base conversion", "math"),
)


# ---------------------------------------------------------------- ladder_04: merging intervals


def solve_bookings(text: str) -> str:
    numbers = [int(word) for word in text.split()][1:]
    bookings = list(zip(numbers[::2], numbers[1::2], strict=True))
    borders = sorted(set(numbers))
    blocks: list[list[int]] = []
    for left, right in pairwise(borders):
        if any(start <= left and right <= end for start, end in bookings):
            if blocks and blocks[-1][1] == left:
                blocks[-1][1] = right
            else:
                blocks.append([left, right])
    total = sum(right - left for left, right in blocks)
    return "\n".join([f"{len(blocks)} {total}", *(f"{left} {right}" for left, right in blocks)])


def generate_bookings(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 4), rng.randint(5, 12), 60, 150])
    span = rng.choice([10, 50, 1000, 2 * 10**9])
    longest = max(1, span // rng.choice([3, count, 2 * count]))
    lines = []
    for _ in range(count):
        left = rng.randint(-(span // 2), span // 2 - 1)
        lines.append(f"{left} {min(left + rng.randint(1, longest), span // 2)}")
    return "\n".join([str(count), *lines])


BOOKINGS_REFERENCE = """
local n = io.read("*n")
local bookings = {}
for i = 1, n do
  local l, r = io.read("*n", "*n")
  bookings[i] = { l, r }
end
table.sort(bookings, function(x, y)
  return x[1] < y[1]
end)
local blocks = {}
for _, b in ipairs(bookings) do
  local last = blocks[#blocks]
  if last and b[1] <= last[2] then
    last[2] = math.max(last[2], b[2])
  else
    blocks[#blocks + 1] = { b[1], b[2] }
  end
end
local total = 0
for _, b in ipairs(blocks) do
  total = total + b[2] - b[1]
end
print(#blocks .. " " .. total)
for _, b in ipairs(blocks) do
  print(b[1] .. " " .. b[2])
end
"""

BOOKINGS = Authored(
    question_id="ladder_04_bookings",
    title="When Was the Hall in Use",
    difficulty="abc",
    statement="""
There are N bookings of a sports hall. Booking i uses the hall from time L_i until time R_i, not
including the moment R_i itself. Bookings may overlap, since the hall can be divided.

The hall is in use whenever at least one booking uses it. Find the blocks of time during which the
hall is in use without interruption, and make each block as long as possible: if one block ends at
time 5 and another booking begins at time 5, there is no interruption between them.

Input

The input is given in the following format:

N
L_1 R_1
L_2 R_2
:
L_N R_N

Output

Let M be the number of blocks. Print M and the total length of all blocks in the first line. Then
print M lines with the start and the end of each block, in order of time.

Constraints

- 1 <= N <= 500
- -10^9 <= L_i < R_i <= 10^9
- All values are integers.

Sample Input 1

4
8 10
1 3
3 5
2 4

Sample Output 1

2 6
1 5
8 10

Sample Input 2

2
-5 20
0 3

Sample Output 2

1 25
-5 20
""",
    oracle=solve_bookings,
    fixed=(
        "4\n8 10\n1 3\n3 5\n2 4",
        "2\n-5 20\n0 3",
        "1\n-1000000000 1000000000",
        "3\n5 6\n5 6\n5 6",
        "3\n0 1\n1 2\n2 3",
        "3\n4 5\n2 3\n0 1",
        "4\n1 10\n2 3\n9 11\n4 5",
        "2\n-1000000000 0\n1 1000000000",
        "5\n10 20\n10 12\n10 30\n30 31\n9 10",
    ),
    generate=generate_bookings,
    random_count=16,
    reference=BOOKINGS_REFERENCE,
    wrong=(
        # Bookings that only touch stay apart.
        slip(BOOKINGS_REFERENCE, ("b[1] <= last[2]", "b[1] < last[2]")),
        # A booking inside a block shortens the block.
        slip(BOOKINGS_REFERENCE, ("math.max(last[2], b[2])", "b[2]")),
        # Forgets to sort.
        """
local n = io.read("*n")
local blocks = {}
for _ = 1, n do
  local l, r = io.read("*n", "*n")
  local last = blocks[#blocks]
  if last and l <= last[2] and r >= last[1] then
    last[1] = math.min(last[1], l)
    last[2] = math.max(last[2], r)
  else
    blocks[#blocks + 1] = { l, r }
  end
end
local total = 0
for _, b in ipairs(blocks) do
  total = total + b[2] - b[1]
end
print(#blocks .. " " .. total)
for _, b in ipairs(blocks) do
  print(b[1] .. " " .. b[2])
end
""",
    ),
    tags=("intervals", "sorting"),
)


# ---------------------------------------------------------------- ladder_05: anagram pairs


def solve_anagrams(text: str) -> str:
    words = text.split()[1:]
    letters = [Counter(word) for word in words]
    pairs = 0
    for j in range(len(words)):
        for i in range(j):
            pairs += words[i] != words[j] and letters[i] == letters[j]
    return str(pairs)


def generate_anagrams(rng: random.Random) -> str:
    count = rng.choice([rng.randint(2, 8), rng.randint(5, 15), 80, 300])
    alphabet = rng.choice(["ab", "abc", "abcd"])
    shortest = rng.randint(1, 3)
    longest = rng.randint(shortest, 5)
    words = ["".join(rng.choices(alphabet, k=rng.randint(shortest, longest))) for _ in range(count)]
    return "\n".join([str(count), *words])


ANAGRAMS_REFERENCE = """
local n = io.read("*n")
io.read("*l")
local same_letters, same_word = {}, {}
local pairs_found = 0
for _ = 1, n do
  local word = io.read("*l")
  local letters = {}
  for c in word:gmatch("%a") do
    letters[#letters + 1] = c
  end
  table.sort(letters)
  local key = table.concat(letters)
  pairs_found = pairs_found + (same_letters[key] or 0) - (same_word[word] or 0)
  same_letters[key] = (same_letters[key] or 0) + 1
  same_word[word] = (same_word[word] or 0) + 1
end
print(pairs_found)
"""

ANAGRAMS = Authored(
    question_id="ladder_05_anagrams",
    title="Shuffled Name Tags",
    difficulty="abc",
    statement="""
N name tags made of single letter tiles fell to the floor. Tags i and j can be mixed up if the
tiles of tag i can be put in another order so that they read S_j, and S_i and S_j are not the same
word. (Nobody minds if two equal tags are exchanged.)

Count the pairs (i, j) with i < j such that tags i and j can be mixed up.

Input

The input is given in the following format:

N
S_1
S_2
:
S_N

Output

Print the number of pairs.

Constraints

- 1 <= N <= 2000
- S_i consists of lower-case letters; its length is between 1 and 20.

Sample Input 1

5
tea
eat
ate
tea
at

Sample Output 1

5

Tags 1 and 4 are equal. The pairs (1, 2), (1, 3), (2, 3), (2, 4) and (3, 4) can be mixed up.

Sample Input 2

3
aab
abb
ab

Sample Output 2

0
""",
    oracle=solve_anagrams,
    fixed=(
        "5\ntea\neat\nate\ntea\nat",
        "3\naab\nabb\nab",
        "1\nz",
        "2\nx\nx",
        "4\nab\nba\nab\nba",
        "3\nad\nbc\ncb",
        "3\nabcdefghijklmnopqrst\ntsrqponmlkjihgfedcba\nabcdefghijklmnopqrsu",
        "800\n" + "ab\nba\n" * 400,
    ),
    generate=generate_anagrams,
    random_count=16,
    reference=ANAGRAMS_REFERENCE,
    wrong=(
        # Counts pairs of equal words, too.
        slip(ANAGRAMS_REFERENCE, (" - (same_word[word] or 0)\n", "\n")),
        # Compares which letters occur, not how often.
        """
local n = io.read("*n")
io.read("*l")
local same_letters, same_word = {}, {}
local answer = 0
for _ = 1, n do
  local word = io.read("*l")
  local key = ""
  for c in ("abcdefghijklmnopqrstuvwxyz"):gmatch(".") do
    if word:find(c) then
      key = key .. c
    end
  end
  answer = answer + (same_letters[key] or 0) - (same_word[word] or 0)
  same_letters[key] = (same_letters[key] or 0) + 1
  same_word[word] = (same_word[word] or 0) + 1
end
print(answer)
""",
        # Compares length and sum of the letters' codes.
        slip(
            ANAGRAMS_REFERENCE,
            ("    letters[#letters + 1] = c\n", "    letters[1] = (letters[1] or 0) + c:byte()\n"),
            ("table.concat(letters)", '#word .. ":" .. letters[1]'),
        ),
    ),
    tags=("strings", "map", "counting"),
)


# ---------------------------------------------------------------- ladder_06: stars on a frame


def solve_frame(text: str) -> str:
    words = text.split()
    height = int(words[0])
    grid = words[2 : 2 + height]
    numbers = [int(word) for word in words[3 + height :]]
    answers = []
    for top, left, bottom, right in zip(*(numbers[k::4] for k in range(4)), strict=True):
        frame = {(row, column) for row in (top, bottom) for column in range(left, right + 1)}
        frame |= {(row, column) for row in range(top, bottom + 1) for column in (left, right)}
        answers.append(sum(grid[row - 1][column - 1] == "*" for row, column in frame))
    return "\n".join(map(str, answers))


def generate_frame(rng: random.Random) -> str:
    side = rng.choice([3, 6, 15, 45])
    height, width = rng.randint(1, side), rng.randint(1, side)
    density = rng.choice([0.3, 0.6, 1.0])
    rows = [
        "".join("*" if rng.random() < density else "." for _ in range(width)) for _ in range(height)
    ]
    queries = []
    for _ in range(rng.randint(1, 2 * side)):
        top, bottom = sorted(rng.choices(range(1, height + 1), k=2))
        left, right = sorted(rng.choices(range(1, width + 1), k=2))
        queries.append(f"{top} {left} {bottom} {right}")
    return "\n".join([f"{height} {width}", *rows, str(len(queries)), *queries])


FRAME_REFERENCE = """
local h, w = io.read("*n", "*n")
io.read("*l")
local p = { [0] = {} }
for j = 0, w do
  p[0][j] = 0
end
for i = 1, h do
  local line = io.read("*l")
  p[i] = { [0] = 0 }
  local in_row = 0
  for j = 1, w do
    if line:sub(j, j) == "*" then
      in_row = in_row + 1
    end
    p[i][j] = p[i - 1][j] + in_row
  end
end
local function stars(a, b, c, d)
  if a > c or b > d then
    return 0
  end
  return p[c][d] - p[a - 1][d] - p[c][b - 1] + p[a - 1][b - 1]
end
local q = io.read("*n")
for _ = 1, q do
  local a, b, c, d = io.read("*n", "*n", "*n", "*n")
  print(stars(a, b, c, d) - stars(a + 1, b + 1, c - 1, d - 1))
end
"""

FRAME = Authored(
    question_id="ladder_06_frame",
    title="Stars Behind the Frame",
    difficulty="abc",
    statement="""
A photograph of the night sky is a grid of H rows and W columns; `*` is a star and `.` is dark sky.

Answer Q questions. For question k, a rectangular picture frame is laid on the photograph: its
outer border runs from row A_k to row C_k and from column B_k to column D_k (both included), and the
frame is exactly one cell wide. So it covers the cells of the rectangle that lie in row A_k, in row
C_k, in column B_k or in column D_k; the cells inside stay visible. A frame may be so thin that it
has no cells inside.

How many stars does each frame cover?

Input

The input is given in the following format:

H W
G_1
:
G_H
Q
A_1 B_1 C_1 D_1
:
A_Q B_Q C_Q D_Q

Output

Print Q lines; line k holds the number of stars under frame k.

Constraints

- 1 <= H, W <= 300
- 1 <= Q <= 1000
- G_i is a string of length W consisting of `*` and `.`.
- 1 <= A_k <= C_k <= H
- 1 <= B_k <= D_k <= W

Sample Input 1

4 5
*.*.*
.***.
**.**
.*.*.
3
1 1 4 5
2 2 3 4
3 1 3 5

Sample Output 1

7
5
4

Frame 1 covers 3 stars in row 1, 2 in row 4 and 2 more in columns 1 and 5. Frame 3 covers just one
row.

Sample Input 2

1 1
*
1
1 1 1 1

Sample Output 2

1
""",
    oracle=solve_frame,
    fixed=(
        "4 5\n*.*.*\n.***.\n**.**\n.*.*.\n3\n1 1 4 5\n2 2 3 4\n3 1 3 5",
        "1 1\n*\n1\n1 1 1 1",
        "1 1\n.\n1\n1 1 1 1",
        "3 3\n***\n***\n***\n6\n1 1 3 3\n1 1 2 2\n2 2 2 2\n1 2 3 2\n2 1 2 3\n1 1 3 2",
        "1 6\n*.**.*\n3\n1 1 1 6\n1 2 1 2\n1 3 1 4",
        "5 1\n*\n*\n.\n*\n*\n3\n1 1 5 1\n2 1 4 1\n3 1 3 1",
        "4 4\n....\n.**.\n.**.\n....\n2\n1 1 4 4\n2 2 3 3",
    ),
    generate=generate_frame,
    random_count=15,
    reference=FRAME_REFERENCE,
    wrong=(
        # Takes the inner rectangle away although a thin frame has none.
        slip(FRAME_REFERENCE, ("  if a > c or b > d then\n    return 0\n  end\n", "")),
        # Adds the four sides and takes the four corners away, also when sides fall together.
        """
local h, w = io.read("*n", "*n")
io.read("*l")
local g = {}
for i = 1, h do
  local line = io.read("*l")
  g[i] = {}
  for j = 1, w do
    g[i][j] = line:sub(j, j) == "*" and 1 or 0
  end
end
local q = io.read("*n")
for _ = 1, q do
  local a, b, c, d = io.read("*n", "*n", "*n", "*n")
  local sum = 0
  for j = b, d do
    sum = sum + g[a][j] + g[c][j]
  end
  for i = a, c do
    sum = sum + g[i][b] + g[i][d]
  end
  print(sum - g[a][b] - g[a][d] - g[c][b] - g[c][d])
end
""",
        # Counts the whole rectangle.
        """
local h, w = io.read("*n", "*n")
io.read("*l")
local g = {}
for i = 1, h do
  g[i] = io.read("*l")
end
local q = io.read("*n")
for _ = 1, q do
  local a, b, c, d = io.read("*n", "*n", "*n", "*n")
  local sum = 0
  for i = a, c do
    local _, found = g[i]:sub(b, d):gsub("%*", "")
    sum = sum + found
  end
  print(sum)
end
""",
    ),
    tags=("prefix sums", "grid"),
)

PROBLEMS = (FREE_DAYS, WINDOW, VACUUM, NEGATIVE_BASE, BOOKINGS, ANAGRAMS, FRAME)
