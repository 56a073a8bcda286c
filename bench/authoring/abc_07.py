"""Problems of the level of AtCoder Beginner Contest B-C, part 7."""

import random
from collections import Counter

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (
    XOR_SUBSETS,
    VERSIONS,
)
