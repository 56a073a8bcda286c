"""Problems of the level of Codeforces 1000-1400, part 11."""

import math
import random
from collections.abc import Iterator
from itertools import islice

from bench.authoring.authored import Authored
from bench.authoring.casetext import answer_each, batch, integers, row

# --- climb_19_deadlines ---------------------------------------------------------------------


def most_orders(text: str) -> str:
    """Least time for every number of orders kept, over the orders by deadline."""
    numbers = integers(text)
    n = next(numbers)
    orders = sorted((next(numbers), next(numbers))[::-1] for _ in range(n))
    least: list[float] = [0] + [math.inf] * n
    for deadline, work in orders:
        for kept in range(n, 0, -1):
            if least[kept - 1] + work <= deadline:
                least[kept] = min(least[kept], least[kept - 1] + work)
    return str(max(kept for kept in range(n + 1) if least[kept] < math.inf))


def orders_generate(rng: random.Random) -> str:
    n, top = rng.choice((1, 3, 6, 12, 40, 150)), rng.choice((5, 30, 10**9))
    horizon = min(10**9, rng.choice((top, top * 3, max(1, top * n // 3))))
    orders = [(rng.randint(1, top), rng.randint(1, horizon)) for _ in range(n)]
    return "\n".join([str(n), *map(row, orders)])


ORDERS = Authored(
    question_id="climb_19_deadlines",
    title="The Tailor's Orders",
    difficulty="codeforces",
    statement="""
A tailor has n orders at hour 0. Order i takes w_i hours of work and must be finished at hour d_i at
the latest. He works on one order at a time, without a break, and chooses himself which orders he
accepts and in which sequence he does them. An order that would be late is worth nothing.

How many orders can he finish in time at most?

Input
The first line contains n. Each of the next n lines contains w_i and d_i.

Output
Print the largest number of orders.

Constraints
1 <= n <= 1000
1 <= w_i, d_i <= 10^9

Sample Input 1
4
5 6
2 8
3 9
4 9

Sample Output 1
3

Sample Input 2
2
3 2
7 6

Sample Output 2
0

In the first sample he leaves out the first order; the others take 2 + 3 + 4 = 9 hours.
""",
    oracle=most_orders,
    fixed=(
        "4\n5 6\n2 8\n3 9\n4 9",
        "2\n3 2\n7 6",
        "1\n1000000000 1000000000",
        "1\n2 1",
        "3\n10 10\n1 11\n1 12",
        "3\n2 100\n3 5\n4 9",
        "3\n1 10\n2 2\n2 4",
        "4\n4 4\n3 7\n2 8\n2 8",
        "5\n3 9\n3 9\n3 9\n3 9\n3 9",
        "3\n1000000000 1000000000\n999999999 1000000000\n1 1000000000",
        "200\n" + "\n".join(f"{1 + i * 37 % 101} {1 + i * i * 13 % 4001}" for i in range(200)),
    ),
    generate=orders_generate,
    random_count=15,
    reference="""
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work = work, deadline = deadline}
end
table.sort(orders, function(a, b) return a.deadline < b.deadline end)

-- a heap with the longest accepted order on top
local heap = {}

local function push(work)
  local at = #heap + 1
  heap[at] = work
  while at > 1 do
    local parent = math.floor(at / 2)
    if heap[parent] >= heap[at] then
      break
    end
    heap[parent], heap[at] = heap[at], heap[parent]
    at = parent
  end
end

local function pop()
  local top = heap[1]
  heap[1] = heap[#heap]
  heap[#heap] = nil
  local at = 1
  while true do
    local child = 2 * at
    if child > #heap then
      break
    end
    if child < #heap and heap[child + 1] > heap[child] then
      child = child + 1
    end
    if heap[at] >= heap[child] then
      break
    end
    heap[at], heap[child] = heap[child], heap[at]
    at = child
  end
  return top
end

local hours = 0
for _, order in ipairs(orders) do
  push(order.work)
  hours = hours + order.work
  if hours > order.deadline then
    hours = hours - pop()
  end
end
print(#heap)
""",
    wrong=(
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b) return a[2] < b[2] end)
local hours, count = 0, 0
for _, order in ipairs(orders) do
  -- never takes back what was accepted
  if hours + order[1] <= order[2] then
    hours = hours + order[1]
    count = count + 1
  end
end
print(count)
""",
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b)
  if a[1] == b[1] then return a[2] < b[2] end
  return a[1] < b[1]
end)
local hours, count = 0, 0
for _, order in ipairs(orders) do
  if hours + order[1] <= order[2] then
    hours = hours + order[1]
    count = count + 1
  end
end
print(count)
""",
        """
local n = io.read("*n")
local orders = {}
for i = 1, n do
  local work, deadline = io.read("*n", "*n")
  orders[i] = {work, deadline}
end
table.sort(orders, function(a, b) return a[2] < b[2] end)
local hours, count, longest = 0, 0, 0
for _, order in ipairs(orders) do
  hours = hours + order[1]
  count = count + 1
  longest = math.max(longest, order[1])
  if hours > order[2] then
    -- the same longest order may be thrown out more than once
    hours = hours - longest
    count = count - 1
  end
end
print(count)
""",
    ),
    tags=("greedy", "heap", "sorting"),
)


# --- climb_20_counting ----------------------------------------------------------------------


def hook_ways(numbers: Iterator[int]) -> int:
    """Give the hooks away from the highest to the lowest."""
    n = next(numbers)
    reach = list(islice(numbers, n))
    hooks = sorted(islice(numbers, n), reverse=True)
    ways = 1
    for taken, hook in enumerate(hooks):
        ways *= max(0, sum(height >= hook for height in reach) - taken)
    return ways % (10**9 + 7)


def hooks_generate(rng: random.Random) -> str:
    def case() -> str:
        n, top = rng.choice((1, 2, 3, 6, 15, 60)), rng.choice((4, 30, 10**9))
        hooks = [rng.randint(1, top) for _ in range(n)]
        reach = [min(top, hook + rng.randint(0, max(1, top // 3))) for hook in hooks]
        if rng.random() < 0.2:
            reach[rng.randrange(n)] = rng.randint(1, top)
        rng.shuffle(reach)
        return f"{n}\n{row(reach)}\n{row(hooks)}"

    return batch([case() for _ in range(rng.randint(2, 7))])


HOOKS = Authored(
    question_id="climb_20_counting",
    title="Coats on Hooks",
    difficulty="codeforces",
    statement="""
A kindergarten has n children and n coat hooks. Child i reaches up to the height r_i, hook j is at
the height h_j. Every child is to get a hook of its own that it can reach, that is, h_j <= r_i.

In how many ways can the hooks be given to the children? Two ways are different if some child gets a
different hook; all children and all hooks can be told apart. As the number can be huge, print its
remainder when divided by 1000000007.

Input
The first line contains t, the number of test cases. Each test case has three lines. The first
contains n, the second r_1, ..., r_n and the third h_1, ..., h_n.

Output
For each test case print the number of ways modulo 1000000007.

Constraints
1 <= t <= 50
1 <= n <= 2000, and the sum of n over all test cases is at most 3000
1 <= r_i, h_j <= 10^9

Sample Input
3
3
120 95 110
90 115 95
2
100 100
80 101
3
7 7 7
7 1 3

Sample Output
2
0
6

In the first test case the hook at 115 must go to the first child; the other two children reach both
other hooks.
""",
    oracle=lambda text: answer_each(text, hook_ways),
    fixed=(
        "3\n3\n120 95 110\n90 115 95\n2\n100 100\n80 101\n3\n7 7 7\n7 1 3",
        "3\n1\n1\n1\n1\n1\n2\n1\n2\n1",
        "2\n4\n1 2 3 4\n4 3 2 1\n4\n1 1 1 1\n1 1 1 2",
        "2\n4\n4 2 4 1\n1 1 2 4\n4\n1 9 9 9\n2 2 2 2",
        "2\n13\n"
        + row([5] * 13)
        + "\n"
        + row([5] * 13)
        + "\n12\n"
        + row([5] * 12)
        + "\n"
        + row([4] * 12),
        "2\n19\n"
        + row([9] * 19)
        + "\n"
        + row([1] * 19)
        + "\n25\n"
        + row([9] * 25)
        + "\n"
        + row([1] * 25),
        "1\n1000\n"
        + row(1000 - i * 7 % 500 for i in range(1000))
        + "\n"
        + row(1 + i * 3 % 450 for i in range(1000)),
    ),
    generate=hooks_generate,
    random_count=13,
    reference="""
local MOD = 1000000007

local function read_sorted(n)
  local values = {}
  for i = 1, n do
    values[i] = io.read("*n")
  end
  table.sort(values)
  return values
end

local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = read_sorted(n), read_sorted(n)
  local ways, within = 1, 0
  for i = 1, n do
    -- the smaller children have taken i - 1 of the hooks within reach
    while within < n and hooks[within + 1] <= reach[i] do
      within = within + 1
    end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
    wrong=(
        """
local MOD = 1000000007
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  -- the children come in the order of the input
  local ways = 1
  for i = 1, n do
    local within = 0
    for j = 1, n do
      if hooks[j] <= reach[i] then within = within + 1 end
    end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  table.sort(reach)
  table.sort(hooks)
  local ways, within = 1, 0
  for i = 1, n do
    while within < n and hooks[within + 1] <= reach[i] do within = within + 1 end
    ways = ways * math.max(0, within - (i - 1))
  end
  -- too late: the product is no longer exact
  print(string.format("%d", ways % 1000000007))
end
""",
        """
local MOD = 1000000007
local t = io.read("*n")
for _ = 1, t do
  local n = io.read("*n")
  local reach, hooks = {}, {}
  for i = 1, n do reach[i] = io.read("*n") end
  for i = 1, n do hooks[i] = io.read("*n") end
  table.sort(reach)
  table.sort(hooks)
  local ways, within = 1, 0
  for i = 1, n do
    while within < n and hooks[within + 1] < reach[i] do within = within + 1 end
    ways = ways * math.max(0, within - (i - 1)) % MOD
  end
  print(string.format("%d", ways))
end
""",
    ),
    tags=("combinatorics", "sorting", "two pointers"),
)

PROBLEMS = (
    ORDERS,
    HOOKS,
)
