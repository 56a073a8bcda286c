"""Beginner problems: grids."""

import random

from bench.authoring.authored import Authored


def shady_oracle(text: str) -> str:
    rows = text.split()[2:]
    trees = {(r, c) for r, row in enumerate(rows) for c, cell in enumerate(row) if cell == "#"}
    beside = {(r + dr, c + dc) for r, c in trees for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0))}
    return str(sum(0 <= r < len(rows) and 0 <= c < len(rows[0]) for r, c in beside - trees))


def shady_input(source: random.Random) -> str:
    size = source.choice((4, 10, 40))
    height, width = source.randint(1, size), source.randint(1, size)
    density = source.choice((0.05, 0.3, 0.8))
    rows = [
        "".join("#" if source.random() < density else "." for _ in range(width))
        for _ in range(height)
    ]
    return "\n".join([f"{height} {width}", *rows])


SHADY = Authored(
    question_id="starter_09_shady_lawns",
    title="Shady Lawns",
    difficulty="beginner",
    statement="""
A park is a grid of H rows and W columns. A cell with # has a tree, a cell with . has a lawn. A lawn
is shady if at least one of the cells that share a side with it (above, below, left, right) has a
tree. Count the shady lawns.

Input

The first line has the integers H and W. Each of the next H lines has W characters, each of them #
or a dot.

Output

The number of shady lawns.

Constraints

- 1 <= H, W <= 50

Sample Input 1

3 4
.#..
....
##.#

Sample Output 1

6

In the first row, the lawns left and right of the tree are shady; in the second row, all lawns
except the third; in the third row, the only lawn.

Sample Input 2

1 3
...

Sample Output 2

0
""",
    oracle=shady_oracle,
    fixed=(
        "3 4\n.#..\n....\n##.#",
        "1 3\n...",
        "1 1\n#",
        "1 1\n.",
        "1 4\n#...",
        "4 1\n.\n.\n.\n#",
        "2 2\n#.\n.#",
        "3 3\n...\n.#.\n...",
        "3 3\n###\n#.#\n###",
        "3 3\n#.#\n...\n#.#",
        "50 50\n" + "\n".join(["#." * 25, ".#" * 25] * 25),
    ),
    generate=shady_input,
    random_count=13,
    reference="""
local h, w = io.read("*n", "*n", "*l")
local grid = {}
for r = 1, h do
  grid[r] = io.read("*l")
end
local function tree(r, c)
  return r >= 1 and r <= h and c >= 1 and c <= w and grid[r]:sub(c, c) == "#"
end
local count = 0
for r = 1, h do
  for c = 1, w do
    if not tree(r, c)
      and (tree(r - 1, c) or tree(r + 1, c) or tree(r, c - 1) or tree(r, c + 1)) then
      count = count + 1
    end
  end
end
print(count)
""",
    wrong=(
        """
local h, w = io.read("*n", "*n", "*l")
local grid = {}
for r = 1, h do
  grid[r] = io.read("*l")
end
local function tree(r, c)
  return grid[r] and grid[r]:sub(c, c) == "#"
end
local count = 0
for r = 1, h do
  for c = 1, w do
    if tree(r, c) then
      for _, d in ipairs({{0, 1}, {1, 0}, {0, -1}, {-1, 0}}) do
        local y, x = r + d[1], c + d[2]
        if y >= 1 and y <= h and x >= 1 and x <= w and not tree(y, x) then
          count = count + 1
        end
      end
    end
  end
end
print(count)
""",
        """
local h, w = io.read("*n", "*n", "*l")
local grid = {}
for r = 1, h do
  grid[r] = io.read("*l")
end
local count = 0
for r = 1, h do
  for c = 1, w do
    local shady = false
    for y = math.max(1, r - 1), math.min(h, r + 1) do
      for x = math.max(1, c - 1), math.min(w, c + 1) do
        shady = shady or grid[y]:sub(x, x) == "#"
      end
    end
    if shady and grid[r]:sub(c, c) == "." then
      count = count + 1
    end
  end
end
print(count)
""",
        """
local h, w = io.read("*n", "*n", "*l")
local grid = {}
for r = 1, h do
  grid[r] = io.read("*l")
end
local count = 0
for r = 2, h - 1 do
  for c = 2, w - 1 do
    if grid[r]:sub(c, c) == "."
      and (grid[r - 1]:sub(c, c) == "#" or grid[r + 1]:sub(c, c) == "#"
        or grid[r]:sub(c - 1, c - 1) == "#" or grid[r]:sub(c + 1, c + 1) == "#") then
      count = count + 1
    end
  end
end
print(count)
""",
    ),
    tags=("grid", "counting"),
)


