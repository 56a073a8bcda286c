"""Beginner problems: strings."""

import random
import string
from itertools import groupby

from bench.authoring.authored import Authored


def last_vowel_oracle(text: str) -> str:
    word = text.strip().lower()
    return str(max(word.rfind(vowel) for vowel in "aeiou") + 1)


def last_vowel_input(source: random.Random) -> str:
    letters = source.choice(("abcdE", "bcdfghA", "xyzXYZu", "aeiouAEIOUb", "pqrstPQRST"))
    return "".join(
        source.choice(letters) for _ in range(source.randint(1, source.choice((6, 100))))
    )


LAST_VOWEL = Authored(
    question_id="starter_05_last_vowel",
    title="Last Vowel",
    difficulty="beginner",
    statement="""
The vowels are the letters a, e, i, o and u, in lower case or in upper case. You are given a word of
English letters. Print the position of its last vowel, counting positions from 1. If the word has no
vowel, print 0.

Input

One line with the word.

Output

The position of the last vowel, or 0.

Constraints

- The word has between 1 and 100 letters, each in lower case or upper case.

Sample Input 1

Marathon

Sample Output 1

7

Sample Input 2

Rhythm

Sample Output 2

0

The letter y does not count as a vowel.
""",
    oracle=last_vowel_oracle,
    fixed=(
        "Marathon",
        "Rhythm",
        "a",
        "U",
        "b",
        "banana",
        "BANANA",
        "Otter",
        "eY",
        "skI",
        "queue",
        "xxIxx",
    ),
    generate=last_vowel_input,
    random_count=13,
    reference="""
local s = io.read("*l")
local answer = 0
for i = 1, #s do
  if s:sub(i, i):match("[aeiouAEIOU]") then
    answer = i
  end
end
print(answer)
""",
    wrong=(
        """
local s = io.read("*l")
print(s:find("[aeiouAEIOU]") or 0)
""",
        """
local s = io.read("*l")
local answer = 0
for i = 1, #s do
  if s:sub(i, i):match("[aeiou]") then
    answer = i
  end
end
print(answer)
""",
        """
local s = io.read("*l"):lower()
local answer = 0
for i = 0, #s - 1 do
  if s:sub(i + 1, i + 1):match("[aeiou]") then
    answer = i
  end
end
print(answer)
""",
    ),
    tags=("strings", "search"),
)


def run_lengths_oracle(text: str) -> str:
    runs = [(letter, len(list(group))) for letter, group in groupby(text.strip())]
    return "".join(letter + (str(length) if length > 1 else "") for letter, length in runs)


def run_lengths_input(source: random.Random) -> str:
    longest = source.choice((1, 3, 25))
    runs = source.randint(1, 12)
    return "".join(source.choice("abz") * source.randint(1, longest) for _ in range(runs))


RUN_LENGTHS = Authored(
    question_id="starter_08_run_lengths",
    title="Stuttering Keyboard",
    difficulty="beginner",
    statement="""
A keyboard stutters, and its owner shortens what it types. Every maximal block of equal letters that
stand next to each other is replaced by the letter followed by the length of the block. If the
length is 1, only the letter is written.

For example, aaabccccccccccccb becomes a3bc12b.

Input

One line with a string S of lower-case English letters.

Output

The shortened string.

Constraints

- S has between 1 and 1000 letters.

Sample Input 1

aaabccccccccccccb

Sample Output 1

a3bc12b

Sample Input 2

noon

Sample Output 2

no2n
""",
    oracle=run_lengths_oracle,
    fixed=(
        *("aaabccccccccccccb", "noon", "a", "zz", "ab", "abab", "aabbaa", "qqqqqqqqqq"),
        *("xyyyyyyyyy", "k" * 1000, "ab" * 500),
    ),
    generate=run_lengths_input,
    random_count=14,
    reference="""
local s = io.read("*l")
local parts = {}
local i = 1
while i <= #s do
  local j = i
  while s:sub(j + 1, j + 1) == s:sub(i, i) do
    j = j + 1
  end
  parts[#parts + 1] = s:sub(i, i)
  if j > i then
    parts[#parts + 1] = j - i + 1
  end
  i = j + 1
end
print(table.concat(parts))
""",
    wrong=(
        """
local s = io.read("*l")
local out, count = "", 1
for i = 2, #s do
  if s:sub(i, i) == s:sub(i - 1, i - 1) then
    count = count + 1
  else
    out = out .. s:sub(i - 1, i - 1) .. (count > 1 and count or "")
    count = 1
  end
end
print(out)
""",
        """
local s = io.read("*l")
local out, count = "", 1
for i = 2, #s + 1 do
  if s:sub(i, i) == s:sub(i - 1, i - 1) then
    count = count + 1
  else
    out = out .. s:sub(i - 1, i - 1) .. count
    count = 1
  end
end
print(out)
""",
        """
local s = io.read("*l")
local count, order = {}, {}
for c in s:gmatch(".") do
  if not count[c] then
    count[c] = 0
    order[#order + 1] = c
  end
  count[c] = count[c] + 1
end
local out = ""
for _, c in ipairs(order) do
  out = out .. c .. (count[c] > 1 and count[c] or "")
end
print(out)
""",
    ),
    tags=("strings", "run-length"),
)


