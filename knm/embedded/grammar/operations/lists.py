"""Operations on one list of integers."""

# One operation reads best as one aligned entry, however long its templates are.
# fmt: off

from collections.abc import Iterator

from knm.embedded.grammar.model import Operation, Type
from knm.embedded.grammar.operations.idioms import K, count, each, fold, keep, op

L, I, B, S = Type.LIST, Type.INT, Type.BOOL, Type.STR


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _selections()
    yield from _elementwise()
    yield from _rearrangements()
    yield from _sequences()
    yield from _reductions()
    yield from _positions()
    yield from _checks()


def _selections() -> Iterator[Operation]:
    yield keep("keep-even", L, ("keep only the even numbers", "discard the odd numbers", "select the even elements"), "v % 2 == 0", "v % 2 == 0")
    yield keep("keep-odd", L, ("keep only the odd numbers", "discard the even numbers", "select the odd elements"), "v % 2 != 0", "v % 2 ~= 0")
    yield keep("keep-above", L, ("keep only the numbers greater than $k", "discard every number that does not exceed $k"), "v > $k", "v > $k", k=K(-5, 20))
    yield keep("keep-below", L, ("keep only the numbers less than $k", "discard every number that is $k or more"), "v < $k", "v < $k", k=K(0, 25))
    yield keep("keep-multiples", L, ("keep only the multiples of $k", "select the numbers divisible by $k"), "v % $k == 0", "v % $k == 0", k=K(2, 6))
    yield keep("drop-value", L, ("remove every element equal to $k", "delete all occurrences of the value $k"), "v != $k", "v ~= $k", k=K(1, 9))
    yield keep("keep-prime", L, ("keep only the prime numbers", "discard the numbers that are not prime"), "is_prime(v)", "is_prime(v)", helpers=("is_prime",))
    yield keep("keep-positive", L, ("keep only the positive numbers", "discard zero and the negative numbers"), "v > 0", "v > 0")
    yield op(
        "drop-minimum", L, L,
        ("remove every occurrence of the minimum", "delete all elements equal to the smallest value"),
        "low = min($x, default=0)\n$y = [v for v in $x if v != low]",
        (
            "local low = math.huge\nfor _, v in ipairs($x) do low = math.min(low, v) end\nlocal $y = {}\nfor _, v in ipairs($x) do\n  if v ~= low then $y[#$y + 1] = v end\nend",
            "local low = $x[1]\nfor j = 2, #$x do\n  if $x[j] < low then low = $x[j] end\nend\nlocal $y = {}\nfor j = 1, #$x do\n  if $x[j] ~= low then table.insert($y, $x[j]) end\nend",
        ),
    )
    yield op(
        "dedupe", L, L,
        ("remove repeated values keeping first occurrences", "drop the duplicates and keep the first of each"),
        ("$y = list(dict.fromkeys($x))", "$y = []\nfor v in $x:\n    if v not in $y:\n        $y.append(v)"),
        (
            "local $y, seen = {}, {}\nfor _, v in ipairs($x) do\n  if not seen[v] then\n    seen[v] = true\n    $y[#$y + 1] = v\n  end\nend",
            "local $y = {}\nlocal seen = {}\nfor j = 1, #$x do\n  local v = $x[j]\n  if seen[v] == nil then\n    table.insert($y, v)\n    seen[v] = 1\n  end\nend",
        ),
    )
    yield op(
        "keep-repeated", L, L,
        ("keep only the elements that occur more than once", "discard the values that appear exactly once"),
        "$y = [v for v in $x if $x.count(v) > 1]",
        (
            "local $y, times = {}, {}\nfor _, v in ipairs($x) do times[v] = (times[v] or 0) + 1 end\nfor _, v in ipairs($x) do\n  if times[v] > 1 then $y[#$y + 1] = v end\nend",
            "local times = {}\nfor j = 1, #$x do\n  local v = $x[j]\n  times[v] = (times[v] or 0) + 1\nend\nlocal $y = {}\nfor j = 1, #$x do\n  if times[$x[j]] > 1 then table.insert($y, $x[j]) end\nend",
        ),
    )
    yield op(
        "local-peaks", L, L,
        ("keep the elements greater than the one before them", "select the elements that exceed their left neighbour"),
        "$y = [q for p, q in zip($x, $x[1:]) if q > p]",
        (
            "local $y = {}\nfor j = 2, #$x do\n  if $x[j] > $x[j - 1] then $y[#$y + 1] = $x[j] end\nend",
            "local $y = {}\nfor j, v in ipairs($x) do\n  if j > 1 and v > $x[j - 1] then table.insert($y, v) end\nend",
        ),
    )