def robot_oracle(text: str) -> str:
    height, width, row, column = map(int, text.split()[:4])
    for command in text.split()[4]:
        down, right = {"U": (-1, 0), "D": (1, 0), "L": (0, -1), "R": (0, 1)}[command]
        if 1 <= row + down <= height and 1 <= column + right <= width:
            row, column = row + down, column + right
    return f"{row} {column}"


def robot_input(source: random.Random) -> str:
    size = source.choice((3, 10, 100))
    height, width = source.randint(1, size), source.randint(1, size)
    letters = source.choice(("UDLR", "UUL", "DDDRU", "RRLD"))
    commands = "".join(source.choices(letters, k=source.randint(1, source.choice((10, 400)))))
    return f"{height} {width}\n{source.randint(1, height)} {source.randint(1, width)}\n{commands}"


ROBOT = Authored(
    question_id="starter_11_robot",
    title="Robot Between Walls",
    difficulty="beginner",
    statement="""
The floor of a room is a grid of H rows and W columns. Rows are numbered from 1 at the top to H at
the bottom, columns from 1 at the left to W at the right. A robot stands in row R and column C and
carries out a list of commands, one letter each: U (one cell up), D (down), L (left) and R
(right). A command that would take it out of the room has no effect, and the robot goes on with
the next one.

Where does the robot stand in the end?

Input

The first line has the integers H and W, the second line the integers R and C, the third line the
commands, without spaces.

Output

The row and the column of the robot, separated by a space.

Constraints

- 1 <= H, W <= 100
- 1 <= R <= H and 1 <= C <= W
- There are between 1 and 500 commands.

Sample Input 1

3 4
1 2
URDRRL

Sample Output 1

2 3

The command U and the last R have no effect.

Sample Input 2

1 1
1 1
LRUD

Sample Output 2

1 1
""",
    oracle=robot_oracle,
    fixed=(
        "3 4\n1 2\nURDRRL",
        "1 1\n1 1\nLRUD",
        "5 5\n3 3\nU",
        "5 5\n3 3\nD",
        "5 5\n3 3\nL",
        "5 5\n3 3\nR",
        "2 5\n2 5\nDRDRDR",
        "5 2\n1 1\nULULUL",
        "4 3\n2 2\nRRRRRLDDDDDDU",
        "100 100\n100 100\n" + "U" * 250 + "L" * 250,
        "100 100\n1 1\n" + "DR" * 60,
    ),
    generate=robot_input,
    random_count=13,
    reference="""
local h, w = io.read("*n", "*n")
local r, c = io.read("*n", "*n", "*l")
for command in io.read("*l"):gmatch("%u") do
  if command == "U" then
    r = math.max(1, r - 1)
  elseif command == "D" then
    r = math.min(h, r + 1)
  elseif command == "L" then
    c = math.max(1, c - 1)
  else
    c = math.min(w, c + 1)
  end
end
print(r .. " " .. c)
""",
    wrong=(
        """
local h, w = io.read("*n", "*n")
local r, c = io.read("*n", "*n", "*l")
for command in io.read("*l"):gmatch("%u") do
  if command == "U" then
    r = r - 1
  elseif command == "D" then
    r = r + 1
  elseif command == "L" then
    c = c - 1
  else
    c = c + 1
  end
end
r = math.max(1, math.min(h, r))
c = math.max(1, math.min(w, c))
print(r .. " " .. c)
""",
        """
local h, w = io.read("*n", "*n")
local r, c = io.read("*n", "*n", "*l")
for command in io.read("*l"):gmatch("%u") do
  if command == "U" then
    r = (r - 2) % h + 1
  elseif command == "D" then
    r = r % h + 1
  elseif command == "L" then
    c = (c - 2) % w + 1
  else
    c = c % w + 1
  end
end
print(r .. " " .. c)
""",
        """
local h, w = io.read("*n", "*n")
local r, c = io.read("*n", "*n", "*l")
for command in io.read("*l"):gmatch("%u") do
  if command == "U" and r > 1 then
    r = r - 1
  elseif command == "D" and r < w then
    r = r + 1
  elseif command == "L" and c > 1 then
    c = c - 1
  elseif command == "R" and c < h then
    c = c + 1
  end
end
print(r .. " " .. c)
""",
    ),
    tags=("grid", "simulation"),
)

PROBLEMS = (SHADY, ROBOT)
