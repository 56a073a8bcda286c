"""Problems of the level of AtCoder Beginner Contest B-C, part 11."""

import random

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- ladder_18: long-run generator


def solve_generator(text: str) -> str:
    modulus, a, b, c, start, steps = (int(word) for word in text.split())
    after_one = [(a * x * x + b * x + c) % modulus for x in range(modulus)]
    value, jump, left = start, after_one, steps
    while left:
        if left % 2:
            value = jump[value]
        jump = [jump[jump[x]] for x in range(modulus)]
        left //= 2
    inside = start
    for _ in range(modulus):
        inside = after_one[inside]
    cycle = {inside}
    while after_one[inside] not in cycle:
        inside = after_one[inside]
        cycle.add(inside)
    return f"{value} {len(cycle)}"


def generate_generator(rng: random.Random) -> str:
    modulus = rng.choice([rng.randint(1, 12), rng.randint(12, 200), rng.randint(200, 5000)])
    a, b, c = (rng.randint(0, modulus - 1) for _ in range(3))
    if rng.random() < 0.3:
        a = 0
    steps = rng.choice([rng.randint(0, 5), rng.randint(0, 2 * modulus), rng.randint(0, 10**15)])
    return f"{modulus} {a} {b} {c} {rng.randint(0, modulus - 1)} {steps}"


GENERATOR_REFERENCE = """
local m, a, b, c, x, n = io.read("*n", "*n", "*n", "*n", "*n", "*n")
local seen, values = {}, {}
local step = 0
while not seen[x] do
  seen[x] = step
  values[step] = x
  x = (a * x * x + b * x + c) % m
  step = step + 1
end
local tail = seen[x]
local cycle = step - tail
if n >= tail then
  n = tail + (n - tail) % cycle
end
print(values[n] .. " " .. cycle)
"""

GENERATOR = Authored(
    question_id="ladder_18_generator",
    title="The Wheel That Comes Round",
    difficulty="abc",
    statement="""
The hand of a wheel of fortune points to one of the numbers 0, 1, ..., M-1. At the beginning it
points to S. Each push moves it: if it pointed to x before, it points to

(A * x * x + B * x + C) mod M

afterwards. Since there are only M numbers, from some time on the hand goes through the same numbers
in the same order again and again (possibly only one number). It need not come back to S.

To which number does the hand point after N pushes, and how many different numbers does it visit
again and again in the long run?

Input

The input is given in the following format:

M A B C S N

Output

Print the two numbers, separated by a space.

Constraints

- 1 <= M <= 5000
- 0 <= A, B, C, S <= M - 1
- 0 <= N <= 10^15
- All values are integers.

Sample Input 1

10 1 0 1 3 8

Sample Output 1

1 6

The hand points to 3, 0, 1, 2, 5, 6, 7, 0, 1, 2, ... and never to 3 again.

Sample Input 2

8 0 2 0 3 1000000000000000

Sample Output 2

0 1

The hand points to 3, 6, 4, 0, 0, 0, ...
""",
    oracle=solve_generator,
    fixed=(
        "10 1 0 1 3 8",
        "8 0 2 0 3 1000000000000000",
        "1 0 0 0 0 0",
        "1 0 0 0 0 999999999999999",
        "5 0 1 1 0 4",
        "5 0 1 1 0 5",
        "4999 0 1 1 0 1000000000000000",
        "4096 0 2 0 1 3",
        "4096 0 2 0 1 12",
        "7 0 0 3 5 0",
        "7 0 0 3 5 1",
        "100 1 0 0 2 999999999999998",
        "12 1 0 2 5 1",
    ),
    generate=generate_generator,
    random_count=17,
    reference=GENERATOR_REFERENCE,
    wrong=(
        # Believes that the start belongs to the cycle.
        slip(
            GENERATOR_REFERENCE,
            ("if n >= tail then\n  n = tail + (n - tail) % cycle\nend", "n = n % cycle"),
        ),
        # Reduces the number of pushes also when the cycle has not begun yet.
        slip(
            GENERATOR_REFERENCE,
            ("if n >= tail then\n  n = tail", "do\n  n = tail"),
        ),
        # Counts all numbers that are ever visited.
        slip(GENERATOR_REFERENCE, ('" " .. cycle', '" " .. step')),
        # Looks at the number after one push too many.
        slip(GENERATOR_REFERENCE, ("(n - tail) % cycle", "(n - tail + 1) % cycle")),
    ),
    tags=("simulation", "cycle", "map"),
)


