"""Beginner problems: dates, times and digits."""

import random
from datetime import date, datetime, timedelta

from bench.authoring.authored import Authored


def day_number_oracle(text: str) -> str:
    day = date.fromisoformat(text.strip())
    return str((day - date(day.year, 1, 1)).days + 1)


def day_number_input(source: random.Random) -> str:
    year = source.choice((1900, 2000, 2024, 2100, source.randint(1600, 2999)))
    return (date(year, 1, 1) + timedelta(days=source.randint(0, 364))).isoformat()


DAY_NUMBER = Authored(
    question_id="starter_03_day_number",
    title="Day of the Year",
    difficulty="beginner",
    statement="""
Given a date of the Gregorian calendar, print which day of its year it is: January 1 is day 1,
February 1 is day 32, and so on.

April, June, September and November have 30 days. February has 29 days in a leap year and 28 days
otherwise. All other months have 31 days. A year is a leap year if it is divisible by 4, except that
years divisible by 100 are leap years only if they are also divisible by 400.

Input

One line with the date in the form YYYY-MM-DD, with leading zeros in month and day.

Output

The number of the day.

Constraints

- The year is between 1600 and 2999.
- The date exists.

Sample Input 1

2024-03-01

Sample Output 1

61

2024 is a leap year: 31 days of January, 29 of February, and one of March.

Sample Input 2

2023-12-31

Sample Output 2

365
""",
    oracle=day_number_oracle,
    fixed=(
        *("2024-03-01", "2023-12-31", "2024-12-31", "1900-03-01", "2000-03-01", "2100-12-31"),
        *("2400-12-31", "2023-01-01", "2024-02-29", "1999-02-28", "2023-08-31", "2022-09-08"),
    ),
    generate=day_number_input,
    random_count=14,
    reference="""
local y, m, d = io.read("*l"):match("(%d+)-(%d+)-(%d+)")
y, m, d = tonumber(y), tonumber(m), tonumber(d)
local days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
if (y % 4 == 0 and y % 100 ~= 0) or y % 400 == 0 then
  days[2] = 29
end
for i = 1, m - 1 do
  d = d + days[i]
end
print(d)
""",
    wrong=(
        """
local y, m, d = io.read("*l"):match("(%d+)-(%d+)-(%d+)")
y, m, d = tonumber(y), tonumber(m), tonumber(d)
local days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
if y % 4 == 0 then
  days[2] = 29
end
for i = 1, m - 1 do
  d = d + days[i]
end
print(d)
""",
        """
local y, m, d = io.read("*l"):match("(%d+)-(%d+)-(%d+)")
y, m, d = tonumber(y), tonumber(m), tonumber(d)
local days = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31}
if y % 4 == 0 and y % 100 ~= 0 then
  days[2] = 29
end
for i = 1, m - 1 do
  d = d + days[i]
end
print(d)
""",
        """
local y, m, d = io.read("*l"):match("(%d+)-(%d+)-(%d+)")
y, m, d = tonumber(y), tonumber(m), tonumber(d)
for i = 1, m - 1 do
  if i == 2 then
    d = d + 28
  elseif i % 2 == 1 then
    d = d + 31
  else
    d = d + 30
  end
end
if (y % 4 == 0 and y % 100 ~= 0) or y % 400 == 0 then
  d = d + 1
end
print(d)
""",
    ),
    tags=("dates", "parsing", "conditions"),
)


def digit_sums_oracle(text: str) -> str:
    limit, divisor = map(int, text.split())
    return str(sum(sum(map(int, str(n))) % divisor == 0 for n in range(1, limit + 1)))


def digit_sums_input(source: random.Random) -> str:
    return f"{source.randint(1, source.choice((30, 1000, 10**5)))} {source.randint(1, 46)}"


