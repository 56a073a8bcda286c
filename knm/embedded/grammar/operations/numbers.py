"""Operations on one integer, two integers and three integers."""

# One operation reads best as one aligned entry, however long its templates are.
# fmt: off

from collections.abc import Iterator

from knm.embedded.grammar.model import Operation, Type
from knm.embedded.grammar.operations.idioms import K, op

L, I, B, S = Type.LIST, Type.INT, Type.BOOL, Type.STR
TWO, THREE = Type.TWO, Type.THREE


def operations() -> Iterator[Operation]:
    """All of them."""
    yield from _to_integers()
    yield from _to_lists()
    yield from _to_others()
    yield from _of_two()
    yield from _of_three()


def _to_integers() -> Iterator[Operation]:
    yield op("int-digit-sum", I, I, ("take the sum of its digits", "add up its decimal digits"), "$y = digit_sum($x)", "local $y = digit_sum($x)", helpers=("digit_sum",))
    yield op("int-bit-count", I, I, ("count the ones in its binary form", "take its number of binary ones"), "$y = popcount($x)", "local $y = popcount($x)", helpers=("popcount",))
    yield op("int-square", I, I, ("square it", "multiply it by itself"), ("$y = $x * $x", "$y = $x ** 2"), ("local $y = $x * $x", "local $y = $x ^ 2"))
    yield op("int-add", I, I, ("add $k to it", "increase it by $k"), "$y = $x + $k", "local $y = $x + $k", k=K(1, 30))
    yield op("int-multiply", I, I, ("multiply it by $k", "take $k times the number"), "$y = $x * $k", "local $y = $x * $k", k=K(2, 9))
    yield op("int-mod", I, I, ("take its remainder modulo $k", "reduce it modulo $k"), "$y = $x % $k", "local $y = $x % $k", k=K(2, 20))
    yield op("int-divide", I, I, ("divide it by $k rounding down", "take its quotient by $k rounded down"), "$y = $x // $k", "local $y = math.floor($x / $k)", k=K(2, 7))
    yield op("int-absolute", I, I, ("take its absolute value", "drop its sign"), "$y = abs($x)", ("local $y = math.abs($x)", "local $y = $x < 0 and -$x or $x"))
    yield op("int-round-up", I, I, ("round it up to a multiple of $k", "take the smallest multiple of $k that is not below it"), "$y = -(-$x // $k) * $k", "local $y = $x + (-$x) % $k", k=K(2, 12))
    yield op(
        "int-reverse", I, I,
        ("reverse the digits of its absolute value", "read the digits of its absolute value backwards"),
        "$y = int(str(abs($x))[::-1])",
        (
            "local $y = tonumber(tostring(math.abs($x)):reverse())",
            "local rest, $y = math.abs($x), 0\nwhile rest > 0 do\n  $y = $y * 10 + rest % 10\n  rest = math.floor(rest / 10)\nend",
        ),
    )
    yield op(
        "int-divisor-count", I, I,
        ("count its positive divisors (0 if it is not positive)", "find how many positive divisors it has (0 if it is not positive)"),
        "$y = sum(1 for d in range(1, $x + 1) if $x % d == 0)",
        "local $y = 0\nfor d = 1, $x do\n  if $x % d == 0 then $y = $y + 1 end\nend",
    )
    yield op(
        "int-root", I, I,
        ("take the integer square root of its absolute value", "find the largest integer whose square is at most its absolute value"),
        "from math import isqrt\n$y = isqrt(abs($x))",
        "local $y = math.floor(math.sqrt(math.abs($x)))",
    )
    yield op(
        "int-triangle", I, I,
        ("add up the integers from 1 to it (0 if it is not positive)", "compute the sum 1 + 2 + ... up to it (0 if it is not positive)"),
        ("$y = sum(range(1, $x + 1))", "$y = $x * ($x + 1) // 2 if $x > 0 else 0"),
        ("local $y = 0\nfor j = 1, $x do $y = $y + j end", "local $y = 0\nif $x > 0 then $y = $x * ($x + 1) / 2 end"),
    )
    yield op(
        "int-collatz", I, I,
        ("apply the Collatz step once", "halve it if it is even and otherwise take three times it plus one"),
        "$y = $x // 2 if $x % 2 == 0 else 3 * $x + 1",
        (
            "local $y = $x % 2 == 0 and $x / 2 or 3 * $x + 1",
            "local $y\nif $x % 2 == 0 then $y = $x / 2 else $y = 3 * $x + 1 end",
        ),
    )
    yield op(
        "int-fibonacci", I, I,
        ("take the Fibonacci number whose index is its remainder modulo 25", "reduce it modulo 25 and take the Fibonacci number with that index"),
        "$y, nxt = 0, 1\nfor _ in range($x % 25):\n    $y, nxt = nxt, $y + nxt",
        "local $y, nxt = 0, 1\nfor _ = 1, $x % 25 do\n  $y, nxt = nxt, $y + nxt\nend",
    )
    yield op(
        "int-next-prime", I, I,
        ("find the smallest prime that is not below it", "go up to the next prime (itself if it is prime)"),
        "$y = $x\nwhile not is_prime($y):\n    $y += 1",
        "local $y = $x\nwhile not is_prime($y) do $y = $y + 1 end",
        helpers=("is_prime",),
    )


