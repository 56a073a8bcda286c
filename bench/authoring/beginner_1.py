"""Beginner problems: plain arithmetic."""

import random

from bench.authoring.authored import Authored


def nearest_five_oracle(text: str) -> str:
    number = int(text)
    return str(min(range(0, 101, 5), key=lambda post: abs(post - number)))


NEAREST_FIVE = Authored(
    question_id="abc305_a",
    title="Nearest Water Point",
    difficulty="beginner",
    statement="""
A straight hiking trail is 100 km long. There is a water point at every multiple of 5 km: at 0 km,
5 km, 10 km and so on up to 100 km. A hiker stands exactly N km from the start.

Print the position of the water point that is closest to the hiker. Since N is an integer, there is
always exactly one closest water point.

Input

One line with the integer N.

Output

One integer: the position of the closest water point, in kilometres from the start.

Constraints

- 0 <= N <= 100

Sample Input 1

38

Sample Output 1

40

The water points at 35 km and 40 km are 3 km and 2 km away; the one at 40 km is closer.

Sample Input 2

71

Sample Output 2

70
""",
    oracle=nearest_five_oracle,
    fixed=("38", "71", "0", "100", "2", "3", "98", "97", "55", "52", "7", "1"),
    generate=lambda source: str(source.randint(0, 100)),
    random_count=14,
    reference="""
local n = io.read("*n")
local below = n - n % 5
if n - below <= 2 then
  print(below)
else
  print(below + 5)
end
""",
    wrong=(
        """
local n = io.read("*n")
print(n - n % 5)
""",
        """
local n = io.read("*n")
print(math.floor((n + 3) / 5) * 5)
""",
        """
local n = io.read("*n")
print((n + 2) // 5 * 5)
""",
    ),
    tags=("arithmetic", "rounding"),
    inspired_by="AtCoder ABC305 A",
)


def crossed_powers_oracle(text: str) -> str:
    first, second = map(int, text.split())
    return str(first**second + second**first)


def crossed_powers_input(source: random.Random) -> str:
    first = source.randint(2, 9)
    return f"{first} {source.randint(first, 9)}"


CROSSED_POWERS = Authored(
    question_id="abc320_a",
    title="Crossed Powers",
    difficulty="beginner",
    statement="""
Two integers A and B are written on a card. Raise A to the power B, raise B to the power A, and
print the sum of the two results.

Input

One line with the integers A and B, separated by a space.

Output

The value of (A to the power B) + (B to the power A), as an integer.

Constraints

- 2 <= A <= B <= 9

Sample Input 1

3 4

Sample Output 1

145

3 to the power 4 is 81 and 4 to the power 3 is 64; their sum is 145.

Sample Input 2

5 5

Sample Output 2

6250
""",
    oracle=crossed_powers_oracle,
    fixed=("3 4", "5 5", "2 2", "2 3", "2 9", "9 9", "8 9", "2 4"),
    generate=crossed_powers_input,
    random_count=12,
    reference="""
local a, b = io.read("*n", "*n")
print(string.format("%d", a ^ b + b ^ a))
""",
    wrong=(
        """
local a, b = io.read("*n", "*n")
print(string.format("%d", a ^ b + a ^ b))
""",
        """
local a, b = io.read("*n", "*n")
local total = 0
for i = 1, b do
  total = total + a
end
for i = 1, a do
  total = total + b
end
print(total)
""",
        """
local a, b = io.read("*n", "*n")
local p, q = 1, 1
for i = 1, b - 1 do
  p = p * a
end
for i = 1, a - 1 do
  q = q * b
end
print(p + q)
""",
    ),
    tags=("arithmetic", "powers"),
    inspired_by="AtCoder ABC320 A",
)


def odd_sum_oracle(text: str) -> str:
    low, high = map(int, text.split())
    return str(sum(number for number in range(low, high + 1) if number % 2))


def odd_sum_input(source: random.Random) -> str:
    bound = source.choice((10, 1000, 10**6))
    low, high = sorted(source.randint(-bound, bound) for _ in range(2))
    return f"{low} {high}"


