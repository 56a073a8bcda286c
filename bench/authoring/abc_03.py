"""Problems of the level of AtCoder Beginner Contest B-C, part 3."""

import random
from collections import Counter
from itertools import pairwise

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

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

PROBLEMS = (
    BOOKINGS,
    ANAGRAMS,
)