def shift_oracle(text: str) -> str:
    amount, line = text.rstrip("\n").split("\n")
    turn = int(amount) % 26
    lower = string.ascii_lowercase[turn:] + string.ascii_lowercase[:turn]
    letters = string.ascii_lowercase + string.ascii_uppercase
    return line.translate(str.maketrans(letters, lower + lower.upper()))


def shift_input(source: random.Random) -> str:
    words = [
        "".join(source.choices("abmnyzAMZ019.,!?-", k=source.randint(1, 9)))
        for _ in range(source.randint(1, 10))
    ]
    return f"{source.randint(0, source.choice((25, 1000)))}\n{' '.join(words)}"


SHIFT = Authored(
    question_id="starter_17_letter_wheel",
    title="Letter Wheel",
    difficulty="beginner",
    statement="""
A letter wheel turns every letter K steps forward in the alphabet; after z it goes on with a, and
after Z with A. Lower-case letters stay lower-case, upper-case letters stay upper-case, and every
other character of the line stays as it is.

Encode a line with the wheel.

Input

The first line has the integer K. The second line has the text.

Output

The encoded text.

Constraints

- 0 <= K <= 1000
- The text has between 1 and 100 characters: English letters, digits, spaces and the marks . , ! ? -
- It neither starts nor ends with a space, and no two spaces stand next to each other.

Sample Input 1

3
Crazy Fox, age 10!

Sample Output 1

Fudcb Ira, djh 10!

Sample Input 2

52
No change

Sample Output 2

No change

After 52 steps, every letter is back where it began.
""",
    oracle=shift_oracle,
    fixed=(
        *("3\nCrazy Fox, age 10!", "52\nNo change", "0\nabc XYZ", "1\nz", "1\nZ", "25\nab AB"),
        *("26\nHello", "27\nyzYZ", "1000\nThe end.", "999\na-b-c 0 1 2", "13\nnNmM aAzZ"),
        "5\n12345 67890 ... !?",
    ),
    generate=shift_input,
    random_count=13,
    reference="""
local k = io.read("*n", "*l")
local text = io.read("*l")
local function turn(letter, first)
  return string.char((letter:byte() - first + k) % 26 + first)
end
text = text:gsub("%a", function(letter)
  if letter:match("%l") then
    return turn(letter, 97)
  end
  return turn(letter, 65)
end)
print(text)
""",
    wrong=(
        """
local k = io.read("*n", "*l") % 26
local text = io.read("*l")
text = text:gsub("%a", function(letter)
  return string.char((letter:byte() - 97 + k) % 26 + 97)
end)
print(text)
""",
        """
local k = io.read("*n", "*l") % 26
local text = io.read("*l")
text = text:gsub("%a", function(letter)
  local code = letter:byte() + k
  if code > 122 then
    code = code - 26
  end
  return string.char(code)
end)
print(text)
""",
        """
local k = io.read("*n", "*l") % 26
local text = io.read("*l")
text = text:gsub("%l", function(letter)
  return string.char((letter:byte() - 97 + k) % 26 + 97)
end)
print(text)
""",
    ),
    tags=("strings", "cipher", "modulo"),
)

PROBLEMS = (LAST_VOWEL, RUN_LENGTHS, SHIFT)
