"""Builders for the idioms that many operations share."""

from knm.embedded.grammar.model import Constant, IntConstant, Operation, Type

K = IntConstant


def op(
    name: str,
    source: Type,
    target: Type,
    phrases: tuple[str, ...],
    python: str | tuple[str, ...],
    lua: str | tuple[str, ...],
    *,
    k: Constant | None = None,
    helpers: tuple[str, ...] = (),
) -> Operation:
    """An `Operation`; a single template may be given as a plain string."""
    return Operation(name, source, target, phrases, _idioms(python), _idioms(lua), k, helpers)


def _idioms(templates: str | tuple[str, ...]) -> tuple[str, ...]:
    return (templates,) if isinstance(templates, str) else templates


def keep(
    name: str,
    kind: Type,
    phrases: tuple[str, ...],
    python: str,
    lua: str,
    *,
    k: Constant | None = None,
    helpers: tuple[str, ...] = (),
) -> Operation:
    """Keep the elements `v` of a list for which a condition holds."""
    return op(
        name,
        kind,
        kind,
        phrases,
        (
            f"$y = [v for v in $x if {python}]",
            f"$y = []\nfor v in $x:\n    if {python}:\n        $y.append(v)",
        ),
        (
            f"local $y = {{}}\nfor _, v in ipairs($x) do\n  if {lua} then $y[#$y + 1] = v end\nend",
            "local $y = {}\nfor j = 1, #$x do\n  local v = $x[j]\n"
            f"  if {lua} then\n    table.insert($y, v)\n  end\nend",
        ),
        k=k,
        helpers=helpers,
    )


def each(
    name: str,
    kind: Type,
    phrases: tuple[str, ...],
    python: str,
    lua: str,
    *,
    target: Type | None = None,
    k: Constant | None = None,
    helpers: tuple[str, ...] = (),
) -> Operation:
    """Replace every element `v` of a list by an expression."""
    return op(
        name,
        kind,
        target or kind,
        phrases,
        (
            f"$y = [{python} for v in $x]",
            f"$y = []\nfor v in $x:\n    $y.append({python})",
        ),
        (
            f"local $y = {{}}\nfor j, v in ipairs($x) do\n  $y[j] = {lua}\nend",
            f"local $y = {{}}\nfor j = 1, #$x do\n  local v = $x[j]\n  table.insert($y, {lua})\nend",
        ),
        k=k,
        helpers=helpers,
    )


def count(
    name: str,
    kind: Type,
    phrases: tuple[str, ...],
    python: str,
    lua: str,
    *,
    k: Constant | None = None,
    helpers: tuple[str, ...] = (),
) -> Operation:
    """Count the elements `v` of a list for which a condition holds."""
    return op(
        name,
        kind,
        Type.INT,
        phrases,
        (
            f"$y = sum(1 for v in $x if {python})",
            f"$y = 0\nfor v in $x:\n    if {python}:\n        $y += 1",
        ),
        (
            f"local $y = 0\nfor _, v in ipairs($x) do\n  if {lua} then $y = $y + 1 end\nend",
            "local $y = 0\nfor j = 1, #$x do\n  local v = $x[j]\n"
            f"  if {lua} then\n    $y = $y + 1\n  end\nend",
        ),
        k=k,
        helpers=helpers,
    )


def fold(
    name: str,
    phrases: tuple[str, ...],
    python: str | tuple[str, ...],
    start: str,
    body: str,
    *,
    k: Constant | None = None,
    helpers: tuple[str, ...] = (),
) -> Operation:
    """Reduce a list of integers to one: Lua starts from `start` and runs `body` on each `v`."""
    return op(
        name,
        Type.LIST,
        Type.INT,
        phrases,
        python,
        (
            f"local $y = {start}\nfor _, v in ipairs($x) do\n  {body}\nend",
            f"local $y = {start}\nfor j = 1, #$x do\n  local v = $x[j]\n  {body}\nend",
        ),
        k=k,
        helpers=helpers,
    )
