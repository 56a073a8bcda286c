"""Problems of the level of Codeforces 1000-1400, part 8."""

import random
from collections import deque

from bench.authoring.authored import Authored
from bench.authoring.casetext import batch

# --- climb_13_editor ------------------------------------------------------------------------


def edit(keys: str) -> str:
    text, caret = "", 0
    for key in keys:
        if key == "<":
            caret = max(0, caret - 1)
        elif key == ">":
            caret = min(len(text), caret + 1)
        elif key == "[":
            caret = 0
        elif key == "]":
            caret = len(text)
        elif key == "-":
            text, caret = text[: max(0, caret - 1)] + text[caret:], max(0, caret - 1)
        else:
            text, caret = text[:caret] + key + text[caret:], caret + 1
    return text[:caret] + "|" + text[caret:]


def editor_generate(rng: random.Random) -> str:
    def case() -> str:
        length = rng.choice((1, 4, 8, 15, 60))
        keys = rng.choice(("abc<>-", "abcxyz[]-", "ab<>[]-", "abcdefghij<-", "ab<<<>-----"))
        return "".join(rng.choice(keys) for _ in range(length))

    return batch([case() for _ in range(rng.randint(2, 8))])


EDITOR = Authored(
    question_id="climb_13_editor",
    title="Keys of an Old Editor",
    difficulty="codeforces",
    statement="""
A line editor shows one line of text, empty at first, and a caret that stands before the first
letter, between two letters, or after the last letter. It knows these keys:

- a lower-case letter is inserted where the caret is, and the caret then stands right after it;
- < moves the caret one letter to the left, > one letter to the right;
- [ moves the caret to the beginning of the line, ] to its end;
- - (minus) deletes the letter right before the caret.

A key that has nothing to move over or to delete does nothing. Show the line after all keys have
been pressed.

Input
The first line contains t, the number of test cases. Each of the next t lines contains the keys of a
test case in the order in which they are pressed, without spaces.

Output
For each test case print the final line of text, with the character | in the place of the caret.

Constraints
1 <= t <= 20
Each test case has between 1 and 2000 keys, all test cases together at most 5000.

Sample Input
4
cat<<o
ab[x]y
-ab<-<<-c
ab--

Sample Output
co|at
xaby|
c|b
|
""",
    oracle=lambda text: "\n".join(map(edit, text.split()[1:])),
    fixed=(
        "4\ncat<<o\nab[x]y\n-ab<-<<-c\nab--",
        "6\na\n<\n>\n[\n]\n-",
        "3\nabc<<<<<x>>>>>>>y\nabc[-x\nabc[>>-x",
        "2\nabcdef[-]-<-\nabc[]<>-",
        "3\nab<-c>d\nab<<-c\nab[]-c",
        "3\nzz<y<x<w\nabc[d[e[f\nq]w]e",
        "1\n" + "abcd<<" * 80 + "[x]y" + "-" * 30 + "<" * 50 + "q",
        "1\n" + "a[b]" * 100 + "<-" * 60,
    ),
    generate=editor_generate,
    random_count=14,
    reference="""
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  -- letters before the caret, and letters after it with the nearest one last
  local left, right = {}, {}

  local function move(from, to)
    if #from > 0 then
      to[#to + 1] = table.remove(from)
    end
  end

  for key in keys:gmatch("%S") do
    if key == "<" then
      move(left, right)
    elseif key == ">" then
      move(right, left)
    elseif key == "[" then
      while #left > 0 do
        move(left, right)
      end
    elseif key == "]" then
      while #right > 0 do
        move(right, left)
      end
    elseif key == "-" then
      table.remove(left)
    else
      left[#left + 1] = key
    end
  end
  print(table.concat(left) .. "|" .. table.concat(right):reverse())
end
""",
    wrong=(
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local text, caret = "", 0
  for key in keys:gmatch("%S") do
    if key == "<" then
      caret = math.max(0, caret - 1)
    elseif key == ">" then
      caret = math.min(#text, caret + 1)
    elseif key == "[" then
      caret = 0
    elseif key == "]" then
      caret = #text
    elseif key == "-" then
      -- at the beginning of the line this eats the first letter's neighbour
      text = text:sub(1, caret - 1) .. text:sub(caret + 1)
      caret = math.max(0, caret - 1)
    else
      text = text:sub(1, caret) .. key .. text:sub(caret + 1)
      caret = caret + 1
    end
  end
  print(text:sub(1, caret) .. "|" .. text:sub(caret + 1))
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local text, caret = {}, 0
  for key in keys:gmatch("%S") do
    if key == "<" then
      caret = math.max(0, caret - 1)
    elseif key == ">" then
      caret = math.min(#text, caret + 1)
    elseif key == "[" then
      caret = 0
    elseif key == "]" then
      caret = #text
    elseif key == "-" then
      if caret > 0 then
        table.remove(text, caret)
        caret = caret - 1
      end
    else
      -- the caret stays before the new letter
      table.insert(text, caret + 1, key)
    end
  end
  table.insert(text, caret + 1, "|")
  print(table.concat(text))
end
""",
        """
local t = tonumber(io.read("*l"))
for _ = 1, t do
  local keys = io.read("*l")
  local left, right = {}, {}
  for key in keys:gmatch("%S") do
    if key == "<" then
      if #left > 0 then right[#right + 1] = table.remove(left) end
    elseif key == ">" then
      if #right > 0 then left[#left + 1] = table.remove(right) end
    elseif key == "[" then
      while #left > 0 do right[#right + 1] = table.remove(left) end
    elseif key == "]" then
      while #right > 0 do left[#left + 1] = table.remove(right) end
    elseif key == "-" then
      if #left > 0 then table.remove(left) end
    else
      left[#left + 1] = key
    end
  end
  -- the letters after the caret are still the wrong way round
  print(table.concat(left) .. "|" .. table.concat(right))
end
""",
    ),
    tags=("strings", "simulation", "stack"),
)


# --- climb_14_digits ------------------------------------------------------------------------


def restless_number(total: int) -> str:
    """Breadth-first search that appends digits in increasing order: the first hit is smallest."""
    queue = deque((digit, digit, str(digit)) for digit in range(1, 10))
    seen = {(digit, digit) for digit in range(1, 10)}
    while True:
        reached, last, number = queue.popleft()
        if reached == total:
            return number
        for digit in range(10):
            state = (reached + digit, digit)
            if digit != last and reached + digit <= total and state not in seen:
                seen.add(state)
                queue.append((*state, number + str(digit)))


def restless_generate(rng: random.Random) -> str:
    top = rng.choice((20, 60, 200))
    return batch([str(rng.randint(1, top)) for _ in range(rng.randint(3, 12))])


RESTLESS = Authored(
    question_id="climb_14_digits",
    title="Restless Numbers",
    difficulty="codeforces",
    statement="""
A positive integer is called restless if no two neighbouring digits of its decimal form are equal.
For example 5, 909 and 1213 are restless, 1220 is not.

For each given s, find the smallest restless number whose digits add up to s.

Input
The first line contains t, the number of test cases. Each of the next t lines contains s.

Output
For each test case print the number, without leading zeros. There is always one, and it has at most
25 digits.

Constraints
1 <= t <= 50
1 <= s <= 200

Sample Input
4
7
17
18
27

Sample Output
7
89
189
1989

Two digits that add up to 18 would both be 9.
""",
    oracle=lambda text: "\n".join(restless_number(int(word)) for word in text.split()[1:]),
    fixed=(
        "4\n7\n17\n18\n27",
        "3\n1\n9\n10",
        "4\n24\n25\n26\n16",
        "3\n200\n199\n198",
        "5\n33\n34\n35\n42\n43",
        "3\n51\n52\n60",
        batch([str(s) for s in range(1, 51)]),
        batch([str(s) for s in range(101, 151)]),
    ),
    generate=restless_generate,
    random_count=10,
    reference="""
-- reach[len][s][d]: some restless string of len digits begins with d and has the digit sum s
local reach = {[1] = {}}
for s = 0, 200 do
  reach[1][s] = {}
  for d = 0, 9 do
    reach[1][s][d] = s == d
  end
end
for len = 2, 25 do
  reach[len] = {}
  for s = 0, 200 do
    reach[len][s] = {}
    for d = 0, math.min(9, s) do
      for following = 0, 9 do
        if following ~= d and reach[len - 1][s - d][following] then
          reach[len][s][d] = true
        end
      end
    end
  end
end

local function smallest(s)
  for len = 1, 25 do
    local digits, previous, rest = {}, 0, s
    for place = len, 1, -1 do
      for d = 0, 9 do
        if d ~= previous and reach[place][rest][d] then
          digits[#digits + 1] = d
          previous, rest = d, rest - d
          break
        end
      end
      if #digits == 0 then
        break
      end
    end
    if #digits == len then
      return table.concat(digits)
    end
  end
end

local t = io.read("*n")
for _ = 1, t do
  print(smallest(io.read("*n")))
end
""",
    wrong=(
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  local nines = math.floor(s / 9)
  local first = s % 9
  -- the smallest number with this digit sum, restless or not
  print((first > 0 and first or "") .. string.rep("9", nines))
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  local digits, previous = "", -1
  -- from the right, always the largest digit that differs from its neighbour
  while s > 0 do
    local d = math.min(9, s)
    if d == previous then d = d - 1 end
    digits = d .. digits
    previous = d
    s = s - d
  end
  print(digits)
end
""",
        """
local t = io.read("*n")
for _ = 1, t do
  local s = io.read("*n")
  for n = 1, 200000 do
    local sum, rest, previous, ok = 0, n, -1, true
    while rest > 0 do
      local d = rest % 10
      if d == previous then ok = false end
      sum, previous, rest = sum + d, d, math.floor(rest / 10)
    end
    if ok and sum == s then
      print(n)
      break
    end
  end
end
""",
    ),
    tags=("greedy", "constructive", "dynamic programming"),
)

PROBLEMS = (
    EDITOR,
    RESTLESS,
)
