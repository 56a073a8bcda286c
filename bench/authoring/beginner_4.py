"""Beginner problems: one pass over a sequence."""

import random

from bench.authoring.authored import Authored


def warming_oracle(text: str) -> str:
    days = list(map(int, text.split()[1:]))
    longest = 0
    for start in range(len(days)):
        stop = start + 1
        while stop < len(days) and days[stop] > days[stop - 1]:
            stop += 1
        longest = max(longest, stop - start)
    return str(longest)


def warming_input(source: random.Random) -> str:
    spread = source.choice((1, 4, 50))
    days = [source.randint(-spread, spread)]
    rise = source.choice((0.5, 0.9))
    count = source.choice((5, 20, 300))
    while len(days) < count:
        step = source.randint(0, 2) if source.random() < rise else -source.randint(0, 30)
        days.append(max(-60, min(60, days[-1] + step)))
    return f"{len(days)}\n{' '.join(map(str, days))}"


WARMING = Authored(
    question_id="starter_18_warming",
    title="Getting Warmer",
    difficulty="beginner",
    statement="""
A weather station has noted the temperature of N days in a row. Find the longest period of
consecutive days in which each day, except the first of the period, was strictly warmer than the day
before it. Print how many days this period has. A single day is a period of length 1.

Input

The first line has the integer N. The second line has the N temperatures, as integers.

Output

The number of days of the longest period.

Constraints

- 1 <= N <= 1000
- Each temperature is between -60 and 60.

Sample Input 1

8
3 5 5 6 9 12 -4 0

Sample Output 1

4

The longest period has the temperatures 5, 6, 9 and 12. The two days with 5 cannot both belong to
it.

Sample Input 2

3
7 7 7

Sample Output 2

1
""",
    oracle=warming_oracle,
    fixed=(
        "8\n3 5 5 6 9 12 -4 0",
        "3\n7 7 7",
        "1\n-60",
        "2\n-1 0",
        "2\n0 -1",
        "5\n1 2 3 4 5",
        "5\n5 4 3 2 1",
        "6\n1 2 1 2 3 4",
        "6\n1 2 3 4 1 2",
        "4\n-9 -8 -8 -7",
        "121\n" + " ".join(map(str, range(-60, 61))),
        "1000\n" + " ".join(["0 1"] * 500),
    ),
    generate=warming_input,
    random_count=13,
    reference="""
local n = io.read("*n")
local best, run, previous = 0, 0, nil
for i = 1, n do
  local today = io.read("*n")
  if previous and today > previous then
    run = run + 1
  else
    run = 1
  end
  best = math.max(best, run)
  previous = today
end
print(best)
""",
    wrong=(
        """
local n = io.read("*n")
local best, run, previous = 1, 1, io.read("*n")
for i = 2, n do
  local today = io.read("*n")
  if today >= previous then
    run = run + 1
  else
    run = 1
  end
  best = math.max(best, run)
  previous = today
end
print(best)
""",
        """
local n = io.read("*n")
local best, run, previous = 1, 1, io.read("*n")
for i = 2, n do
  local today = io.read("*n")
  if today > previous then
    run = run + 1
  else
    best = math.max(best, run)
    run = 1
  end
  previous = today
end
print(best)
""",
        """
local n = io.read("*n")
local best, run, previous = 0, 0, io.read("*n")
for i = 2, n do
  local today = io.read("*n")
  if today > previous then
    run = run + 1
  else
    run = 0
  end
  best = math.max(best, run)
  previous = today
end
print(best)
""",
    ),
    tags=("sequences", "longest-run"),
)


def shuttle_oracle(text: str) -> str:
    _, capacity, *groups = map(int, text.split())
    buses: list[int] = []
    for size in groups:
        if buses and buses[-1] + size <= capacity:
            buses[-1] += size
        else:
            buses.append(size)
    return str(len(buses))


def shuttle_input(source: random.Random) -> str:
    capacity = source.choice((source.randint(1, 8), source.randint(10, 60), 1000))
    largest = max(1, min(capacity, source.choice((3, 20, capacity))))
    groups = [source.randint(1, largest) for _ in range(source.randint(1, source.choice((8, 300))))]
    return f"{len(groups)} {capacity}\n{' '.join(map(str, groups))}"


