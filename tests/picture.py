"""The picture of the packages in docs/architecture.md, made from their imports and docstrings.

`python -m tests.picture` writes it anew; a test checks that it is up to date.
"""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.architecture import ORDER, PACKAGE, package_graph, read_imports

PAGE: Final = PACKAGE.parent / "docs" / "architecture.md"
BEGIN: Final = "<!-- Made by python -m tests.picture: what is written here is written over. -->\n"
END: Final = "<!-- The end of what is made. -->\n"

FLOORS: Final = {
    "errors": "ground floor: knows nothing of the subject",
    "languages": "what is asked, and what runs the answers",
    "corpora": "what a model is corrected by, and decoding",
    "report": "what came of it",
    "api": "what is used: from Python, the experiments, what is packaged, pytest, the shell",
}
"""Where in `ORDER` each floor begins."""


def floors(order: Sequence[str] = ORDER) -> dict[str, list[str]]:
    """The packages of each floor, by its title, in order."""
    found: dict[str, list[str]] = {}
    title = ""
    for room in order:
        title = FLOORS.get(room, title)
        found.setdefault(title, []).append(room)
    return found


def reduce_graph(graph: Mapping[str, set[str]]) -> dict[str, set[str]]:
    """A graph without the edges that longer ways between the same nodes imply. It has no circles.

    What reaches what is the same in both.
    """
    reached: dict[str, set[str]] = {}

    def reach(node: str) -> set[str]:
        if node not in reached:
            direct = graph.get(node, set())
            reached[node] = direct.union(*(reach(other) for other in direct))
        return reached[node]

    return {
        node: {other for other in direct if not any(other in reach(via) for via in direct)}
        for node, direct in graph.items()
    }


def first_sentence(room: str, package: Path = PACKAGE) -> str:
    """What a package or module says of itself first."""
    path = package / room / "__init__.py"
    source = path if path.is_file() else package / f"{room}.py"
    told = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
    paragraph = " ".join(told.split("\n\n")[0].split())
    return paragraph.partition(". ")[0].rstrip(".")


def draw() -> str:
    """The picture as Mermaid, and a table of the packages."""
    graph = package_graph(read_imports())
    (ground_title, ground), *above = floors().items()
    shown = [room for _, rooms in above for room in rooms]
    kept = reduce_graph({room: graph.get(room, set()) - {*ground} for room in shown})
    lines = ["```mermaid", "flowchart BT"]
    lines.append(f'  ground["{ground_title}<br>{", ".join(ground)}"]')
    for number, (title, rooms) in enumerate(above):
        lines.append(f'  subgraph floor{number}["{title}"]')
        lines += [f"    {room}" for room in rooms]
        lines.append("  end")
    lines += [f"  {room} --> {other}" for room in shown for other in ORDER if other in kept[room]]
    lines += [f"  {room} --> ground" for room in shown if not kept[room]]
    lines += ["```", "", "| package | what it is | imports |", "|---|---|---|"]
    for room in (*ground, *shown):
        imported = ", ".join(f"`{other}`" for other in ORDER if other in graph.get(room, ()))
        lines.append(f"| `{room}` | {first_sentence(room)} | {imported} |")
    return "\n".join(lines) + "\n"


def written_anew(page: str) -> str:
    """The page with the picture as it is now.

    Raises:
        ValueError: the page has no place for it.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE}: the lines {BEGIN!r} and {END!r} say where the picture stands")
    return f"{before}{BEGIN}\n{draw()}\n{END}{after}"


def main() -> None:
    """Write the picture anew."""
    PAGE.write_text(written_anew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
