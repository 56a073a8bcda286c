"""Problems of the level of AtCoder Beginner Contest B-C, part 9."""

import math
import random
from collections import Counter

from bench.authoring.authored import Authored
from bench.authoring.slips import slip

# ---------------------------------------------------------------- ladder_14: rank of a word


def solve_word_rank(text: str) -> str:
    word = text.strip()
    rank = 1
    for position, letter in enumerate(word):
        rest = word[position:]
        for smaller in sorted(set(rest)):
            if smaller < letter:
                rank += orders(Counter(rest) - Counter(smaller))
    return str(rank)


def orders(letters: Counter[str]) -> int:
    """In how many orders the letters can be written: choose places for one letter after another."""
    places = letters.total()
    result = 1
    for count in letters.values():
        result *= math.comb(places, count)
        places -= count
    return result


def generate_word_rank(rng: random.Random) -> str:
    length = rng.choice([rng.randint(1, 5), rng.randint(4, 10), rng.randint(15, 18)])
    alphabet = rng.choice(["ab", "abcd", "abcdefghijklmnopqrstuvwxyz"])
    return "".join(rng.choices(alphabet, k=length))


WORD_RANK_REFERENCE = """
local word = io.read("*l")
local n = #word
local factorial = { [0] = 1 }
for i = 1, n do
  factorial[i] = factorial[i - 1] * i
end
local count = {}
for b = 97, 122 do
  count[b] = 0
end
for i = 1, n do
  local b = word:byte(i)
  count[b] = count[b] + 1
end
local rank = 1
for i = 1, n do
  local here = word:byte(i)
  for b = 97, here - 1 do
    if count[b] > 0 then
      count[b] = count[b] - 1
      local ways = factorial[n - i]
      for c = 97, 122 do
        ways = ways / factorial[count[c]]
      end
      rank = rank + ways
      count[b] = count[b] + 1
    end
  end
  count[here] = count[here] - 1
end
print(string.format("%d", rank))
"""

WORD_RANK = Authored(
    question_id="ladder_14_word_rank",
    title="Page of the Magic Word",
    difficulty="abc",
    statement="""
A wizard has forgotten in which order the letters of a magic word come. So he writes a book that
contains all different words that can be made by putting the letters of the magic word in some order
(each time all of its letters), in alphabetical order, one word on each page. The pages are numbered
from 1.

On which page does the magic word S itself stand?

Input

The input is given in the following format:

S

Output

Print the number of the page.

Constraints

- S consists of lower-case letters.
- The length of S is between 1 and 18.

Sample Input 1

baca

Sample Output 1

8

The book begins with aabc, aacb, abac, abca, acab, acba, baac, baca.

Sample Input 2

zzz

Sample Output 2

1

Sample Input 3

rqponmlkjihgfedcba

Sample Output 3

6402373705728000

Print the number in full, digit by digit.
""",
    oracle=solve_word_rank,
    fixed=(
        "baca",
        "zzz",
        "rqponmlkjihgfedcba",
        "a",
        "ab",
        "ba",
        "cba",
        "bbaa",
        "abcdefghijklmnopqr",
        "zyxwvutsrqponmlkji",
        "bbbbbbbbbaaaaaaaaa",
        "zazbzczdzezfzgzhzi",
    ),
    generate=generate_word_rank,
    random_count=16,
    reference=WORD_RANK_REFERENCE,
    wrong=(
        # Treats equal letters as if they could be told apart.
        slip(
            WORD_RANK_REFERENCE,
            (
                "      for c = 97, 122 do\n        ways = ways / factorial[count[c]]\n      end\n",
                "",
            ),
        ),
        # Goes through the positions of smaller letters, so that equal ones count repeatedly.
        slip(WORD_RANK_REFERENCE, ("rank = rank + ways", "rank = rank + ways * (count[b] + 1)")),
        # Counts pages from 0.
        slip(WORD_RANK_REFERENCE, ("local rank = 1\n", "local rank = 0\n")),
        # Large numbers come out in exponent notation.
        slip(WORD_RANK_REFERENCE, ('string.format("%d", rank)', "rank")),
    ),
    tags=("combinatorics", "strings"),
)


# ---------------------------------------------------------------- ladder_15: scoreboard


def solve_scoreboard(text: str) -> str:
    log = [line.split() for line in text.splitlines()[1:]]
    results = {}
    for team in {entry[0] for entry in log}:
        solved, penalty = 0, 0
        for problem in {entry[1] for entry in log}:
            tries = [(int(e[2]), e[3]) for e in log if e[0] == team and e[1] == problem]
            verdicts = [verdict for _, verdict in tries]
            if "AC" in verdicts:
                before = verdicts.index("AC")
                solved += 1
                penalty += tries[before][0] + 20 * before
        results[team] = (-solved, penalty)
    lines = []
    for team in sorted(results, key=lambda team: (results[team], team)):
        solved, penalty = results[team]
        rank = 1 + sum(other < results[team] for other in results.values())
        lines.append(f"{rank} {team} {-solved} {penalty}")
    return "\n".join(lines)


