"""Problems of the level of AtCoder Beginner Contest B-C, part 4."""

import random
import re

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (
    FRAME,
    BRACKETED,
)
