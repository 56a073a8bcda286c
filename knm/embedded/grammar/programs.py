"""Rendering a task as a program, in Python or Lua, in several surface styles."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import indent

from knm.embedded.grammar.model import HELPERS, Type
from knm.embedded.grammar.tasks import Task

# Names that a pipeline's variables take in turn, by type. They differ from every name that
# shapes and operations use for themselves.
_NAMES: tuple[Mapping[Type, tuple[str, ...]], ...] = (
    {
        Type.LIST: ("a", "b", "c2", "d2", "e"),
        Type.INT: ("x", "y", "z", "u", "w2"),
        Type.STR: ("s", "t", "s3", "s4", "s5"),
        Type.WORDS: ("ws", "us", "vs", "xs", "ys"),
        Type.BOOL: ("ok",),
    },
    {
        Type.LIST: ("nums", "vals", "items", "result", "final"),
        Type.INT: ("num", "val", "res", "ans", "answer"),
        Type.STR: ("text", "word2", "line2", "str2", "str3"),
        Type.WORDS: ("words", "names", "list2", "list3", "list4"),
        Type.BOOL: ("good",),
    },
)


@dataclass(frozen=True)
class Style:
    """Surface choices of one program: which names, and a seed for the idiom of each step."""

    names: int
    idioms: tuple[int, ...]

    @classmethod
    def draw(cls, rng: random.Random) -> "Style":
        """One style; three in four programs keep to one idiom throughout, as authors do."""
        mixed = rng.random() < 0.25
        first = rng.randrange(2)
        return cls(
            rng.randrange(len(_NAMES)),
            tuple(rng.randrange(2) if mixed else first for _ in range(6)),
        )


class _Namer:
    def __init__(self, style: Style) -> None:
        self._names = _NAMES[style.names]
        self._used: dict[Type, int] = {}

    def next(self, kind: Type) -> str:
        if kind not in self._names:
            return ""
        index = self._used.get(kind, 0)
        self._used[kind] = index + 1
        return self._names[kind][index]


def render_program(task: Task, language: str, style: Style) -> str:
    """The program's text, without a trailing newline. `language` is "python" or "lua"."""
    namer = _Namer(style)
    variable = namer.next(task.shape.type)
    reading = _pick(task.shape.templates(language), style.idioms[0]).replace("$x", variable)
    body = [reading]
    for step, (operation, constant) in enumerate(
        zip(task.operations, task.constants, strict=True), start=1
    ):
        target = namer.next(operation.target)
        template = _pick(operation.templates(language), style.idioms[step])
        body.append(fill(template, variable, target, constant))
        variable = target
    body.append(_printing(task, language, style, variable))
    text = "\n".join(body)
    if task.many_cases:
        text = _loop_over_cases(text, language, by_lines="*l" in reading or "read()" in reading)
    helpers = dict.fromkeys(name for op in task.operations for name in op.helpers)
    return "\n".join([*(HELPERS[name][language] for name in helpers), text])


def fill(template: str, source: str, target: str, constant: str | None) -> str:
    """Put variable names and the constant into a code template."""
    text = template.replace("$x", source).replace("$y", target)
    return text if constant is None else text.replace("$k", constant)


def _pick(templates: tuple[str, ...], idiom: int) -> str:
    return templates[idiom % len(templates)]


def _loop_over_cases(body: str, language: str, *, by_lines: bool) -> str:
    if language == "python":
        return f"for _ in range(int(input())):\n{indent(body, '    ')}"
    count = 'tonumber(io.read("*l"))' if by_lines else 'io.read("*n")'
    return f"local cases = {count}\nfor _ = 1, cases do\n{indent(body, '  ')}\nend"


# (output form, language) -> templates by idiom; `$x` is the result.
_PRINTING: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("value", "python"): ("print($x)",),
    ("value", "lua"): ("print($x)", 'io.write($x, "\\n")'),
    ("yes-no", "python"): ('print("Yes" if $x else "No")',),
    ("yes-no", "lua"): (
        'print($x and "Yes" or "No")',
        'if $x then print("Yes") else print("No") end',
    ),
    ("line", "python"): ("print(*$x)", 'print(" ".join(map(str, $x)))'),
    ("line", "lua"): ('print(table.concat($x, " "))', 'io.write(table.concat($x, " "), "\\n")'),
    ("lines", "python"): ("for v in $x:\n    print(v)",),
    ("lines", "lua"): (
        "for _, v in ipairs($x) do print(v) end",
        "for j = 1, #$x do\n  print($x[j])\nend",
    ),
    ("counted", "python"): ("print(len($x))\nprint(*$x)",),
    ("counted", "lua"): ('print(#$x)\nprint(table.concat($x, " "))',),
}


def _printing(task: Task, language: str, style: Style, variable: str) -> str:
    templates = _PRINTING[task.output_form, language]
    return _pick(templates, style.idioms[-1]).replace("$x", variable)
