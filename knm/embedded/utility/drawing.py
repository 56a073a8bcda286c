"""Drawing utility libraries: one to three functions of a domain, or a class with some methods."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from knm.corpora.records import CorpusRecord
from knm.embedded.utility.expansion import Naming, expand, indented
from knm.embedded.utility.templates import (
    FunctionTemplate,
    MethodTemplate,
    class_templates,
    function_templates,
)

PASSED: Final = "ok\n"
"""What a check prints if the library does what it should."""

CLASS_SHARE: Final = 0.25
FUNCTION_COUNTS: Final = {1: 0.45, 2: 0.35, 3: 0.20}
DOCUMENTED_SHARE: Final = 0.4
INDENTS: Final = ("  ", "  ", "    ", "\t")

_HARNESS: Final = """\
local function same(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then return a == b end
  for k, v in pairs(a) do if not same(v, b[k]) then return false end end
  for k in pairs(b) do if a[k] == nil then return false end end
  return true
end
"""


@dataclass(frozen=True)
class _Library:
    """What was drawn; `checks` are Lua statements on the library `lib`."""

    domain: str
    parts: tuple[str, ...]
    statement: str
    program: str
    checks: tuple[str, ...]


def draw_utilities(seed: int, prefix: str) -> Iterator[tuple[CorpusRecord, str]]:
    """Draw records without end, each with a program that prints `PASSED` if it works.

    No program or statement comes twice. A caller should run the checks in a sandbox: records say
    that they are `verified`.
    """
    rng = random.Random(f"utilities {seed}")
    seen: set[str] = set()
    while True:
        library = _draw_class(rng) if rng.random() < CLASS_SHARE else _draw_functions(rng)
        if library.program in seen or library.statement in seen:
            continue
        seen.update((library.program, library.statement))
        record = CorpusRecord(
            id=f"{prefix}-{len(seen) // 2:05d}",
            statement=library.statement,
            program=library.program,
            language="lua",
            source="utility",
            extras={
                "operations": list(library.parts),
                "composition": f"{library.domain}|{'>'.join(library.parts)}",
                "verified": True,
            },
        )
        yield record, _checked(library)


def _checked(library: _Library) -> str:
    return (
        f"local lib = (function()\n{library.program}\nend)()\n{_HARNESS}"
        + "".join(f"do {check} end\n" for check in library.checks)
        + 'print("ok")\n'
    )


def _draw_functions(rng: random.Random) -> _Library:
    domains = function_templates()
    domain = rng.choices(list(domains), [len(held) for held in domains.values()])[0]
    wanted = rng.choices(list(FUNCTION_COUNTS), list(FUNCTION_COUNTS.values()))[0]
    templates = rng.sample(domains[domain], wanted)
    names = tuple(rng.choice(template.names) for template in templates)
    if len(set(names)) < len(names):
        return _draw_functions(rng)
    style = rng.choice(_STYLES_OF_ONE if wanted == 1 else _STYLES)
    table = rng.choice(("M", "M", domain.capitalize(), "Util", "lib"))
    drawn = [
        _draw_function(rng, template, name, table if style.in_table else None, names)
        for template, name in zip(templates, names, strict=True)
    ]
    documented = rng.random() < DOCUMENTED_SHARE
    blocks = [
        (f"-- {function.doc}\n" if documented else "") + style.define(function, table)
        for function in drawn
    ]
    program = style.assemble(blocks, names, table)
    return _Library(
        domain=domain,
        parts=tuple(template.names[0] for template in templates),
        statement=_statement(rng, domain, drawn),
        program=_reindented(program, rng),
        checks=tuple(
            check.replace(_CALL, "lib" if style.bare else f"lib.{function.name}")
            for function in drawn
            for check in function.checks
        ),
    )


_CALL: Final = "\0"


@dataclass(frozen=True)
class _Function:
    name: str
    params: str
    doc: str
    body: str
    checks: tuple[str, ...]

    @property
    def signature(self) -> str:
        return f"{self.name}({self.params})"


def _draw_function(
    rng: random.Random,
    template: FunctionTemplate,
    name: str,
    table: str | None,
    names: Sequence[str],
) -> _Function:
    """Fill a template; `_CALL` stands in its checks for the function as a caller names it."""
    reserved = frozenset((*names, table or ""))
    constant = str(rng.randint(2, 9))
    naming = Naming(rng, {"f": f"{table}.{name}" if table else name, "K": constant}, reserved)
    params = ", ".join(map(naming, template.params))
    outside = Naming(rng, {"f": _CALL, "K": constant})
    checks = []
    for check in template.checks:
        given, expected = expand(check, rng, outside).rsplit(" == ", 1)
        checks.append(f"assert(same({given}, {expected}))")
    return _Function(
        name=name,
        params=params,
        doc=expand(template.doc, rng, naming),
        body=expand(template.body, rng, naming),
        checks=tuple(checks),
    )


@dataclass(frozen=True)
class _Style:
    """How functions are defined and handed out. `bare`: the library is the function itself."""

    head: str
    opening: str
    closing: str
    in_table: bool = True
    bare: bool = False

    def define(self, function: _Function, table: str) -> str:
        head = self.head.format(table=table, name=function.name, params=function.params)
        return f"{head}\n{indented(function.body)}\nend"

    def assemble(self, blocks: Sequence[str], names: Sequence[str], table: str) -> str:
        fields = ", ".join(f"{name} = {name}" for name in names)
        closing = self.closing.format(table=table, fields=fields, first=names[0])
        opening = [self.opening.format(table=table)] if self.opening else []
        return "\n\n".join((*opening, *blocks, closing))


_LOCAL_HEAD: Final = "local function {name}({params})"
_TABLE: Final = _Style(
    "function {table}.{name}({params})", "local {table} = {{}}", "return {table}"
)
_ASSIGNED: Final = replace(_TABLE, head="{table}.{name} = function({params})")
_LOCALS: Final = _Style(_LOCAL_HEAD, "", "return {{{fields}}}", in_table=False)
_BARE: Final = replace(_LOCALS, closing="return {first}", bare=True)
_STYLES: Final = (_TABLE, _TABLE, _ASSIGNED, _LOCALS)
_STYLES_OF_ONE: Final = (*_STYLES, _BARE, _BARE)


def _statement(rng: random.Random, domain: str, functions: Sequence[_Function]) -> str:
    if len(functions) == 1:
        (function,) = functions
        return rng.choice(
            (
                f"{function.signature}: {function.doc}",
                f"Write a Lua function {function.signature}. {function.doc}",
                f"{function.doc} The function is called as {function.signature}.",
            )
        )
    head = rng.choice(
        (f"Write a Lua module of helpers for {domain}.", f"Utility functions for {domain}.")
    )
    return "\n".join((head, *(f"- {entry.signature}: {entry.doc}" for entry in functions)))


def _draw_class(rng: random.Random) -> _Library:
    template = rng.choice(class_templates())
    name = rng.choice(template.names)
    optional = [method for method in template.methods if not method.required]
    chosen = set(rng.sample(optional, rng.randint(1, len(optional))))
    methods = [method for method in template.methods if method.required or method in chosen]
    colon = rng.random() < 0.75
    naming = Naming(rng, {"C": name}, frozenset({name}))
    params = ", ".join(map(naming, template.params))
    fields = expand(template.new, rng, naming)
    blocks = [
        f"local {name} = {{}}\n{name}.__index = {name}",
        f"function {name}.new({params})\n  return setmetatable({{{fields}}}, {name})\nend",
    ]
    told, checks = [], []
    for method in methods:
        block, line, check = _draw_method(rng, name, method, colon)
        blocks.append(block)
        told.append(line)
        if check:
            checks.append(f"local o = lib.new({template.arguments}) {check}")
    head = rng.choice((f"Write a Lua class {name}.", f"The class {name}."))
    return _Library(
        domain="classes",
        parts=(template.names[0], *(method.names[0] for method in methods)),
        statement="\n".join((f"{head} {template.doc} Methods:", f"- new({params})", *told)),
        program=_reindented("\n\n".join((*blocks, f"return {name}")), rng),
        checks=tuple(checks),
    )


def _draw_method(
    rng: random.Random, of: str, method: MethodTemplate, colon: bool
) -> tuple[str, str, str]:
    """A method's definition, what is told of it, and its check."""
    name = rng.choice(method.names)
    naming = Naming(rng, {"C": of}, frozenset({of, "self"}))
    params = [naming(role) for role in method.params]
    body = indented(expand(method.body, rng, naming))
    taken = ", ".join(params if colon else ["self", *params])
    block = f"function {of}{':' if colon else '.'}{name}({taken})\n{body}\nend"
    check = expand(method.check, rng, Naming(rng, {"m": name, "K": str(rng.randint(2, 9))}))
    return block, f"- {name}({', '.join(params)}): {expand(method.doc, rng, naming)}", check


def _reindented(program: str, rng: random.Random) -> str:
    unit = rng.choice(INDENTS)
    lines = []
    for line in program.split("\n"):
        text = line.lstrip(" ")
        depth, odd = divmod(len(line) - len(text), 2)
        lines.append(unit * depth + " " * odd + text)
    return "\n".join(lines)