def _elementwise() -> Iterator[Operation]:
    yield each("square", L, ("replace every element by its square", "square each number"), "v * v", "v * v")
    yield each("absolute", L, ("replace every element by its absolute value", "take the absolute value of each number"), "abs(v)", "math.abs(v)")
    yield each("remainders", L, ("replace every element by its remainder modulo $k", "reduce each number modulo $k"), "v % $k", "v % $k", k=K(2, 9))
    yield each("double", L, ("double every element", "multiply each number by two"), "v * 2", "v * 2")
    yield each("halve", L, ("halve every element rounding down", "replace each number by its half rounded down"), "v // 2", "math.floor(v / 2)")
    yield each("add-constant", L, ("add $k to every element", "increase each number by $k"), "v + $k", "v + $k", k=K(1, 12))
    # 0 - v rather than -v: doubles have a negative zero, which LuaJIT prints as -0.
    yield each("negate", L, ("change the sign of every element", "negate each number"), "-v", "0 - v")
    yield each("cap", L, ("replace every element larger than $k by $k", "cap each number at $k"), "min(v, $k)", "math.min(v, $k)", k=K(2, 15))
    yield each("digit-sums", L, ("replace every element by the sum of its digits", "take the digit sum of each number"), "digit_sum(v)", "digit_sum(v)", helpers=("digit_sum",))
    yield each("bit-counts", L, ("replace every element by its number of binary ones", "count the one bits of each number"), "popcount(v)", "popcount(v)", helpers=("popcount",))
    yield op(
        "times-position", L, L,
        ("multiply every element by its position", "replace each number by itself times its 1-based index"),
        "$y = [j * v for j, v in enumerate($x, 1)]",
        ("local $y = {}\nfor j, v in ipairs($x) do\n  $y[j] = j * v\nend", "local $y = {}\nfor j = 1, #$x do\n  table.insert($y, $x[j] * j)\nend"),
    )


def _rearrangements() -> Iterator[Operation]:
    yield op(
        "sort", L, L,
        ("sort the numbers in ascending order", "arrange the elements from smallest to largest"),
        ("$y = sorted($x)", "$y = $x[:]\n$y.sort()"),
        ("local $y = {unpack($x)}\ntable.sort($y)", "local $y = {}\nfor j = 1, #$x do $y[j] = $x[j] end\ntable.sort($y)"),
    )
    yield op(
        "sort-descending", L, L,
        ("sort the numbers in descending order", "arrange the elements from largest to smallest"),
        ("$y = sorted($x, reverse=True)", "$y = $x[:]\n$y.sort(reverse=True)"),
        (
            "local $y = {unpack($x)}\ntable.sort($y, function(p, q) return p > q end)",
            "local $y = {}\nfor j = 1, #$x do $y[j] = $x[j] end\ntable.sort($y, function(p, q) return p > q end)",
        ),
    )
    yield op(
        "reverse", L, L,
        ("reverse the order of the elements", "put the sequence in reverse order"),
        ("$y = $x[::-1]", "$y = list(reversed($x))"),
        (
            "local $y = {}\nfor j = #$x, 1, -1 do\n  $y[#$y + 1] = $x[j]\nend",
            "local $y = {}\nfor j = 1, #$x do\n  $y[j] = $x[#$x + 1 - j]\nend",
        ),
    )
    yield op(
        "rotate", L, L,
        ("rotate the sequence left by one position", "move the first element to the end"),
        "$y = $x[1:] + $x[:1]",
        (
            "local $y = {}\nfor j = 2, #$x do\n  $y[j - 1] = $x[j]\nend\n$y[#$y + 1] = $x[1]",
            "local $y = {}\nfor j = 1, #$x do\n  $y[j] = $x[j % #$x + 1]\nend",
        ),
    )
    yield op(
        "take-first", L, L,
        ("take the first $k elements", "keep at most $k leading elements"),
        "$y = $x[:$k]",
        (
            "local $y = {}\nfor j = 1, math.min($k, #$x) do\n  $y[j] = $x[j]\nend",
            "local $y = {}\nfor j, v in ipairs($x) do\n  if j <= $k then table.insert($y, v) end\nend",
        ),
        k=K(2, 5),
    )
    yield op(
        "drop-first", L, L,
        ("drop the first $k elements", "remove $k leading elements"),
        "$y = $x[$k:]",
        (
            "local $y = {}\nfor j = $k + 1, #$x do\n  $y[#$y + 1] = $x[j]\nend",
            "local $y = {}\nfor j, v in ipairs($x) do\n  if j > $k then table.insert($y, v) end\nend",
        ),
        k=K(1, 3),
    )
    yield op(
        "every-second", L, L,
        ("take every second element starting from the first", "keep the elements at odd positions"),
        "$y = $x[::2]",
        (
            "local $y = {}\nfor j = 1, #$x, 2 do\n  $y[#$y + 1] = $x[j]\nend",
            "local $y = {}\nfor j, v in ipairs($x) do\n  if j % 2 == 1 then table.insert($y, v) end\nend",
        ),
    )
    yield op(
        "swap-ends", L, L,
        ("swap the first and the last element", "exchange the two end elements"),
        "$y = $x[:]\nif $y:\n    $y[0], $y[-1] = $y[-1], $y[0]",
        ("local $y = {unpack($x)}\n$y[1], $y[#$y] = $y[#$y], $y[1]",),
    )
    yield op(
        "mirror", L, L,
        ("append the reversed sequence to itself", "extend the sequence by its mirror image"),
        "$y = $x + $x[::-1]",
        (
            "local $y = {unpack($x)}\nfor j = #$x, 1, -1 do\n  $y[#$y + 1] = $x[j]\nend",
            "local $y = {}\nfor j = 1, #$x do\n  $y[j] = $x[j]\n  $y[2 * #$x + 1 - j] = $x[j]\nend",
        ),
    )


