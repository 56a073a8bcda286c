"""From a template's text to Lua: choices, idioms, names of variables."""

import random
import re
from collections.abc import Mapping
from typing import Final

_POOLS: Final[Mapping[str, tuple[str, ...]]] = {
    "list": ("xs", "list", "items", "arr", "seq", "elements"),
    "map": ("map", "tbl", "dict", "entries", "t"),
    "grid": ("grid", "matrix", "mat", "cells"),
    "str": ("s", "str", "text", "line"),
    "fn": ("fn", "func", "callback", "g"),
    "out": ("result", "out", "res", "r"),
    "v": ("v", "item", "value", "el"),
    "key": ("key", "k", "name"),
    "i": ("i", "idx", "index"),
    "j": ("j", "jj", "pos"),
    "num": ("n", "num", "amount", "number"),
    "acc": ("acc", "total", "sum"),
    "sep": ("sep", "delimiter", "separator"),
    "part": ("part", "piece", "word"),
    "char": ("c", "char", "ch"),
    "count": ("count", "counter", "cnt"),
    "a": ("a", "left", "p"),
    "b": ("b", "right", "q"),
    "first": ("first", "from", "lo"),
    "last": ("last", "to", "hi"),
    "seen": ("seen", "known", "visited"),
    "best": ("best", "winner", "found"),
    "row": ("row", "current", "line"),
    "low": ("low", "lower", "minimum"),
    "high": ("high", "upper", "maximum"),
    "width": ("width", "w", "len"),
    "tmp": ("tmp", "old", "saved"),
    "node": ("node", "cur", "entry"),
    "mid": ("mid", "middle", "center"),
    "rest": ("rest", "others", "remaining"),
}
"""Role -> names that a variable in it may have; a role of none other has its own name."""

_CHOICE: Final = re.compile(r"<<(.*?)>>")
_ROLE: Final = re.compile(r"\$([A-Za-z]+)(\d*)")
_EACH: Final = re.compile(r"@EACH\((\$\w+)\)")
_PUSH: Final = re.compile(r"@PUSH\(([^,]+), (.*)\)$", re.MULTILINE)


class Naming:
    """The names of one scope: a role keeps its name, and no two roles share one."""

    def __init__(
        self, rng: random.Random, fixed: Mapping[str, str], reserved: frozenset[str] = frozenset()
    ) -> None:
        self._rng = rng
        self._names = dict(fixed)
        self._taken = set(reserved)

    def __call__(self, role: str) -> str:
        """The name of the variable in a role such as `list` or `list2`."""
        if role not in self._names:
            stem = role.rstrip("0123456789")
            free = [name for name in _POOLS.get(stem, (stem,)) if name not in self._taken]
            name = self._rng.choice(free) if free else self._numbered(stem)
            self._names[role] = name
            self._taken.add(name)
        return self._names[role]

    def _numbered(self, stem: str) -> str:
        number = 2
        while f"{stem}{number}" in self._taken:
            number += 1
        return f"{stem}{number}"


def expand(text: str, rng: random.Random, naming: Naming) -> str:
    """Lua, or English, of a template's text."""
    lines = "\n".join(_choose(line, rng) for line in text.rstrip("\n").split("\n"))
    lines = _EACH.sub(lambda match: _loop(match, rng), lines)
    lines = _PUSH.sub(lambda match: _push(match, rng), lines)
    return _ROLE.sub(lambda match: naming(match[1] + match[2]), lines)


def indented(text: str, by: str = "  ") -> str:
    """Every line that is not blank, further to the right."""
    return "\n".join(by + line if line else line for line in text.split("\n"))


def _choose(line: str, rng: random.Random) -> str:
    chosen = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), line)
    indent = chosen[: len(chosen) - len(chosen.lstrip())]
    return chosen.replace("¶", f"\n{indent}")


def _loop(match: re.Match[str], rng: random.Random) -> str:
    begin = match.string.rfind("\n", 0, match.start()) + 1
    indent = match.string[begin : match.start()]
    return rng.choice(
        (
            f"for _, $v in ipairs({match[1]}) do",
            f"for $i = 1, #{match[1]} do\n{indent}  local $v = {match[1]}[$i]",
        )
    )


def _push(match: re.Match[str], rng: random.Random) -> str:
    target, value = match[1], match[2]
    return rng.choice((f"{target}[#{target} + 1] = {value}", f"table.insert({target}, {value})"))
