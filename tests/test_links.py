"""Links of the project's pages to its own files lead somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    page
    for place in ("*", "datastore/*", "results/*", "bench/**/*", "benchmarks/**/*", "docs/**/*")
    + ("examples/**/*", "knm/**/*")
    for page in sorted(ROOT.glob(f"{place}.md"))
]
_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s#]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_to_files_of_the_project_lead_somewhere(page):
    links = _LINK.findall(page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / unquote(link)).exists()] == []