DIGIT_SUMS = Authored(
    question_id="starter_04_digit_sums",
    title="Friendly Numbers",
    difficulty="beginner",
    statement="""
Call a positive integer friendly if the sum of its decimal digits is divisible by K. How many of the
integers 1, 2, ..., N are friendly?

Input

One line with the integers N and K.

Output

The number of friendly integers.

Constraints

- 1 <= N <= 100000
- 1 <= K <= 46

Sample Input 1

30 5

Sample Output 1

5

The friendly integers are 5, 14, 19, 23 and 28; their digit sums are 5, 5, 10, 5 and 10.

Sample Input 2

9 10

Sample Output 2

0
""",
    oracle=digit_sums_oracle,
    fixed=(
        *("30 5", "9 10", "1 1", "10 1", "100000 1", "99999 45", "100000 46", "100 2"),
        *("19 10", "18 9", "99 18"),
    ),
    generate=digit_sums_input,
    random_count=12,
    reference="""
local n, k = io.read("*n", "*n")
local count = 0
for i = 1, n do
  local sum, rest = 0, i
  while rest > 0 do
    sum = sum + rest % 10
    rest = math.floor(rest / 10)
  end
  if sum % k == 0 then
    count = count + 1
  end
end
print(count)
""",
    wrong=(
        """
local n, k = io.read("*n", "*n")
local count = 0
for i = 1, n do
  local sum, rest = 0, i
  while rest > 0 do
    sum = sum + rest % 10
    rest = math.floor(rest / 10)
  end
  if sum == k then
    count = count + 1
  end
end
print(count)
""",
        """
local n, k = io.read("*n", "*n")
local count = 0
for i = 1, n do
  local sum, rest = 0, i
  while rest >= 10 do
    sum = sum + rest % 10
    rest = math.floor(rest / 10)
  end
  if sum % k == 0 then
    count = count + 1
  end
end
print(count)
""",
        """
local n, k = io.read("*n", "*n")
local count = 0
for i = 1, n do
  local sum, rest = 0, i
  while rest > 0 do
    sum = sum + rest % 10
    rest = rest // 10
  end
  if sum % k == 0 then
    count = count + 1
  end
end
print(count)
""",
    ),
    tags=("digits", "counting", "loops"),
)


def night_train_oracle(text: str) -> str:
    clock, minutes = text.split()
    hour, minute = map(int, clock.split(":"))
    start = datetime(2001, 1, 1, hour, minute)
    arrival = start + timedelta(minutes=int(minutes))
    return f"{arrival:%H:%M} +{(arrival.date() - start.date()).days}"


def night_train_input(source: random.Random) -> str:
    minutes = source.randint(0, source.choice((90, 2000, 10**5)))
    return f"{source.randint(0, 23):02d}:{source.randint(0, 59):02d} {minutes}"


NIGHT_TRAIN = Authored(
    question_id="starter_07_night_train",
    title="Night Train",
    difficulty="beginner",
    statement="""
A train leaves at the time HH:MM of a 24-hour clock and travels for M minutes. Print the time at
which it arrives and how many midnights pass on the way. A train that arrives at exactly 00:00 has
passed that midnight; one that leaves at 00:00 has not passed the midnight of its departure.

Input

One line with the departure time HH:MM, always five characters, and the integer M, separated by a
space.

Output

The arrival time in the form HH:MM, with leading zeros, then a space, a plus sign and the number of
midnights.

Constraints

- 00:00 <= HH:MM <= 23:59
- 0 <= M <= 100000

Sample Input 1

22:45 200

Sample Output 1

02:05 +1

Sample Input 2

09:30 0

Sample Output 2

09:30 +0
""",
    oracle=night_train_oracle,
    fixed=(
        *("22:45 200", "09:30 0", "00:00 0", "00:00 1440", "23:59 1", "23:59 0", "23:00 60"),
        *("12:00 100000", "00:00 1439", "01:01 2880", "10:10 495", "23:30 29"),
    ),
    generate=night_train_input,
    random_count=13,
    reference="""
local h, m, travel = io.read("*l"):match("(%d+):(%d+) (%d+)")
local total = h * 60 + m + travel
local clock = total % 1440
local hour, minute = math.floor(clock / 60), clock % 60
print(string.format("%02d:%02d +%d", hour, minute, math.floor(total / 1440)))
""",
    wrong=(
        """
local h, m, travel = io.read("*l"):match("(%d+):(%d+) (%d+)")
local total = h * 60 + m + travel
local clock = total % 1440
print(math.floor(clock / 60) .. ":" .. clock % 60 .. " +" .. math.floor(total / 1440))
""",
        """
local h, m, travel = io.read("*l"):match("(%d+):(%d+) (%d+)")
local hour = h + math.floor((m + travel) / 60)
local minute = (m + travel) % 60
local days = 0
while hour > 24 do
  hour = hour - 24
  days = days + 1
end
print(string.format("%02d:%02d +%d", hour, minute, days))
""",
        """
local h, m, travel = io.read("*l"):match("(%d+):(%d+) (%d+)")
local total = h * 60 + m + travel
local clock = total % 1440
local hour, minute = math.floor(clock / 60), clock % 60
print(string.format("%02d:%02d +%d", hour, minute, math.floor(travel / 1440)))
""",
    ),
    tags=("dates", "parsing", "formatting"),
)

PROBLEMS = (DAY_NUMBER, DIGIT_SUMS, NIGHT_TRAIN)
