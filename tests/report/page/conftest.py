"""A browser and what is open in it; for tests that ask for none nothing is started."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from knm.report.page.rendering import render_page
from knm.report.page.runs import Bench
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
    return written_page(tmp_path_factory.mktemp("page"), example_bench)


@pytest.fixture
def tab(browser: Browser, page_file: Path) -> Iterator[Page]:
    """An open page; afterwards it has logged nothing and loaded nothing but itself."""
    with quiet_tab(browser, page_file) as watched:
        yield watched.page
    assert [url.split("#")[0] for url in set(watched.requests)] == [page_file.as_uri()]


@pytest.fixture(scope="package")
def sampled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_page(tmp_path_factory.mktemp("sampled"), sampled_bench)


@pytest.fixture
def sampled_tab(browser: Browser, sampled_file: Path) -> Iterator[Page]:
    """A page of two runs of three samples, whose problems have titles, fields and statements."""
    with quiet_tab(browser, sampled_file) as watched:
        yield watched.page
    assert {url.split("#")[0].split(":")[0] for url in watched.requests} <= {"file", "blob"}


def written_page(folder: Path, make_bench: Callable[[Path], Bench]) -> Path:
    """The page of a made bench, as a file."""
    path = folder / "report.html"
    path.write_text(render_page(make_bench(folder)), encoding="utf-8")
    return path


@contextmanager
def quiet_tab(browser: Browser, path: Path) -> Iterator[Watched]:
    """A tab that has logged nothing when it is closed."""
    watched = Watched(browser, path, viewport=DESK)
    yield watched
    watched.context.close()
    assert watched.trouble == []