SHUTTLE = Authored(
    question_id="starter_13_shuttle",
    title="Shuttle Buses",
    difficulty="beginner",
    statement="""
N groups of visitors wait in a queue for shuttle buses; the i-th group in the queue has g_i
people. A bus has C seats. The groups board in the order of the queue, and a group never splits
up. While the group at the front fits into the free seats of the bus that stands there, it boards;
otherwise the bus leaves and the next, empty bus comes. When the queue is empty, the last bus
leaves too.

How many buses leave?

Input

The first line has the integers N and C. The second line has the integers g_1, ..., g_N.

Output

The number of buses.

Constraints

- 1 <= N <= 1000
- 1 <= C <= 1000
- 1 <= g_i <= C

Sample Input 1

5 10
4 5 3 7 2

Sample Output 1

3

The buses take 4 + 5, then 3 + 7, then 2 people.

Sample Input 2

3 6
6 6 6

Sample Output 2

3
""",
    oracle=shuttle_oracle,
    fixed=(
        "5 10\n4 5 3 7 2",
        "3 6\n6 6 6",
        "1 1\n1",
        "4 4\n1 1 1 1",
        "4 4\n3 3 3 3",
        "6 5\n3 3 2 4 1 5",
        "5 10\n6 5 4 5 6",
        "2 10\n5 5",
        "2 10\n5 6",
        "1000 1000\n" + " ".join(["501"] * 1000),
        "1000 1000\n" + " ".join(["1"] * 1000),
    ),
    generate=shuttle_input,
    random_count=13,
    reference="""
local n, seats = io.read("*n", "*n")
local buses, free = 0, 0
for i = 1, n do
  local size = io.read("*n")
  if size > free then
    buses = buses + 1
    free = seats
  end
  free = free - size
end
print(buses)
""",
    wrong=(
        """
local n, seats = io.read("*n", "*n")
local people = 0
for i = 1, n do
  people = people + io.read("*n")
end
print(math.ceil(people / seats))
""",
        """
local n, seats = io.read("*n", "*n")
local buses, load = 1, 0
for i = 1, n do
  local size = io.read("*n")
  if load + size > seats then
    buses = buses + 1
    load = 0
  else
    load = load + size
  end
end
print(buses)
""",
        """
local n, seats = io.read("*n", "*n")
local buses, load = 1, 0
for i = 1, n do
  local size = io.read("*n")
  if load + size >= seats then
    buses = buses + 1
    load = 0
  end
  load = load + size
end
print(buses)
""",
    ),
    tags=("simulation", "greedy", "sequences"),
)


def discount_oracle(text: str) -> str:
    numbers = list(map(int, text.split()))[1:]
    return str(sum(p * (100 - d) // 100 for p, d in zip(numbers[::2], numbers[1::2], strict=True)))


def discount_input(source: random.Random) -> str:
    dearest = source.choice((100, 1000, 10**6))
    unit = source.choice((1, 100))
    items = [
        f"{unit * source.randint(1, dearest // unit)} {source.choice((10, source.randint(0, 100)))}"
        for _ in range(source.randint(1, source.choice((6, 100))))
    ]
    return "\n".join([str(len(items)), *items])


DISCOUNT = Authored(
    question_id="starter_19_clearance",
    title="Clearance Sale",
    difficulty="beginner",
    statement="""
In a clearance sale, the i-th item in a basket costs p_i cents and is marked with a discount of d_i
percent. The price to pay for an item is its price less the discount, rounded down to a whole number
of cents. Every item is rounded on its own.

Print how many cents the whole basket costs.

Input

The first line has the number N of items. Each of the next N lines has the integers p_i and d_i.

Output

The total in cents.

Constraints

- 1 <= N <= 100
- 1 <= p_i <= 1000000
- 0 <= d_i <= 100

Sample Input 1

3
199 50
5 10
1000 25

Sample Output 1

853

The items cost 99.5, 4.5 and 750 cents before rounding, hence 99 + 4 + 750.

Sample Input 2

1
80 100

Sample Output 2

0
""",
    oracle=discount_oracle,
    fixed=(
        "3\n199 50\n5 10\n1000 25",
        "1\n80 100",
        "1\n1 0",
        "1\n1 1",
        "1\n100 90",
        "2\n1 50\n1 50",
        "4\n100 42\n100 43\n100 44\n200 71",
        "3\n999999 99\n1000000 1\n7 0",
        "100\n" + "\n".join(["1000000 0"] * 100),
        "100\n" + "\n".join(["99 1"] * 100),
    ),
    generate=discount_input,
    random_count=14,
    reference="""
local n = io.read("*n")
local total = 0
for i = 1, n do
  local price, discount = io.read("*n", "*n")
  total = total + math.floor(price * (100 - discount) / 100)
end
print(total)
""",
    wrong=(
        """
local n = io.read("*n")
local total = 0
for i = 1, n do
  local price, discount = io.read("*n", "*n")
  total = total + math.floor(price * (1 - discount / 100))
end
print(total)
""",
        """
local n = io.read("*n")
local total = 0
for i = 1, n do
  local price, discount = io.read("*n", "*n")
  total = total + price * (100 - discount)
end
print(math.floor(total / 100))
""",
        """
local n = io.read("*n")
local total = 0
for i = 1, n do
  local price, discount = io.read("*n", "*n")
  total = total + price - math.floor(price * discount / 100)
end
print(total)
""",
    ),
    tags=("arithmetic", "rounding", "percentages"),
)

PROBLEMS = (WARMING, SHUTTLE, DISCOUNT)
