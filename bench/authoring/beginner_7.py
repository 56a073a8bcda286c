"""Beginner problems: properties of whole numbers."""

import math
import random

from bench.authoring.authored import Authored


def next_palindrome_oracle(text: str) -> str:
    number = int(text) + 1
    while str(number) != str(number)[::-1]:
        number += 1
    return str(number)


NEXT_PALINDROME = Authored(
    question_id="starter_12_next_palindrome",
    title="Next Mirror Number",
    difficulty="beginner",
    statement="""
A mirror number is a non-negative integer whose decimal digits, without leading zeros, read the same
from left to right and from right to left, such as 7, 44 or 1991.

A kilometre counter shows N. Print the next mirror number that it will show, that is, the smallest
mirror number which is greater than N.

Input

One line with the integer N.

Output

The mirror number.

Constraints

- 0 <= N <= 1000000

Sample Input 1

1985

Sample Output 1

1991

Sample Input 2

1991

Sample Output 2

2002

The counter shows a mirror number already, but the next one is asked for.
""",
    oracle=next_palindrome_oracle,
    fixed=(
        *("1985", "1991", "0", "8", "9", "10", "11", "98", "99", "100", "999", "1000"),
        *("999999", "1000000", "123456"),
    ),
    generate=lambda source: str(source.randint(0, source.choice((200, 10**4, 10**6)))),
    random_count=12,
    reference="""
local n = io.read("*n") + 1
while tostring(n) ~= tostring(n):reverse() do
  n = n + 1
end
print(n)
""",
    wrong=(
        """
local n = io.read("*n")
while tostring(n) ~= tostring(n):reverse() do
  n = n + 1
end
print(n)
""",
        """
local n = io.read("*n") + 1
while tostring(n):sub(1, 1) ~= tostring(n):sub(-1) do
  n = n + 1
end
print(n)
""",
        """
local s = io.read("*l")
local half = s:sub(1, math.ceil(#s / 2))
local function mirror(left)
  return left .. left:sub(1, math.floor(#s / 2)):reverse()
end
local candidate = mirror(half)
if tonumber(candidate) <= tonumber(s) then
  candidate = mirror(tostring(half + 1))
end
print(candidate)
""",
    ),
    tags=("digits", "strings", "loops"),
)


def triangle_oracle(text: str) -> str:
    short, middle, long = sorted(map(int, text.split()))
    if short + middle <= long:
        return "impossible"
    difference = short**2 + middle**2 - long**2
    if difference == 0:
        return "right"
    return "acute" if difference > 0 else "obtuse"


def triangle_input(source: random.Random) -> str:
    kind = source.choice(("any", "right", "flat"))
    size = source.choice((6, 40, 1000))
    p, q = sorted(source.sample(range(1, size + 1), 2))
    sides = {
        "any": [source.randint(size, 2 * size) for _ in range(3)],
        "right": [q * q - p * p, 2 * p * q, q * q + p * p + source.choice((-1, 0, 0, 1))],
        "flat": [p, q, p + q + source.choice((-1, 0, 1))],
    }[kind]
    source.shuffle(sides)
    return " ".join(map(str, sides))