def _to_lists() -> Iterator[Operation]:
    yield op(
        "int-digits", I, L,
        ("list the digits of its absolute value", "split its absolute value into decimal digits"),
        ("$y = [int(c) for c in str(abs($x))]", "$y = list(map(int, str(abs($x))))"),
        (
            "local $y = {}\nfor c in tostring(math.abs($x)):gmatch('%d') do\n  $y[#$y + 1] = tonumber(c)\nend",
            "local $y, text = {}, tostring(math.abs($x))\nfor j = 1, #text do\n  $y[j] = tonumber(text:sub(j, j))\nend",
        ),
    )
    yield op(
        "int-divisors", I, L,
        ("list its positive divisors in increasing order", "write down its positive divisors from the smallest"),
        "$y = [d for d in range(1, $x + 1) if $x % d == 0]",
        "local $y = {}\nfor d = 1, $x do\n  if $x % d == 0 then $y[#$y + 1] = d end\nend",
    )
    yield op(
        "int-range", I, L,
        ("list the integers from 1 to its remainder modulo 10", "reduce it modulo 10 and count from 1 to that number"),
        "$y = list(range(1, $x % 10 + 1))",
        ("local $y = {}\nfor j = 1, $x % 10 do $y[j] = j end",),
    )
    yield op(
        "int-binary", I, L,
        ("list the binary digits of its absolute value from the lowest", "write its absolute value in base two with the last digit first"),
        "$y = []\nrest = abs($x)\nwhile rest:\n    $y.append(rest % 2)\n    rest //= 2",
        "local $y, rest = {}, math.abs($x)\nwhile rest > 0 do\n  $y[#$y + 1] = rest % 2\n  rest = math.floor(rest / 2)\nend",
    )
    yield op(
        "int-factors", I, L,
        ("list its prime factors with repetition", "split it into prime factors in increasing order"),
        "$y = []\nrest, d = $x, 2\nwhile rest > 1:\n    while rest % d == 0:\n        $y.append(d)\n        rest //= d\n    d += 1",
        "local $y, rest, d = {}, $x, 2\nwhile rest > 1 do\n  while rest % d == 0 do\n    $y[#$y + 1] = d\n    rest = rest / d\n  end\n  d = d + 1\nend",
    )
    yield op(
        "int-collatz-path", I, L,
        ("list the Collatz sequence from its remainder modulo 30 plus one down to 1", "start from one more than its remainder modulo 30 and list the Collatz steps until 1"),
        "cur = $x % 30 + 1\n$y = [cur]\nwhile cur != 1:\n    cur = cur // 2 if cur % 2 == 0 else 3 * cur + 1\n    $y.append(cur)",
        "local cur = $x % 30 + 1\nlocal $y = {cur}\nwhile cur ~= 1 do\n  if cur % 2 == 0 then cur = cur / 2 else cur = 3 * cur + 1 end\n  $y[#$y + 1] = cur\nend",
    )


def _to_others() -> Iterator[Operation]:
    yield op("int-is-prime", I, B, ("check whether it is prime", "decide whether it is a prime number"), "$y = is_prime($x)", "local $y = is_prime($x)", helpers=("is_prime",))
    yield op("int-is-even", I, B, ("check whether it is even", "decide whether two divides it"), "$y = $x % 2 == 0", "local $y = $x % 2 == 0")
    yield op("int-exceeds", I, B, ("check whether it is greater than $k", "decide whether it exceeds $k"), "$y = $x > $k", "local $y = $x > $k", k=K(5, 60))
    yield op(
        "int-is-square", I, B,
        ("check whether it is a perfect square", "decide whether it is the square of an integer"),
        "$y = $x >= 0 and int($x ** 0.5) ** 2 == $x",
        "local root = math.floor(math.sqrt(math.max($x, 0)))\nlocal $y = root * root == $x",
    )
    yield op(
        "int-to-text", I, S,
        ("write its absolute value as text", "turn its absolute value into a text"),
        "$y = str(abs($x))",
        ("local $y = tostring(math.abs($x))", "local $y = math.abs($x) .. ''"),
    )
    yield op(
        "int-to-binary-text", I, S,
        ("write its absolute value in binary", "convert its absolute value to base two"),
        ("$y = bin(abs($x))[2:]", "$y = format(abs($x), 'b')"),
        "local $y, rest = '', math.abs($x)\nrepeat\n  $y = rest % 2 .. $y\n  rest = math.floor(rest / 2)\nuntil rest == 0",
    )
    yield op(
        "int-to-hex", I, S,
        ("write its absolute value in hexadecimal with lower-case digits", "convert its absolute value to base sixteen in lower case"),
        ("$y = format(abs($x), 'x')", "$y = hex(abs($x))[2:]"),
        ("local $y = string.format('%x', math.abs($x))", "local $y = ('%x'):format(math.abs($x))"),
    )


