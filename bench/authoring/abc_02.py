"""Problems of the level of AtCoder Beginner Contest B-C, part 2."""

import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (
    VACUUM,
    NEGATIVE_BASE,
)