ODD_SUM = Authored(
    question_id="starter_01_odd_sum",
    title="Odd House Numbers",
    difficulty="beginner",
    statement="""
Print the sum of all odd integers x with A <= x <= B. The bounds may be negative. If there is no odd
integer in the range, the sum is 0.

Input

One line with the integers A and B.

Output

The sum, as an integer.

Constraints

- -1000000 <= A <= B <= 1000000

Sample Input 1

2 7

Sample Output 1

15

The odd integers are 3, 5 and 7.

Sample Input 2

-4 1

Sample Output 2

-3
""",
    oracle=odd_sum_oracle,
    fixed=(
        *("2 7", "-4 1", "0 0", "1 1", "-1 -1", "-7 -2", "4 4"),
        *("-1000000 1000000", "1 1000000", "-1000000 -999999"),
    ),
    generate=odd_sum_input,
    random_count=12,
    reference="""
local a, b = io.read("*n", "*n")
local sum = 0
for x = a, b do
  if x % 2 == 1 then
    sum = sum + x
  end
end
print(sum)
""",
    wrong=(
        """
local a, b = io.read("*n", "*n")
local sum = 0
for x = a, b do
  if math.fmod(x, 2) == 1 then
    sum = sum + x
  end
end
print(sum)
""",
        """
local a, b = io.read("*n", "*n")
if a % 2 == 0 then
  a = a + 1
end
local sum = 0
for x = a, b - 1, 2 do
  sum = sum + x
end
print(sum)
""",
        """
local a, b = io.read("*n", "*n")
local sum = 0
for x = a, b, 2 do
  sum = sum + x
end
print(sum)
""",
    ),
    tags=("arithmetic", "loops", "parity"),
)


def change_oracle(text: str) -> str:
    price = int(text)
    paid = 0
    while paid < price:
        paid += 1000
    change = paid - price
    coins = 0
    for coin in (500, 100, 50, 10, 5, 1):
        while change >= coin:
            change -= coin
            coins += 1
    return str(coins)


CHANGE = Authored(
    question_id="starter_02_change",
    title="Coins Back",
    difficulty="beginner",
    statement="""
Mira buys something that costs P crowns. She has only notes of 1000 crowns and hands over as few of
them as possible so that the price is covered. The cashier gives the change in coins of 500, 100,
50, 10, 5 and 1 crowns, using as few coins as possible.

How many coins does Mira get back?

Input

One line with the integer P.

Output

The number of coins.

Constraints

- 1 <= P <= 1000000

Sample Input 1

1234

Sample Output 1

7

She pays 2000 crowns. The change of 766 crowns is one 500, two 100, one 50, one 10, one 5 and one 1:
7 coins.

Sample Input 2

3000

Sample Output 2

0
""",
    oracle=change_oracle,
    fixed=("1234", "3000", "1", "999", "1000", "1001", "500", "1000000", "999999", "45", "123456"),
    generate=lambda source: str(source.randint(1, source.choice((2000, 10**6)))),
    random_count=14,
    reference="""
local p = io.read("*n")
local change = (1000 - p % 1000) % 1000
local count = 0
for _, coin in ipairs({500, 100, 50, 10, 5, 1}) do
  count = count + math.floor(change / coin)
  change = change % coin
end
print(count)
""",
    wrong=(
        """
local p = io.read("*n")
local change = 1000 - p % 1000
local count = 0
for _, coin in ipairs({500, 100, 50, 10, 5, 1}) do
  count = count + math.floor(change / coin)
  change = change % coin
end
print(count)
""",
        """
local p = io.read("*n")
local change = p % 1000
local count = 0
for _, coin in ipairs({500, 100, 50, 10, 5, 1}) do
  count = count + math.floor(change / coin)
  change = change % coin
end
print(count)
""",
        """
local p = io.read("*n")
local change = (1000 - p % 1000) % 1000
local count = 0
for _, coin in ipairs({500, 100, 50, 10, 5, 1}) do
  if change >= coin then
    count = count + 1
    change = change - coin
  end
end
print(count)
""",
    ),
    tags=("arithmetic", "greedy", "simulation"),
)


PROBLEMS = (NEAREST_FIVE, CROSSED_POWERS, ODD_SUM, CHANGE)
