import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.architecture import ORDER, PACKAGE
from tests.picture import FLOORS, PAGE, draw, first_sentence, floors, reduce_graph, written_anew

ROOT = PACKAGE.parent
PAGES = [ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"]


def test_the_picture_is_up_to_date():
    page = PAGE.read_text()
    assert written_anew(page) == page, "python -m tests.picture writes it anew"


def test_a_page_without_a_place_for_it_is_not_written():
    with pytest.raises(ValueError, match="where the picture stands"):
        written_anew("# Architecture\n")


def test_every_package_is_on_one_floor_and_says_what_it_is():
    assert [room for rooms in floors().values() for room in rooms] == list(ORDER)
    assert {*FLOORS} <= {*ORDER}
    drawn = draw()
    for room in ORDER:
        assert first_sentence(room)
        assert f"| `{room}` | {first_sentence(room)} |" in drawn


@st.composite
def graphs(draw_from):
    """Graphs whose edges point to smaller numbers."""
    count = draw_from(st.integers(1, 7))
    return {
        str(node): {str(other) for other in draw_from(st.sets(st.integers(0, node - 1)))}
        if node
        else set()
        for node in range(count)
    }


def reaching(graph):
    found: dict[str, set[str]] = {}
    for node in sorted(graph, key=int):
        found[node] = graph[node].union(*(found[other] for other in graph[node]))
    return found


@given(graphs())
def test_what_reaches_what_is_kept_by_the_fewest_edges(graph):
    reduced = reduce_graph(graph)
    assert reaching(reduced) == reaching(graph)
    for node, others in reduced.items():
        for other in others:
            assert reaching({**reduced, node: others - {other}}) != reaching(graph)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path):
    """Guides are followed by strangers: what they name as a path of the repository exists."""
    text = page.read_text()
    named = re.findall(r"`((?:knm|tests|bench|docs|benchmarks)/[\w./-]*)`", text)
    linked = [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if link]
    missing = [name for name in named if not (ROOT / name).exists()]
    missing += [link for link in linked if not (page.parent / link).exists()]
    assert missing == []
