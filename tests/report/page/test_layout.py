"""The page on desks, phones and paper, in headless Chromium."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.report.page.tabs import CONTRAST, DESK, OVERFLOW, PHONE, Watched, listed


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK])
def test_nothing_overflows_and_text_is_readable(
    browser: Browser, page_file: Path, scheme: Any, viewport: Any
) -> None:
    watched = Watched(browser, page_file, viewport=viewport, color_scheme=scheme)
    assert watched.page.evaluate(OVERFLOW) <= 0
    for problem in ("gained_1", "never_1"):
        watched.page.evaluate(f"location.hash = '#problem/{problem}'")
        expect(watched.page.locator("#detail-title")).to_have_text(problem)
        assert watched.page.evaluate(OVERFLOW) <= 0
    assert watched.page.evaluate(CONTRAST) == []
    watched.context.close()
    assert watched.trouble == []


def test_on_a_phone_a_problem_takes_the_place_of_the_list(
    browser: Browser, page_file: Path
) -> None:
    watched = Watched(browser, page_file, viewport=PHONE, has_touch=True)
    tab = watched.page
    tab.locator("#list a").nth(1).tap()
    expect(tab.locator("#detail-title")).to_have_text("gained_1")
    expect(tab.locator("#list")).to_be_hidden()
    tab.get_by_role("button", name="␣io, changed from ␣tonumber").tap()
    box = tab.get_by_role("tooltip").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= PHONE["width"]
    tab.get_by_role("button", name="All problems").tap()
    expect(tab.locator("#list")).to_be_visible()
    watched.context.close()


def test_on_a_phone_problems_are_sorted_and_samples_chosen(
    browser: Browser, sampled_file: Path
) -> None:
    watched = Watched(browser, sampled_file, viewport=PHONE, has_touch=True)
    tab = watched.page
    expect(tab.locator("#list thead")).to_be_hidden()
    tab.locator("#sort-key").select_option("samples.1")
    assert listed(tab) == ["p2", "p4", "p1", "p3"]
    tab.locator("#sort-way").tap()
    assert tab.evaluate(OVERFLOW) <= 0
    tab.locator("#list a").nth(1).tap()
    expect(tab.locator("#detail-title")).to_have_text("p1")
    tab.locator(".samples[data-run='0'] button").nth(2).tap()
    expect(tab.locator(".program").last).to_contain_text("print(1, 2)")
    assert tab.evaluate(OVERFLOW) <= 0
    assert tab.evaluate(CONTRAST) == []
    watched.context.close()
    assert watched.trouble == []


def test_paper_shows_the_open_problem_and_no_controls(tab: Page) -> None:
    tab.evaluate("location.hash = '#problem/gained_1'")
    expect(tab.locator("#detail-title")).to_be_visible()
    tab.emulate_media(media="print")
    expect(tab.locator("#filters")).to_be_hidden()
    expect(tab.locator("#list")).to_be_hidden()
    expect(tab.locator(".program")).to_be_visible()
