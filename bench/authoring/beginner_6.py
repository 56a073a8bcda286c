"""Beginner problems: counting and comparing."""

import random
from collections import Counter

from bench.authoring.authored import Authored


def winner_oracle(text: str) -> str:
    counts = Counter(text.split()[1:])
    return min(counts, key=lambda name: (-counts[name], name))


def winner_input(source: random.Random) -> str:
    names = ["".join(source.choices("abcde", k=source.randint(1, 4))) for _ in range(6)]
    votes = source.choices(names, k=source.randint(1, source.choice((8, 100))))
    return "\n".join([str(len(votes)), *votes])


WINNER = Authored(
    question_id="starter_14_class_pet",
    title="Class Pet",
    difficulty="beginner",
    statement="""
A class votes on the name of its pet. Each of the N pupils writes down one name. The name with the
most votes wins; if several names have the most votes, the one of them that comes first in
alphabetical (dictionary) order wins.

Input

The first line has the integer N. Each of the next N lines has one name.

Output

The winning name.

Constraints

- 1 <= N <= 100
- Each name has between 1 and 10 lower-case English letters.

Sample Input 1

5
rex
fluffy
rex
bolt
fluffy

Sample Output 1

fluffy

Both rex and fluffy have two votes, and fluffy comes first in alphabetical order.

Sample Input 2

1
momo

Sample Output 2

momo
""",
    oracle=winner_oracle,
    fixed=(
        "5\nrex\nfluffy\nrex\nbolt\nfluffy",
        "1\nmomo",
        "3\nc\nb\na",
        "3\na\nb\nb",
        "4\nab\nb\nb\nab",
        "4\nb\nab\nab\nb",
        "2\nabc\nab",
        "6\nz\na\nz\na\nz\nm",
        "5\nzed\nzed\nann\nann\nann",
        "100\n" + "\n".join(["same"] * 100),
    ),
    generate=winner_input,
    random_count=14,
    reference="""
local n = io.read("*n", "*l")
local votes, names = {}, {}
for i = 1, n do
  local name = io.read("*l")
  if not votes[name] then
    votes[name] = 0
    names[#names + 1] = name
  end
  votes[name] = votes[name] + 1
end
table.sort(names, function(a, b)
  if votes[a] ~= votes[b] then
    return votes[a] > votes[b]
  end
  return a < b
end)
print(names[1])
""",
    wrong=(
        """
local n = io.read("*n", "*l")
local votes, names = {}, {}
for i = 1, n do
  local name = io.read("*l")
  if not votes[name] then
    votes[name] = 0
    names[#names + 1] = name
  end
  votes[name] = votes[name] + 1
end
local best = names[1]
for _, name in ipairs(names) do
  if votes[name] > votes[best] then
    best = name
  end
end
print(best)
""",
        """
local n = io.read("*n", "*l")
local votes, best = {}, nil
for i = 1, n do
  local name = io.read("*l")
  votes[name] = (votes[name] or 0) + 1
  if not best or votes[name] >= votes[best] then
    best = name
  end
end
print(best)
""",
        """
local n = io.read("*n", "*l")
local names = {}
for i = 1, n do
  names[i] = io.read("*l")
end
table.sort(names)
local best, longest, run = names[1], 1, 1
for i = 2, n do
  if names[i] == names[i - 1] then
    run = run + 1
  else
    run = 1
  end
  if run >= longest then
    best, longest = names[i], run
  end
end
print(best)
""",
    ),
    tags=("strings", "counting", "sorting"),
)


def rounds_oracle(text: str) -> str:
    _, ours, theirs = text.split()
    beats = {"R": "S", "S": "P", "P": "R"}
    lead = sum(
        (beats[mine] == yours) - (beats[yours] == mine)
        for mine, yours in zip(ours, theirs, strict=True)
    )
    if lead == 0:
        return "draw"
    return "Ada" if lead > 0 else "Ben"


def rounds_input(source: random.Random) -> str:
    rounds = source.randint(1, source.choice((3, 12, 100)))
    first, second = ("".join(source.choices("RPS", k=rounds)) for _ in range(2))
    return f"{rounds}\n{first}\n{second}"


ROUNDS = Authored(
    question_id="starter_10_rounds",
    title="Rock, Paper, Scissors",
    difficulty="beginner",
    statement="""
Ada and Ben play N rounds of rock, paper, scissors. In each round, rock (R) beats scissors (S),
scissors beat paper (P), and paper beats rock; two equal signs win for nobody. Whoever has won more
rounds wins the match. Print who wins it.

Input

The first line has the integer N. The second line has Ada's N signs, the third line Ben's N signs,
in the order of the rounds, without spaces.

Output

Ada, Ben, or draw if both have won the same number of rounds.

Constraints

- 1 <= N <= 100

Sample Input 1

4
RPSR
SPRS

Sample Output 1

Ada

Ada wins the first and the fourth round, Ben the third.

Sample Input 2

2
PP
SR

Sample Output 2

draw
""",
    oracle=rounds_oracle,
    fixed=(
        "4\nRPSR\nSPRS",
        "2\nPP\nSR",
        "1\nR\nR",
        "1\nR\nS",
        "1\nS\nR",
        "1\nS\nP",
        "1\nP\nS",
        "1\nP\nR",
        "1\nR\nP",
        "3\nRRP\nSPS",
        "3\nRSR\nPPS",
        "100\n" + "RPS" * 33 + "R\n" + "PSR" * 33 + "S",
    ),
    generate=rounds_input,
    random_count=14,
    reference="""
local n = io.read("*n", "*l")
local ada, ben = io.read("*l", "*l")
local beats = {R = "S", S = "P", P = "R"}
local lead = 0
for i = 1, n do
  local a, b = ada:sub(i, i), ben:sub(i, i)
  if beats[a] == b then
    lead = lead + 1
  elseif beats[b] == a then
    lead = lead - 1
  end
end
if lead > 0 then
  print("Ada")
elseif lead < 0 then
  print("Ben")
else
  print("draw")
end
""",
    wrong=(
        """
local n = io.read("*n", "*l")
local ada, ben = io.read("*l", "*l")
local beats = {R = "S", S = "P", P = "R"}
local lead = 0
for i = 1, n do
  if beats[ada:sub(i, i)] == ben:sub(i, i) then
    lead = lead + 1
  else
    lead = lead - 1
  end
end
if lead > 0 then
  print("Ada")
elseif lead < 0 then
  print("Ben")
else
  print("draw")
end
""",
        """
local n = io.read("*n", "*l")
local ada, ben = io.read("*l", "*l")
local beats = {R = "S", S = "P", P = "R"}
local lead = 0
for i = 1, n do
  local a, b = ada:sub(i, i), ben:sub(i, i)
  if beats[a] == b then
    lead = lead + 1
  elseif beats[b] == a then
    lead = lead - 1
  end
end
print(lead >= 0 and "Ada" or "Ben")
""",
        """
local n = io.read("*n", "*l")
local ada, ben = io.read("*l", "*l")
local value = {R = 1, P = 2, S = 3}
local lead = 0
for i = 1, n do
  local a, b = value[ada:sub(i, i)], value[ben:sub(i, i)]
  if a > b then
    lead = lead + 1
  elseif b > a then
    lead = lead - 1
  end
end
if lead > 0 then
  print("Ada")
elseif lead < 0 then
  print("Ben")
else
  print("draw")
end
""",
    ),
    tags=("games", "strings", "counting"),
)

PROBLEMS = (WINNER, ROUNDS)
