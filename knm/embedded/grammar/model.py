"""What the grammar is made of: value types, operations, helper functions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

LANGUAGES = ("python", "lua")


class Type(Enum):
    """The type of a value that flows from one operation to the next."""

    INT = "int"
    LIST = "list"  # of integers
    STR = "str"  # one word of letters and digits
    BOOL = "bool"
    WORDS = "words"  # list of such words
    TWO = "two"  # two integers, bound to p1, p2
    THREE = "three"  # three integers, bound to p1, p2, p3
    TWO_LISTS = "two-lists"  # of one length, bound to l1, l2
    MATRIX = "matrix"  # n rows of m integers, bound to g
    GRID = "grid"  # n strings of m characters . and #, bound to g
    TWO_STRS = "two-strs"  # bound to s1, s2
    PAIRS = "pairs"  # n pairs of integers, bound to l1 (first parts) and l2 (second parts)


@dataclass(frozen=True)
class IntConstant:
    """An integer constant of an operation, `$k` in its texts."""

    low: int
    high: int


@dataclass(frozen=True)
class LetterConstant:
    """A letter constant of an operation, `$k` in its texts."""

    letters: str = "abcdeiorst"


Constant = IntConstant | LetterConstant


@dataclass(frozen=True)
class Operation:
    """One step of a task: English phrases and code templates that mean the same.

    In templates `$x` is the input variable, `$y` the output variable and `$k` the constant.
    Inputs of compound types (`Type.TWO` and the like) are bound to the fixed names listed there.
    `python` and `lua` hold one template per idiom. `helpers` names functions of `HELPERS`.
    """

    name: str
    source: Type
    target: Type
    phrases: tuple[str, ...]
    python: tuple[str, ...]
    lua: tuple[str, ...]
    constant: Constant | None = None
    helpers: tuple[str, ...] = ()

    def templates(self, language: str) -> tuple[str, ...]:
        """The code templates in one of `LANGUAGES`."""
        return {"python": self.python, "lua": self.lua}[language]


class Catalogue:
    """Operations by name and by source type, in the order they were added."""

    def __init__(self, operations: Iterator[Operation]) -> None:
        self._by_name: dict[str, Operation] = {}
        self._by_source: dict[Type, list[Operation]] = {}
        for operation in operations:
            assert operation.name not in self._by_name, operation.name
            self._by_name[operation.name] = operation
            self._by_source.setdefault(operation.source, []).append(operation)

    def __getitem__(self, name: str) -> Operation:
        return self._by_name[name]

    def __iter__(self) -> Iterator[Operation]:
        return iter(self._by_name.values())

    def __len__(self) -> int:
        return len(self._by_name)

    def accepting(self, source: Type) -> tuple[Operation, ...]:
        """The operations that take a value of this type."""
        return tuple(self._by_source.get(source, ()))


HELPERS: Mapping[str, Mapping[str, str]] = {
    "gcd": {
        "python": "def gcd(p, q):\n    while q:\n        p, q = q, p % q\n    return p",
        "lua": "local function gcd(p, q)\n  while q ~= 0 do\n    p, q = q, p % q\n  end\n"
        "  return p\nend",
    },
    "is_prime": {
        "python": "def is_prime(p):\n    if p < 2:\n        return False\n    d = 2\n"
        "    while d * d <= p:\n        if p % d == 0:\n            return False\n        d += 1\n"
        "    return True",
        "lua": "local function is_prime(p)\n  if p < 2 then return false end\n  local d = 2\n"
        "  while d * d <= p do\n    if p % d == 0 then return false end\n    d = d + 1\n  end\n"
        "  return true\nend",
    },
    "digit_sum": {
        "python": "def digit_sum(p):\n    return sum(int(c) for c in str(abs(p)))",
        "lua": "local function digit_sum(p)\n  p = math.abs(p)\n  local r = 0\n  while p > 0 do\n"
        "    r = r + p % 10\n    p = math.floor(p / 10)\n  end\n  return r\nend",
    },
    "popcount": {
        "python": "def popcount(p):\n    return bin(abs(p)).count('1')",
        "lua": "local function popcount(p)\n  p = math.abs(p)\n  local r = 0\n  while p > 0 do\n"
        "    r = r + p % 2\n    p = math.floor(p / 2)\n  end\n  return r\nend",
    },
}
