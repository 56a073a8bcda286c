"""Problems of the level of AtCoder Beginner Contest B-C, part 8."""

import random
import re
from collections import Counter
from itertools import groupby

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (
    LEDGER,
    PACKED,
)