def _sequences() -> Iterator[Operation]:
    yield op(
        "prefix-sums", L, L,
        ("compute the prefix sums", "replace the sequence by its running totals"),
        "$y = []\nacc = 0\nfor v in $x:\n    acc += v\n    $y.append(acc)",
        (
            "local $y = {}\nlocal acc = 0\nfor j, v in ipairs($x) do\n  acc = acc + v\n  $y[j] = acc\nend",
            "local $y = {}\nfor j = 1, #$x do\n  $y[j] = $x[j] + ($y[j - 1] or 0)\nend",
        ),
    )
    yield op(
        "differences", L, L,
        ("compute the differences of neighbouring elements", "replace the sequence by each element minus the previous one"),
        "$y = [q - p for p, q in zip($x, $x[1:])]",
        (
            "local $y = {}\nfor j = 2, #$x do\n  $y[j - 1] = $x[j] - $x[j - 1]\nend",
            "local $y = {}\nfor j = 1, #$x - 1 do\n  table.insert($y, $x[j + 1] - $x[j])\nend",
        ),
    )
    yield op(
        "neighbour-sums", L, L,
        ("compute the sums of neighbouring elements", "replace the sequence by the sum of each two adjacent elements"),
        "$y = [p + q for p, q in zip($x, $x[1:])]",
        (
            "local $y = {}\nfor j = 2, #$x do\n  $y[j - 1] = $x[j] + $x[j - 1]\nend",
            "local $y = {}\nfor j = 1, #$x - 1 do\n  table.insert($y, $x[j] + $x[j + 1])\nend",
        ),
    )
    yield op(
        "running-maximum", L, L,
        ("replace every element by the largest seen so far", "compute the running maximum"),
        "$y = []\nfor v in $x:\n    $y.append(max(v, $y[-1]) if $y else v)",
        (
            "local $y = {}\nfor j, v in ipairs($x) do\n  $y[j] = math.max(v, $y[j - 1] or v)\nend",
            "local $y = {}\nlocal high = -math.huge\nfor j = 1, #$x do\n  if $x[j] > high then high = $x[j] end\n  $y[j] = high\nend",
        ),
    )
    yield op(
        "running-minimum", L, L,
        ("replace every element by the smallest seen so far", "compute the running minimum"),
        "$y = []\nfor v in $x:\n    $y.append(min(v, $y[-1]) if $y else v)",
        (
            "local $y = {}\nfor j, v in ipairs($x) do\n  $y[j] = math.min(v, $y[j - 1] or v)\nend",
            "local $y = {}\nlocal low = math.huge\nfor j = 1, #$x do\n  if $x[j] < low then low = $x[j] end\n  $y[j] = low\nend",
        ),
    )
    yield op(
        "run-lengths", L, L,
        ("compute the lengths of the blocks of equal neighbours", "list how long each run of equal elements is"),
        "$y = []\nprev = None\nfor v in $x:\n    if v == prev:\n        $y[-1] += 1\n    else:\n        $y.append(1)\n    prev = v",
        (
            "local $y = {}\nfor j, v in ipairs($x) do\n  if v == $x[j - 1] then\n    $y[#$y] = $y[#$y] + 1\n  else\n    $y[#$y + 1] = 1\n  end\nend",
            "local $y, prev = {}, nil\nfor j = 1, #$x do\n  if $x[j] == prev then\n    $y[#$y] = $y[#$y] + 1\n  else\n    table.insert($y, 1)\n  end\n  prev = $x[j]\nend",
        ),
    )
    yield op(
        "ranks", L, L,
        ("replace every element by the number of smaller elements", "give for each number how many elements are below it"),
        "$y = [sum(1 for w in $x if w < v) for v in $x]",
        (
            "local $y = {}\nfor j, v in ipairs($x) do\n  $y[j] = 0\n  for _, w in ipairs($x) do\n    if w < v then $y[j] = $y[j] + 1 end\n  end\nend",
            "local $y = {}\nfor j = 1, #$x do\n  local below = 0\n  for h = 1, #$x do\n    if $x[h] < $x[j] then below = below + 1 end\n  end\n  table.insert($y, below)\nend",
        ),
    )
    yield op(
        "window-sums", L, L,
        ("compute the sums of every three consecutive elements", "replace the sequence by its sliding sums of width three"),
        "$y = [sum($x[j:j + 3]) for j in range(len($x) - 2)]",
        (
            "local $y = {}\nfor j = 3, #$x do\n  $y[j - 2] = $x[j - 2] + $x[j - 1] + $x[j]\nend",
            "local $y = {}\nfor j = 1, #$x - 2 do\n  table.insert($y, $x[j] + $x[j + 1] + $x[j + 2])\nend",
        ),
    )