def _of_two() -> Iterator[Operation]:
    yield op("two-gcd", TWO, I, ("take the greatest common divisor of both", "compute their gcd"), "$y = gcd(p1, p2)", "local $y = gcd(p1, p2)", helpers=("gcd",))
    yield op("two-lcm", TWO, I, ("take the least common multiple of both", "compute their lcm"), "$y = p1 * p2 // gcd(p1, p2)", "local $y = p1 * p2 / gcd(p1, p2)", helpers=("gcd",))
    yield op("two-sum", TWO, I, ("add them", "take their sum"), "$y = p1 + p2", "local $y = p1 + p2")
    yield op("two-product", TWO, I, ("multiply them", "take their product"), "$y = p1 * p2", "local $y = p1 * p2")
    yield op("two-quotient", TWO, I, ("divide the first by the second rounding down", "take the floor of the quotient of the first by the second"), "$y = p1 // p2", "local $y = math.floor(p1 / p2)")
    yield op("two-remainder", TWO, I, ("take the first modulo the second", "compute the remainder of the first by the second"), "$y = p1 % p2", "local $y = p1 % p2")
    yield op("two-maximum", TWO, I, ("take the larger of the two", "choose their maximum"), "$y = max(p1, p2)", ("local $y = math.max(p1, p2)", "local $y = p1 > p2 and p1 or p2"))
    yield op("two-distance", TWO, I, ("take the distance between them", "compute the absolute difference"), "$y = abs(p1 - p2)", "local $y = math.abs(p1 - p2)")
    yield op("two-divides", TWO, B, ("check whether the second divides the first", "decide whether the first is a multiple of the second"), "$y = p1 % p2 == 0", "local $y = p1 % p2 == 0")
    yield op(
        "two-xor", TWO, I,
        ("take their bitwise exclusive or", "combine them with bitwise xor"),
        "$y = p1 ^ p2",
        ("local $y = bit.bxor(p1, p2)", "local bit = require('bit')\nlocal $y = bit.bxor(p1, p2)"),
    )
    yield op(
        "two-and", TWO, I,
        ("take their bitwise and", "combine them with bitwise and"),
        "$y = p1 & p2",
        ("local $y = bit.band(p1, p2)", "local bit = require('bit')\nlocal $y = bit.band(p1, p2)"),
    )
    yield op(
        "two-range", TWO, L,
        ("list the integers from the smaller to at most nine above it but not beyond the larger", "count from the smaller one up to the larger one stopping after ten numbers"),
        "low, high = min(p1, p2), max(p1, p2)\n$y = list(range(low, min(high, low + 9) + 1))",
        "local low, high = math.min(p1, p2), math.max(p1, p2)\nlocal $y = {}\nfor v = low, math.min(high, low + 9) do $y[#$y + 1] = v end",
    )


def _of_three() -> Iterator[Operation]:
    yield op("three-sum", THREE, I, ("add all three", "take the sum of the three"), "$y = p1 + p2 + p3", "local $y = p1 + p2 + p3")
    yield op("three-maximum", THREE, I, ("take the largest of the three", "choose the maximum of the three"), "$y = max(p1, p2, p3)", "local $y = math.max(p1, p2, p3)")
    yield op("three-fused", THREE, I, ("multiply the first two and add the third", "take the product of the first two plus the third"), "$y = p1 * p2 + p3", "local $y = p1 * p2 + p3")
    yield op(
        "three-middle", THREE, I,
        ("take the middle one by value", "choose the median of the three"),
        "$y = sorted([p1, p2, p3])[1]",
        (
            "local trio = {p1, p2, p3}\ntable.sort(trio)\nlocal $y = trio[2]",
            "local $y = p1 + p2 + p3 - math.max(p1, p2, p3) - math.min(p1, p2, p3)",
        ),
    )
    yield op(
        "three-power", THREE, I,
        ("raise the first to the power of the second modulo the third", "compute the first to the power of the second modulo the third"),
        ("$y = pow(p1, p2, p3)", "$y = 1 % p3\nfor _ in range(p2):\n    $y = $y * p1 % p3"),
        "local $y = 1 % p3\nfor _ = 1, p2 do $y = $y * p1 % p3 end",
    )
    yield op(
        "three-triangle", THREE, B,
        ("check whether they are the sides of a proper triangle", "decide whether a triangle with these sides exists"),
        "$y = 2 * max(p1, p2, p3) < p1 + p2 + p3",
        "local $y = 2 * math.max(p1, p2, p3) < p1 + p2 + p3",
    )
    yield op(
        "three-sorted", THREE, L,
        ("list them in increasing order", "put the three in order from the smallest"),
        "$y = sorted([p1, p2, p3])",
        "local $y = {p1, p2, p3}\ntable.sort($y)",
    )
    yield op(
        "three-progression", THREE, L,
        ("list the first terms of the progression that starts with the first one and has the second as step and as many terms as the third modulo 8", "start from the first and add the second repeatedly giving as many terms as the third modulo 8"),
        "$y = [p1 + j * p2 for j in range(p3 % 8)]",
        "local $y = {}\nfor j = 1, p3 % 8 do $y[j] = p1 + (j - 1) * p2 end",
    )
