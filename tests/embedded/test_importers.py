"""The library does not need what made the data that come with it."""

import ast
from pathlib import Path

import knm

ROOT = Path(knm.__file__).parent
MAKERS = "knm.embedded"
ABOVE = ("embedded/", "commands/", "harness/engines.py")
"""Who may import the makers: themselves, the commands, and what prepares the bench's engine."""


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    whole = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return whole | {
        name
        for node in nodes
        if isinstance(node, ast.ImportFrom) and node.module
        for name in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names))
    }


def importers() -> list[str]:
    return [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        if "embedded" in path.read_text(encoding="utf-8")
        and any(name == MAKERS or name.startswith(f"{MAKERS}.") for name in imported(path))
    ]


def test_nothing_of_the_library_imports_what_made_its_data():
    found = importers()
    assert [path for path in found if not path.startswith(ABOVE)] == []
    # What may import them does: the search finds imports within functions too.
    assert {"commands/training.py", "harness/engines.py"} <= set(found)