def _reductions() -> Iterator[Operation]:
    yield fold("sum", ("compute the sum", "find the total", "add up all elements"), ("$y = sum($x)", "$y = 0\nfor v in $x:\n    $y += v"), "0", "$y = $y + v")
    yield fold("sum-of-squares", ("compute the sum of the squares", "add up the squared elements"), ("$y = sum(v * v for v in $x)", "$y = 0\nfor v in $x:\n    $y += v * v"), "0", "$y = $y + v * v")
    yield fold("gcd-of-all", ("compute the greatest common divisor of all elements (0 if there are none)", "find the gcd of the absolute values (0 if there are none)"), "$y = 0\nfor v in $x:\n    $y = gcd(abs(v), $y)", "0", "$y = gcd(math.abs(v), $y)", helpers=("gcd",))
    yield fold("product-mod", ("compute the product of all elements modulo $k", "multiply everything together and take the result modulo $k"), "$y = 1\nfor v in $x:\n    $y = $y * v % $k", "1", "$y = $y * v % $k", k=K(7, 99))
    yield fold("horner", ("read the elements as the digits of a number in base $k modulo 1000", "fold the sequence by multiplying by $k and adding modulo 1000"), "$y = 0\nfor v in $x:\n    $y = ($y * $k + v) % 1000", "0", "$y = ($y * $k + v) % 1000", k=K(2, 9))
    yield op(
        "maximum", L, I,
        ("find the maximum (0 if there are none)", "take the largest value (0 if nothing is left)"),
        ("$y = max($x, default=0)", "$y = max($x) if $x else 0"),
        (
            "local $y = $x[1] or 0\nfor _, v in ipairs($x) do\n  $y = math.max($y, v)\nend",
            "local $y = $x[1] or 0\nfor j = 2, #$x do\n  if $x[j] > $y then $y = $x[j] end\nend",
        ),
    )
    yield op(
        "minimum", L, I,
        ("find the minimum (0 if there are none)", "take the smallest value (0 if nothing is left)"),
        ("$y = min($x, default=0)", "$y = min($x) if $x else 0"),
        (
            "local $y = $x[1] or 0\nfor _, v in ipairs($x) do\n  $y = math.min($y, v)\nend",
            "local $y = $x[1] or 0\nfor j = 2, #$x do\n  if $x[j] < $y then $y = $x[j] end\nend",
        ),
    )
    yield op(
        "spread", L, I,
        ("compute the difference between the maximum and the minimum (0 if there are none)", "find the spread of the values (0 if nothing is left)"),
        "$y = max($x) - min($x) if $x else 0",
        (
            "local low, high = $x[1] or 0, $x[1] or 0\nfor _, v in ipairs($x) do\n  low = math.min(low, v)\n  high = math.max(high, v)\nend\nlocal $y = high - low",
            "local $y = #$x > 0 and math.max(unpack($x)) - math.min(unpack($x)) or 0",
        ),
    )
    yield op("length", L, I, ("count the elements", "find how many elements there are"), "$y = len($x)", "local $y = #$x")
    yield count("count-even", L, ("count the even numbers", "find how many elements are even"), "v % 2 == 0", "v % 2 == 0")
    yield count("count-above", L, ("count the numbers greater than $k", "find how many elements exceed $k"), "v > $k", "v > $k", k=K(0, 15))
    yield count("count-value", L, ("count the elements equal to $k", "find how often the value $k occurs"), "v == $k", "v == $k", k=K(1, 6))
    yield count("count-prime", L, ("count the prime numbers", "find how many elements are prime"), "is_prime(v)", "is_prime(v)", helpers=("is_prime",))
    yield op(
        "distinct", L, I,
        ("count the distinct values", "find how many different values occur"),
        ("$y = len(set($x))", "seen = set()\nfor v in $x:\n    seen.add(v)\n$y = len(seen)"),
        (
            "local $y, seen = 0, {}\nfor _, v in ipairs($x) do\n  if not seen[v] then\n    seen[v] = true\n    $y = $y + 1\n  end\nend",
            "local seen = {}\nlocal $y = 0\nfor j = 1, #$x do\n  if seen[$x[j]] == nil then $y = $y + 1 end\n  seen[$x[j]] = 1\nend",
        ),
    )
    yield op(
        "alternating-sum", L, I,
        ("compute the alternating sum starting with plus", "add the elements with alternating signs starting with plus"),
        "$y = sum($x[::2]) - sum($x[1::2])",
        (
            "local $y, sign = 0, 1\nfor _, v in ipairs($x) do\n  $y = $y + sign * v\n  sign = -sign\nend",
            "local $y = 0\nfor j = 1, #$x do\n  if j % 2 == 1 then $y = $y + $x[j] else $y = $y - $x[j] end\nend",
        ),
    )
    yield op(
        "inversions", L, I,
        ("count the inversions", "count the pairs in which an earlier element is larger than a later one"),
        "$y = sum(1 for j in range(len($x)) for h in range(j) if $x[h] > $x[j])",
        (
            "local $y = 0\nfor j = 1, #$x do\n  for h = 1, j - 1 do\n    if $x[h] > $x[j] then $y = $y + 1 end\n  end\nend",
        ),
    )
    yield op(
        "best-segment", L, I,
        ("find the largest sum of a contiguous segment (the empty one counts as 0)", "compute the maximum subarray sum where an empty segment gives 0"),
        "$y = 0\ncur = 0\nfor v in $x:\n    cur = max(0, cur + v)\n    $y = max($y, cur)",
        (
            "local $y, cur = 0, 0\nfor _, v in ipairs($x) do\n  cur = math.max(0, cur + v)\n  $y = math.max($y, cur)\nend",
            "local $y = 0\nlocal cur = 0\nfor j = 1, #$x do\n  cur = cur + $x[j]\n  if cur < 0 then cur = 0 end\n  if cur > $y then $y = cur end\nend",
        ),
    )
    yield op(
        "longest-run", L, I,
        ("find the length of the longest block of equal neighbours", "compute the longest run of equal elements"),
        "$y = cur = 0\nfor j in range(len($x)):\n    cur = cur + 1 if j and $x[j] == $x[j - 1] else 1\n    $y = max($y, cur)",
        (
            "local $y, cur = 0, 0\nfor j, v in ipairs($x) do\n  if v == $x[j - 1] then cur = cur + 1 else cur = 1 end\n  $y = math.max($y, cur)\nend",
            "local $y = 0\nlocal cur = 0\nfor j = 1, #$x do\n  cur = $x[j] == $x[j - 1] and cur + 1 or 1\n  if cur > $y then $y = cur end\nend",
        ),
    )