def generate_scoreboard(rng: random.Random) -> str:
    count = rng.choice([rng.randint(1, 6), rng.randint(6, 20), rng.randint(20, 60), 250])
    team_count = rng.choice([1, 3, 6, 20])
    teams = rng.sample(
        [a + b for a in ("red", "x", "go", "ox", "a") for b in "abcdefgh"], team_count
    )
    problems = "ABCDEFGH"[: rng.randint(1, 8)]
    minute = 0
    entries = []
    for _ in range(count):
        minute = min(300, minute + rng.choice([0, 0, 1, 1 + 300 // count]))
        verdict = rng.choice(["AC", "WA", "WA"])
        entries.append(f"{rng.choice(teams)} {rng.choice(problems)} {minute} {verdict}")
    return "\n".join([str(count), *entries])


SCOREBOARD_REFERENCE = """
local m = io.read("*n")
io.read("*l")
local teams, list = {}, {}
for _ = 1, m do
  local line = io.read("*l")
  local name, problem, minute, verdict = line:match("^(%S+) (%S+) (%d+) (%S+)$")
  local team = teams[name]
  if not team then
    team = { name = name, solved = 0, penalty = 0, done = {}, failed = {} }
    teams[name] = team
    list[#list + 1] = team
  end
  if not team.done[problem] then
    local failed = team.failed[problem] or 0
    if verdict == "AC" then
      team.done[problem] = true
      team.solved = team.solved + 1
      team.penalty = team.penalty + tonumber(minute) + 20 * failed
    else
      team.failed[problem] = failed + 1
    end
  end
end
table.sort(list, function(x, y)
  if x.solved ~= y.solved then
    return x.solved > y.solved
  end
  if x.penalty ~= y.penalty then
    return x.penalty < y.penalty
  end
  return x.name < y.name
end)
local rank = 0
for i, team in ipairs(list) do
  local before = list[i - 1]
  if not before or before.solved ~= team.solved or before.penalty ~= team.penalty then
    rank = i
  end
  print(rank .. " " .. team.name .. " " .. team.solved .. " " .. team.penalty)
end
"""

SCOREBOARD = Authored(
    question_id="ladder_15_scoreboard",
    title="Final Scoreboard",
    difficulty="abc",
    statement="""
You are given the log of a programming contest: M submissions in order of time. Each entry names the
team, the problem, the minute of the contest and the verdict, which is `AC` (accepted) or `WA`
(wrong).

A team has solved a problem if at least one of its submissions to this problem was accepted. The
penalty for a solved problem is the minute of its first accepted submission, plus 20 for each wrong
submission that this team had sent to this problem before. Submissions to a problem that the team
has solved already change nothing, and problems that a team never solves give no penalty.

Teams are ranked by the number of solved problems (more is better) and then by the sum of their
penalties (less is better). The rank of a team is 1 plus the number of teams that are strictly
better; so teams with equal results have the same rank.

Print the scoreboard with all teams that occur in the log. Teams of the same rank come in
alphabetical order of their names.

Input

The input is given in the following format:

M
team_1 problem_1 minute_1 verdict_1
:
team_M problem_M minute_M verdict_M

Output

For each team print one line with rank, name, number of solved problems and penalty, separated by
spaces, in the order described above.

Constraints

- 1 <= M <= 500
- Team names consist of 1 to 10 lower-case letters; a problem is one upper-case letter.
- 0 <= minute_1 <= minute_2 <= ... <= minute_M <= 300
- Each verdict is `AC` or `WA`.

Sample Input 1

7
owls A 10 WA
foxes A 12 AC
bees B 30 AC
owls A 35 AC
foxes B 40 WA
bees B 50 WA
hens C 55 AC

Sample Output 1

1 foxes 1 12
2 bees 1 30
3 hens 1 55
3 owls 1 55

Sample Input 2

2
b A 1 WA
a A 2 WA

Sample Output 2

1 a 0 0
1 b 0 0
""",
    oracle=solve_scoreboard,
    fixed=(
        "7\nowls A 10 WA\nfoxes A 12 AC\nbees B 30 AC\nowls A 35 AC\nfoxes B 40 WA\n"
        "bees B 50 WA\nhens C 55 AC",
        "2\nb A 1 WA\na A 2 WA",
        "1\nsolo Z 0 AC",
        "4\nx A 5 AC\nx A 5 AC\nx A 9 WA\nx A 300 AC",
        "5\na A 1 AC\nb A 1 AC\nc A 1 AC\nd B 2 AC\na B 3 WA",
        "6\nq A 0 AC\nr A 0 WA\nr A 0 WA\nr B 7 AC\nr A 100 AC\nq B 300 WA",
        "5\nm A 10 AC\nn B 10 WA\nn A 10 AC\nm B 11 WA\no A 9 AC",
        "3\ntwo A 1 WA\ntwo B 21 AC\none A 21 AC",
    ),
    generate=generate_scoreboard,
    random_count=16,
    reference=SCOREBOARD_REFERENCE,
    wrong=(
        # Wrong submissions count at once, even if the problem is never solved.
        slip(
            SCOREBOARD_REFERENCE,
            ("tonumber(minute) + 20 * failed", "tonumber(minute)"),
            (
                "team.failed[problem] = failed + 1",
                "team.failed[problem] = failed + 1\n      team.penalty = team.penalty + 20",
            ),
        ),
        # The team after a tie gets the next rank instead of the one that counts the tied teams.
        slip(SCOREBOARD_REFERENCE, ("    rank = i\n", "    rank = rank + 1\n")),
        # Submissions after the first accepted one count as well.
        slip(SCOREBOARD_REFERENCE, ("if not team.done[problem] then", "do")),
        # Teams with the same number of solved problems share the rank.
        slip(SCOREBOARD_REFERENCE, (" or before.penalty ~= team.penalty", "")),
    ),
    tags=("simulation", "sorting", "map"),
)

PROBLEMS = (
    WORD_RANK,
    SCOREBOARD,
)
