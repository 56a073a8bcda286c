"""The declared order of imports, and what the sources of the package import, read from them.

`ORDER` is the one place where the order is declared. `python -m tests.architecture` prints which
package imports which.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PACKAGE: Final = Path(__file__).parents[1] / "knm"

ORDER: Final = (
    # The ground floor: single modules that know nothing of the subject.
    "errors",
    "option_fields",
    "options",
    "testcases",
    "statistics",
    "ondemand",
    "progress",
    "hashing",
    "jsonio",
    "codec",
    "records",
    "outputs",
    "journal",
    "cache",
    "packaged",
    # What is asked, in which languages, and what runs the answers.
    "languages",
    "problems",
    "sandbox",
    # What a model is corrected by, and the decoding itself.
    "corpora",
    "models",
    "datastore",
    "retrieval",
    "engine",
    "serving",
    # What came of it.
    "report",
    "judging",
    "metrics",
    "gathering",
    # The way in from Python.
    "api",
    # What is no library: the paper's experiments, the embedded model's own things, the front ends.
    "audit",
    "embedded",
    "bench",
    "study",
    "commands",
    "cli",
)
"""Packages and single modules of `knm`: each may import those before it, none after it."""


@dataclass(frozen=True)
class Import:
    """One module of the package that imports another; both by dotted name.

    `deferred` are imports in a function, which run when it is called; `typing` those that only a
    type checker sees.
    """

    importer: str
    imported: str
    line: int
    deferred: bool = False
    typing: bool = False

    @property
    def rooms(self) -> tuple[str, str]:
        """The packages of both, as in `ORDER`."""
        return room_of(self.importer), room_of(self.imported)

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.imported}"


def room_of(module: str) -> str:
    """The package below the root that a module belongs to; the root's own name for the root."""
    below = module.split(".")[1:2]
    return below[0] if below else module


def read_imports(package: Path = PACKAGE) -> list[Import]:
    """Every import of a package's modules by each other, in the order of names and lines.

    The root itself is left out: whoever imports it takes its version.
    """
    root = package.name
    files = {_dotted(path, package): path for path in sorted(package.rglob("*.py"))}
    found = set()
    for importer, path in files.items():
        own_package = importer if path.name == "__init__.py" else importer.rpartition(".")[0]
        for node, deferred, typing in _statements(ast.parse(path.read_text(encoding="utf-8"))):
            for name in _named(node, own_package):
                imported = _module(name, files)
                if imported not in (None, root, importer):
                    assert imported is not None
                    found.add(Import(importer, imported, node.lineno, deferred, typing))
    return sorted(found, key=lambda one: (one.importer, one.line, one.imported))


def against_order(imports: Iterable[Import], order: tuple[str, ...] = ORDER) -> list[Import]:
    """The imports that point to a later package of `order`, whenever they run."""
    place = {room: number for number, room in enumerate(order)}
    return [
        one
        for one in imports
        if one.rooms[0] in place and place[one.rooms[0]] < place[one.rooms[1]]
    ]


def package_graph(imports: Iterable[Import]) -> dict[str, set[str]]:
    """Of each package the others that it imports."""
    graph = defaultdict(set)
    for one in imports:
        importer, imported = one.rooms
        if importer != imported:
            graph[importer].add(imported)
    return dict(graph)


def module_graph(imports: Iterable[Import]) -> dict[str, set[str]]:
    """Of each module the others that it imports."""
    graph = defaultdict(set)
    for one in imports:
        graph[one.importer].add(one.imported)
    return dict(graph)


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other, each sorted (Tarjan's algorithm)."""
    numbers: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        numbers[node] = low[node] = len(numbers)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in numbers:
                visit(other)
            if other in stack:
                low[node] = min(low[node], low[other])
        if low[node] == numbers[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(graph):
        if node not in numbers:
            visit(node)
    return found


def _dotted(path: Path, package: Path) -> str:
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _statements(
    node: ast.AST, deferred: bool = False, typing: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    """The import statements below a node; whether they run later, or never."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node, deferred, typing
    elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
        for part in node.body:
            yield from _statements(part, deferred, typing=True)
        for part in node.orelse:
            yield from _statements(part, deferred, typing)
    else:
        later = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for child in ast.iter_child_nodes(node):
            yield from _statements(child, later, typing)


def _named(node: ast.Import | ast.ImportFrom, own_package: str) -> list[str]:
    """What a statement names, each as a full dotted name."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    parts = [node.module] if node.module else []
    if node.level:
        above = own_package.split(".")
        parts = [*above[: len(above) - node.level + 1], *parts]
    return [".".join([*parts, alias.name]) for alias in node.names]


def _module(name: str, files: Mapping[str, Path]) -> str | None:
    """The module of the package that holds a name; None for those of others."""
    while name and name not in files:
        name = name.rpartition(".")[0]
    return name or None


def main() -> None:
    """Print which package imports which, in their order."""
    graph = package_graph(read_imports())
    for room in ORDER:
        print(f"{room}: {', '.join(other for other in ORDER if other in graph.get(room, ()))}")


if __name__ == "__main__":
    main()