# ---------------------------------------------------------------- ladder_19: mirrored tail


def solve_mirror(text: str) -> str:
    word = text.strip()
    added = 0
    while True:
        longer = word + word[:added][::-1]
        if longer == longer[::-1]:
            return f"{added}\n{longer}"
        added += 1


def generate_mirror(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 5), rng.randint(5, 15), rng.randint(15, 60), 600])
    alphabet = rng.choice(["ab", "ab", "abc", "xyzuvw"])
    left = "".join(rng.choices(alphabet, k=length // 3))
    half = "".join(rng.choices(alphabet, k=(length - len(left)) // 2))
    middle = rng.choice(["", rng.choice(alphabet)])
    return (left + half + middle + half[::-1]) or "b"


MIRROR_REFERENCE = """
local s = io.read("*l")
local n = #s
local function is_palindrome(from)
  local i, j = from, n
  while i < j do
    if s:byte(i) ~= s:byte(j) then
      return false
    end
    i, j = i + 1, j - 1
  end
  return true
end
local from = 1
while not is_palindrome(from) do
  from = from + 1
end
print(from - 1)
print(s .. s:sub(1, from - 1):reverse())
"""

MIRROR = Authored(
    question_id="ladder_19_mirror",
    title="Finish the Palindrome",
    difficulty="abc",
    statement="""
A palindrome reads the same forwards and backwards, like `noon` or `x`. Somebody has begun to paint
a palindrome on a wall and has got as far as the string S. What is painted cannot be changed, but
you can go on painting letters behind it.

How many letters do you have to add at least so that the whole string becomes a palindrome, and what
does the wall read then? (There is only one way to do it with the smallest number of letters.)

Input

The input is given in the following format:

S

Output

Print the number of letters that you add, and in the second line the whole string.

Constraints

- S consists of lower-case letters.
- The length of S is between 1 and 2000.

Sample Input 1

banana

Sample Output 1

1
bananab

Sample Input 2

level

Sample Output 2

0
level

Sample Input 3

abca

Sample Output 3

3
abcacba
""",
    oracle=solve_mirror,
    fixed=(
        "banana",
        "level",
        "abca",
        "k",
        "kk",
        "ab",
        "aab",
        "abb",
        "aaaaaaaa",
        "abababababa",
        "xabcba",
        "abcdefghij",
        "a" * 500 + "b" + "a" * 499,
    ),
    generate=generate_mirror,
    random_count=15,
    reference=MIRROR_REFERENCE,
    wrong=(
        # Repeats all letters but the last one, unless the word is a palindrome already.
        """
local s = io.read("*l")
if s == s:reverse() then
  print(0)
  print(s)
else
  print(#s - 1)
  print(s .. s:sub(1, #s - 1):reverse())
end
""",
        # Is content as soon as the first and the last letter agree.
        slip(
            MIRROR_REFERENCE,
            ("while i < j do\n    if", "do\n    if"),
        ),
        # Takes the first letters away from the front instead of repeating them behind.
        slip(MIRROR_REFERENCE, ("s .. s:sub(1, from - 1):reverse()", "s .. s:sub(1, from - 1)")),
    ),
    tags=("strings", "palindrome"),
)

PROBLEMS = (
    GENERATOR,
    MIRROR,
)
