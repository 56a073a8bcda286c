"""Problems of the level of AtCoder Beginner Contest B-C, part 12."""

import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (SHIFTS,)
