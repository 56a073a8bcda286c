"""A browser and what is open in it; for tests that ask for none nothing is started."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from knm.report.page.rendering import render_page
from tests.report.page.chromium import chromium_path, open_chromium
from tests.report.page.examples import example_bench, sampled_bench
from tests.report.page.tabs import DESK, Watched


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all pages: starting it takes longer than most tests do."""
    if chromium_path() is None:
        pytest.skip("no Chromium here (on Debian: apt-get install chromium)")
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="package")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(render_page(example_bench(folder)), encoding="utf-8")
    return path


@pytest.fixture
def tab(browser: Browser, page_file: Path) -> Iterator[Page]:
    """An open page; afterwards it has logged nothing and loaded nothing but itself."""
    watched = Watched(browser, page_file, viewport=DESK)
    yield watched.page
    watched.context.close()
    assert watched.trouble == []
    assert [url.split("#")[0] for url in set(watched.requests)] == [page_file.as_uri()]


@pytest.fixture(scope="package")
def sampled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sampled")
    path = folder / "report.html"
    path.write_text(render_page(sampled_bench(folder)), encoding="utf-8")
    return path


@pytest.fixture
def sampled_tab(browser: Browser, sampled_file: Path) -> Iterator[Page]:
    """A page of two runs of three samples, whose problems have titles, fields and statements."""
    watched = Watched(browser, sampled_file, viewport=DESK)
    yield watched.page
    watched.context.close()
    assert watched.trouble == []
    assert {url.split("#")[0].split(":")[0] for url in watched.requests} <= {"file", "blob"}