TRIANGLE = Authored(
    question_id="starter_15_three_sticks",
    title="Three Sticks",
    difficulty="beginner",
    statement="""
Three sticks have the lengths A, B and C. Lay them together to a triangle, end to end, and print
what kind of triangle it is:

- acute, if all its angles are smaller than 90 degrees;
- right, if it has an angle of exactly 90 degrees;
- obtuse, if it has an angle greater than 90 degrees;
- impossible, if the sticks form no triangle with a positive area.

If x <= y <= z are the lengths in order, a triangle exists if x + y > z. Its greatest angle, the one
opposite z, is smaller than 90 degrees if x*x + y*y > z*z, exactly 90 degrees if the two sides are
equal, and greater than 90 degrees otherwise.

Input

One line with the integers A, B and C, in any order.

Output

One of the words acute, right, obtuse, impossible.

Constraints

- 1 <= A, B, C <= 10000000

Sample Input 1

5 3 4

Sample Output 1

right

3*3 + 4*4 = 5*5.

Sample Input 2

1 3 2

Sample Output 2

impossible
""",
    oracle=triangle_oracle,
    fixed=(
        *("5 3 4", "1 3 2", "1 1 1", "2 3 4", "4 2 3", "3 4 2", "10 2 3", "2 10 3", "2 3 10"),
        *("5 12 13", "13 5 12", "12 13 5", "6000000 8000000 10000000", "1 1 2"),
        *("6000000 8000000 9999999", "6000001 8000000 10000000", "5999999 8000000 10000000"),
    ),
    generate=triangle_input,
    random_count=14,
    reference="""
local sides = {io.read("*n", "*n", "*n")}
table.sort(sides)
local x, y, z = sides[1], sides[2], sides[3]
if x + y <= z then
  print("impossible")
elseif x * x + y * y > z * z then
  print("acute")
elseif x * x + y * y == z * z then
  print("right")
else
  print("obtuse")
end
""",
    wrong=(
        """
local a, b, c = io.read("*n", "*n", "*n")
if a + b <= c or a + c <= b or b + c <= a then
  print("impossible")
elseif a * a + b * b > c * c then
  print("acute")
elseif a * a + b * b == c * c then
  print("right")
else
  print("obtuse")
end
""",
        """
local sides = {io.read("*n", "*n", "*n")}
table.sort(sides)
local x, y, z = sides[1], sides[2], sides[3]
if x + y < z then
  print("impossible")
elseif x * x + y * y > z * z then
  print("acute")
elseif x * x + y * y == z * z then
  print("right")
else
  print("obtuse")
end
""",
        """
local sides = {io.read("*n", "*n", "*n")}
table.sort(sides)
local x, y, z = sides[1], sides[2], sides[3]
local angle = math.deg(math.acos((x * x + y * y - z * z) / (2 * x * y)))
if x + y <= z then
  print("impossible")
elseif math.abs(angle - 90) < 1e-4 then
  print("right")
elseif angle < 90 then
  print("acute")
else
  print("obtuse")
end
""",
    ),
    tags=("geometry", "conditions", "sorting"),
)


def tiles_oracle(text: str) -> str:
    length, width = map(int, text.split())
    side = math.gcd(length, width)
    return str((length // side) * (width // side))


def tiles_input(source: random.Random) -> str:
    largest = 5 * 10**7
    factor = source.choice((1, 1, 6, 1000, 250_000))
    length, width = (source.randint(1, source.choice((20, largest // factor))) for _ in range(2))
    return f"{min(largest, length * factor)} {min(largest, width * factor)}"


TILES = Authored(
    question_id="starter_20_floor_tiles",
    title="Equal Square Tiles",
    difficulty="beginner",
    statement="""
A floor is a rectangle of A by B centimetres. It is to be covered completely with square tiles
that all have the same size. The side of a tile is a whole number of centimetres, and tiles are
neither cut nor laid on top of each other. What is the smallest possible number of tiles?

Input

One line with the integers A and B.

Output

The number of tiles.

Constraints

- 1 <= A, B <= 50000000

Sample Input 1

120 90

Sample Output 1

12

Tiles with sides of 30 centimetres fit: four along one side and three along the other.

Sample Input 2

7 5

Sample Output 2

35
""",
    oracle=tiles_oracle,
    fixed=(
        *("120 90", "7 5", "1 1", "10 10", "10 5", "5 10", "6 4", "50000000 49999999"),
        *("50000000 1", "50000000 50000000", "49999999 49999998", "36 48", "13 169"),
    ),
    generate=tiles_input,
    random_count=13,
    reference="""
local a, b = io.read("*n", "*n")
local x, y = a, b
while y > 0 do
  x, y = y, x % y
end
print(string.format("%d", (a / x) * (b / x)))
""",
    wrong=(
        """
local a, b = io.read("*n", "*n")
local x, y = a, b
while y > 0 do
  x, y = y, x % y
end
print(string.format("%d", a * b / x))
""",
        """
local a, b = io.read("*n", "*n")
local count = 0
while b > 0 do
  count = count + math.floor(a / b)
  a, b = b, a % b
end
print(string.format("%d", count))
""",
        """
local a, b = io.read("*n", "*n")
local x, y = a, b
while y > 0 do
  x, y = y, x % y
end
print((a / x) * (b / x))
""",
    ),
    tags=("gcd", "arithmetic", "large-numbers"),
)

PROBLEMS = (NEXT_PALINDROME, TRIANGLE, TILES)
