"""Input shapes: what a task reads, how it is described, read and drawn at random."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from knm.embedded.grammar.model import IntConstant, Type


@dataclass(frozen=True)
class Drawn:
    """One random input: its text, and the value of each variable that a program reads."""

    text: str
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class Shape:
    """One input format.

    `python` and `lua` hold one reading template per idiom; `$x` is the variable of a simple
    type. `draw` gets the bounds of `k` if the task reads one.
    """

    name: str
    type: Type
    weight: float
    intros: tuple[str, ...]
    format: str
    constraints: str
    python: tuple[str, ...]
    lua: tuple[str, ...]
    draw: Callable[[random.Random, IntConstant | None], Drawn]
    reads_k: bool = False
    many_cases: bool = False

    def templates(self, language: str) -> tuple[str, ...]:
        """The reading templates in one language."""
        return {"python": self.python, "lua": self.lua}[language]


VALUE = "$x"
"""Key of `Drawn.variables` for the variable of a simple type, which the program names."""


def _numbers(rng: random.Random, count: int) -> list[int]:
    high = rng.choice([6, 12, 40])
    low = rng.choice([1, -high])
    return [rng.randint(low, high) for _ in range(count)]


def _word(rng: random.Random, longest: int = 12) -> str:
    if rng.random() < 0.3:
        half = "".join(rng.choice("abce") for _ in range(rng.randint(1, longest // 3)))
        return half + half[::-1]
    alphabet = rng.choice(["abc", "abcdeiorst", "aeXYbcd", "a1b2c3", "ABab", "stone12RAIL"])
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(1, longest)))


def _row(values: list[int]) -> str:
    return " ".join(map(str, values))


def _draw_int(rng: random.Random, _: IntConstant | None) -> Drawn:
    value = rng.choice([rng.randint(1, 300), rng.randint(1, 30), rng.randint(1, 9) ** 2])
    return Drawn(str(value), {VALUE: value})


def _draw_two(rng: random.Random, _: IntConstant | None) -> Drawn:
    first, second = rng.randint(1, 200), rng.randint(1, 30)
    return Drawn(f"{first} {second}", {"p1": first, "p2": second})


def _draw_three(rng: random.Random, _: IntConstant | None) -> Drawn:
    trio = [rng.randint(1, 20) for _ in range(3)]
    return Drawn(_row(trio), dict(zip(("p1", "p2", "p3"), trio, strict=True)))


def _draw_list(rng: random.Random, bounds: IntConstant | None) -> Drawn:
    values = _numbers(rng, rng.randint(1, 9))
    if bounds is None:
        return Drawn(f"{len(values)}\n{_row(values)}", {VALUE: values})
    k = rng.randint(bounds.low, bounds.high)
    return Drawn(f"{len(values)} {k}\n{_row(values)}", {VALUE: values, "k": k})


def _draw_str(rng: random.Random, bounds: IntConstant | None) -> Drawn:
    word = _word(rng)
    if bounds is None:
        return Drawn(word, {VALUE: word})
    k = rng.randint(bounds.low, bounds.high)
    return Drawn(f"{k}\n{word}", {VALUE: word, "k": k})


def _draw_words(rng: random.Random, _: IntConstant | None) -> Drawn:
    words = [_word(rng, 6) for _ in range(rng.randint(1, 6))]
    if rng.random() < 0.4:
        words.append(rng.choice(words))
    return Drawn("\n".join([str(len(words)), *words]), {VALUE: words})


def _draw_line_of_words(rng: random.Random, _: IntConstant | None) -> Drawn:
    words = [_word(rng, 6) for _ in range(rng.randint(1, 6))]
    return Drawn(" ".join(words), {VALUE: words})


def _draw_two_strs(rng: random.Random, _: IntConstant | None) -> Drawn:
    first = _word(rng, 9)
    second = rng.choice(
        [_word(rng, 6), first[: rng.randint(1, len(first))], "".join(rng.sample(first, len(first)))]
    )
    return Drawn(f"{first}\n{second}", {"s1": first, "s2": second})


def _draw_two_lists(rng: random.Random, _: IntConstant | None) -> Drawn:
    count = rng.randint(1, 9)
    first, second = _numbers(rng, count), _numbers(rng, count)
    return Drawn(f"{count}\n{_row(first)}\n{_row(second)}", {"l1": first, "l2": second})


def _draw_pairs(rng: random.Random, _: IntConstant | None) -> Drawn:
    count = rng.randint(1, 7)
    first, second = _numbers(rng, count), _numbers(rng, count)
    lines = [f"{p} {q}" for p, q in zip(first, second, strict=True)]
    return Drawn("\n".join([str(count), *lines]), {"l1": first, "l2": second})


def _draw_matrix(rng: random.Random, _: IntConstant | None) -> Drawn:
    n, m = rng.randint(1, 4), rng.randint(1, 5)
    rows = [_numbers(rng, m) for _ in range(n)]
    return Drawn("\n".join([f"{n} {m}", *map(_row, rows)]), {"n": n, "m": m, "g": rows})


def _draw_grid(rng: random.Random, _: IntConstant | None) -> Drawn:
    n, m = rng.randint(1, 5), rng.randint(1, 6)
    rows = ["".join(rng.choice(".#") for _ in range(m)) for _ in range(n)]
    return Drawn("\n".join([f"{n} {m}", *rows]), {"n": n, "m": m, "g": rows})


# fmt: off
SHAPES: Mapping[str, Shape] = {
    shape.name: shape
    for shape in (
        Shape(
            "int", Type.INT, 3,
            ("You are given an integer.", "Read one integer.", "An integer X is given.", "Alice thinks of an integer and tells it to you."),
            "X", "1 <= X <= 300",
            ("$x = int(input())",),
            ('local $x = io.read("*n")', 'local $x = tonumber(io.read("*l"))'),
            _draw_int, many_cases=True,
        ),
        Shape(
            "two", Type.TWO, 2,
            ("You are given two integers.", "Read two integers.", "Two integers P and Q are given.", "Bob writes two integers on a sheet."),
            "P Q", "1 <= P <= 200, 1 <= Q <= 30",
            ("p1, p2 = map(int, input().split())",),
            ('local p1, p2 = io.read("*n", "*n")', 'local p1 = io.read("*n")\nlocal p2 = io.read("*n")'),
            _draw_two, many_cases=True,
        ),
        Shape(
            "three", Type.THREE, 1.5,
            ("You are given three integers.", "Read three integers.", "Three integers P, Q and R are given.", "Carol rolls three numbers."),
            "P Q R", "1 <= P, Q, R <= 20",
            ("p1, p2, p3 = map(int, input().split())",),
            ('local p1, p2, p3 = io.read("*n", "*n", "*n")', 'local p1 = io.read("*n")\nlocal p2 = io.read("*n")\nlocal p3 = io.read("*n")'),
            _draw_three, many_cases=True,
        ),
        Shape(
            "list", Type.LIST, 5,
            ("You are given N and then N integers.", "Read N followed by a list of N integers.", "A sequence of N integers is given.", "There are N cards in a row with an integer on each."),
            "N\nA_1 A_2 ... A_N", "1 <= N <= 9, -40 <= A_i <= 40",
            ("n = int(input())\n$x = list(map(int, input().split()))",),
            (
                'local n = io.read("*n")\nlocal $x = {}\nfor j = 1, n do $x[j] = io.read("*n") end',
                'local n = io.read("*n")\nlocal $x = {}\nfor j = 1, n do\n  table.insert($x, io.read("*n"))\nend',
            ),
            _draw_list, many_cases=True,
        ),
        Shape(
            "list-and-k", Type.LIST, 3,
            ("You are given N and k and then N integers.", "Read N and k followed by a list of N integers.", "A sequence of N integers and a number k are given.", "There are N cards in a row with an integer on each and a number k."),
            "N k\nA_1 A_2 ... A_N", "1 <= N <= 9, -40 <= A_i <= 40",
            ("n, k = map(int, input().split())\n$x = list(map(int, input().split()))",),
            (
                'local n, k = io.read("*n", "*n")\nlocal $x = {}\nfor j = 1, n do $x[j] = io.read("*n") end',
                'local n = io.read("*n")\nlocal k = io.read("*n")\nlocal $x = {}\nfor j = 1, n do\n  table.insert($x, io.read("*n"))\nend',
            ),
            _draw_list, reads_k=True,
        ),
        Shape(
            "str", Type.STR, 3,
            ("You are given a line of text.", "Read a string.", "A word S is given.", "Dave types a word."),
            "S", "1 <= |S| <= 12, letters and digits",
            ("$x = input()", "$x = input().strip()"),
            ('local $x = io.read("*l")', "local $x = io.read()"),
            _draw_str, many_cases=True,
        ),
        Shape(
            "str-and-k", Type.STR, 1.5,
            ("You are given k and then a line of text.", "Read an integer k and a string.", "A number k and a word S are given.", "Dave types a number k and a word."),
            "k\nS", "1 <= |S| <= 12, letters and digits",
            ("k = int(input())\n$x = input()",),
            ('local k = io.read("*n", "*l")\nlocal $x = io.read("*l")', 'local k = tonumber(io.read())\nlocal $x = io.read()'),
            _draw_str, reads_k=True,
        ),
        Shape(
            "two-strs", Type.TWO_STRS, 1.5,
            ("You are given two lines of text.", "Read two strings.", "Two words S and T are given.", "Erin and Frank each type a word."),
            "S\nT", "1 <= |S|, |T| <= 9, letters and digits",
            ("s1 = input()\ns2 = input()",),
            ('local s1 = io.read("*l")\nlocal s2 = io.read("*l")', 'local s1, s2 = io.read("*l", "*l")'),
            _draw_two_strs, many_cases=True,
        ),
        Shape(
            "words", Type.WORDS, 2,
            ("You are given N and then N words.", "Read N followed by N words one per line.", "A list of N words is given.", "Grace writes N words into a notebook."),
            "N\nS_1\n...\nS_N", "1 <= N <= 7, 1 <= |S_i| <= 6, letters and digits",
            ("n = int(input())\n$x = [input() for _ in range(n)]",),
            (
                'local n = tonumber(io.read("*l"))\nlocal $x = {}\nfor j = 1, n do $x[j] = io.read("*l") end',
                'local n = io.read("*n", "*l")\nlocal $x = {}\nfor j = 1, n do\n  table.insert($x, io.read("*l"))\nend',
            ),
            _draw_words,
        ),
        Shape(
            "sentence", Type.WORDS, 1.5,
            ("You are given a line of words.", "Read a line of words separated by spaces.", "A sentence is given.", "Heidi says a sentence."),
            "S_1 S_2 ... S_N", "1 <= N <= 6, 1 <= |S_i| <= 6, letters and digits",
            ("$x = input().split()",),
            (
                "local $x = {}\nfor word in io.read(\"*l\"):gmatch('%S+') do $x[#$x + 1] = word end",
                "local $x = {}\nfor word in string.gmatch(io.read(), '[^ ]+') do\n  table.insert($x, word)\nend",
            ),
            _draw_line_of_words, many_cases=True,
        ),
        Shape(
            "matrix", Type.MATRIX, 2,
            ("You are given n and m and then a matrix with n rows and m columns.", "Read an n by m matrix preceded by its sizes.", "A matrix of n rows and m columns is given.", "A table with n rows and m columns of integers is given."),
            "n m\nG_11 ... G_1m\n...\nG_n1 ... G_nm", "1 <= n <= 4, 1 <= m <= 5, -40 <= G_ij <= 40",
            ("n, m = map(int, input().split())\ng = [list(map(int, input().split())) for _ in range(n)]",),
            (
                'local n, m = io.read("*n", "*n")\nlocal g = {}\nfor r = 1, n do\n  g[r] = {}\n  for c = 1, m do g[r][c] = io.read("*n") end\nend',
            ),
            _draw_matrix,
        ),
        Shape(
            "grid", Type.GRID, 1.5,
            ("You are given n and m and then a grid of n rows and m columns of . and #.", "Read an n by m grid of the characters . and # preceded by its sizes.", "A map of n rows and m columns made of . and # is given.", "A field of n by m cells marked . or # is given."),
            "n m\nS_1\n...\nS_n", "1 <= n <= 5, 1 <= m <= 6",
            ("n, m = map(int, input().split())\ng = [input() for _ in range(n)]",),
            (
                'local n, m = io.read("*n", "*n", "*l")\nlocal g = {}\nfor r = 1, n do g[r] = io.read("*l") end',
            ),
            _draw_grid,
        ),
        Shape(
            "two-lists", Type.TWO_LISTS, 2,
            ("You are given N and then two lists of N integers each.", "Read N followed by two lists of length N.", "Two sequences of N integers each are given.", "Ivan and Judy each have N integers."),
            "N\nA_1 ... A_N\nB_1 ... B_N", "1 <= N <= 9, -40 <= A_i, B_i <= 40",
            ("n = int(input())\nl1 = list(map(int, input().split()))\nl2 = list(map(int, input().split()))",),
            (
                'local n = io.read("*n")\nlocal l1, l2 = {}, {}\nfor j = 1, n do l1[j] = io.read("*n") end\nfor j = 1, n do l2[j] = io.read("*n") end',
            ),
            _draw_two_lists,
        ),
        Shape(
            "pairs", Type.PAIRS, 1.5,
            ("You are given N and then N pairs of integers.", "Read N followed by N pairs of integers one pair per line.", "A list of N pairs of integers is given.", "There are N dominoes with two integers on each."),
            "N\nA_1 B_1\n...\nA_N B_N", "1 <= N <= 7, -40 <= A_i, B_i <= 40",
            ("n = int(input())\nl1, l2 = [], []\nfor _ in range(n):\n    p, q = map(int, input().split())\n    l1.append(p)\n    l2.append(q)",),
            (
                'local n = io.read("*n")\nlocal l1, l2 = {}, {}\nfor j = 1, n do\n  l1[j], l2[j] = io.read("*n", "*n")\nend',
                'local n = io.read("*n")\nlocal l1, l2 = {}, {}\nfor j = 1, n do\n  l1[j] = io.read("*n")\n  l2[j] = io.read("*n")\nend',
            ),
            _draw_pairs,
        ),
    )
}
# fmt: on