def _positions() -> Iterator[Operation]:
    yield op(
        "position-of-maximum", L, I,
        ("find the position of the first maximum (0 if there are none)", "give the 1-based index of the first largest element (0 if nothing is left)"),
        "$y = $x.index(max($x)) + 1 if $x else 0",
        (
            "local $y = 0\nfor j, v in ipairs($x) do\n  if $y == 0 or v > $x[$y] then $y = j end\nend",
            "local $y = #$x > 0 and 1 or 0\nfor j = 2, #$x do\n  if $x[j] > $x[$y] then $y = j end\nend",
        ),
    )
    yield op(
        "last-element", L, I,
        ("take the last element (0 if there are none)", "pick the final element (0 if nothing is left)"),
        "$y = $x[-1] if $x else 0",
        ("local $y = $x[#$x] or 0", "local $y = 0\nif #$x > 0 then $y = $x[#$x] end"),
    )
    yield op(
        "median", L, I,
        ("take the lower median (0 if there are none)", "find the lower middle of the sorted values (0 if nothing is left)"),
        "$y = sorted($x)[(len($x) - 1) // 2] if $x else 0",
        (
            "local sorted = {unpack($x)}\ntable.sort(sorted)\nlocal $y = sorted[math.floor((#sorted + 1) / 2)] or 0",
            "table.sort($x)\nlocal $y = $x[math.ceil(#$x / 2)] or 0",
        ),
    )
    yield op(
        "second-largest", L, I,
        ("find the second largest distinct value (0 if there is none)", "take the largest value below the maximum (0 if there is none)"),
        "$y = sorted(set($x))[-2] if len(set($x)) > 1 else 0",
        (
            "local high, $y = nil, nil\nfor _, v in ipairs($x) do\n  if not high or v > high then\n    high, $y = v, high\n  elseif v < high and (not $y or v > $y) then\n    $y = v\n  end\nend\n$y = $y or 0",
        ),
    )
    yield op(
        "most-frequent", L, I,
        ("find the most frequent value taking the smallest of equals (0 if there are none)", "take the smallest among the most common values (0 if nothing is left)"),
        "$y = min($x, key=lambda v: (-$x.count(v), v), default=0)",
        (
            "local times, $y = {}, 0\nfor _, v in ipairs($x) do times[v] = (times[v] or 0) + 1 end\nfor v, c in pairs(times) do\n  local top = times[$y] or 0\n  if c > top or (c == top and v < $y) then $y = v end\nend",
        ),
    )


