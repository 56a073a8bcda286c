"""Links of the project's pages to its own files lead somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
PLACES = (
    *("*.md", "datastore/*.md", "results/*.md"),  # what else lies in these two is the user's
    *("bench/**/*.md", "benchmarks/**/*.md", "docs/**/*.md", "examples/**/*.md", "knm/**/*.md"),
)
PAGES = [page for place in PLACES for page in sorted(ROOT.glob(place))]
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_files_of_the_project_lead_somewhere(page):
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / unquote(link)).exists()] == []