def _checks() -> Iterator[Operation]:
    yield op(
        "is-sorted", L, B,
        ("check whether the sequence is in non-decreasing order", "decide whether no element is smaller than the one before it"),
        ("$y = $x == sorted($x)", "$y = all(p <= q for p, q in zip($x, $x[1:]))"),
        (
            "local $y = true\nfor j = 2, #$x do\n  if $x[j] < $x[j - 1] then $y = false end\nend",
            "local $y = true\nfor j = 1, #$x - 1 do\n  if $x[j] > $x[j + 1] then\n    $y = false\n    break\n  end\nend",
        ),
    )
    yield op(
        "all-distinct", L, B,
        ("check whether all elements are different", "decide whether no value is repeated"),
        "$y = len(set($x)) == len($x)",
        (
            "local $y, seen = true, {}\nfor _, v in ipairs($x) do\n  if seen[v] then $y = false end\n  seen[v] = true\nend",
        ),
    )
    yield op(
        "contains", L, B,
        ("check whether the value $k occurs", "decide whether some element equals $k"),
        "$y = $k in $x",
        (
            "local $y = false\nfor _, v in ipairs($x) do\n  if v == $k then $y = true end\nend",
            "local $y = false\nfor j = 1, #$x do\n  if $x[j] == $k then\n    $y = true\n    break\n  end\nend",
        ),
        k=K(1, 8),
    )
    yield op(
        "symmetric", L, B,
        ("check whether the sequence reads the same backwards", "decide whether the sequence is symmetric"),
        "$y = $x == $x[::-1]",
        (
            "local $y = true\nfor j = 1, #$x do\n  if $x[j] ~= $x[#$x + 1 - j] then $y = false end\nend",
        ),
    )
    yield op(
        "sum-is-even", L, B,
        ("check whether the sum is even", "decide whether the total is an even number"),
        "$y = sum($x) % 2 == 0",
        (
            "local total = 0\nfor _, v in ipairs($x) do total = total + v end\nlocal $y = total % 2 == 0",
        ),
    )
    yield op(
        "join-digits", L, S,
        ("write the elements one after another without separators", "glue the numbers together into one text"),
        ("$y = ''.join(map(str, $x))", "$y = ''\nfor v in $x:\n    $y += str(v)"),
        ("local $y = table.concat($x)", "local $y = ''\nfor j = 1, #$x do\n  $y = $y .. $x[j]\nend"),
    )
