"""The lines of two programs side by side, by diff.js in headless Chromium."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page

from knm.report.page.rendering import ASSETS


@pytest.fixture(scope="module")
def diff_tab(browser: Browser) -> Iterator[Page]:
    """A blank page that has the functions of diff.js."""
    tab = browser.new_page()
    tab.add_script_tag(content=(ASSETS / "diff.js").read_text(encoding="utf-8"))
    yield tab
    tab.close()


LINES = st.lists(st.text(alphabet="ab 1(", max_size=6), max_size=8).map("\n".join)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(left=LINES, right=LINES)
def test_a_diff_holds_both_texts_in_order(diff_tab: Page, left: str, right: str) -> None:
    rows = diff_tab.evaluate("([a, b]) => diffRows(a, b)", [left, right])
    for side, text in (("left", left), ("right", right)):
        lines = [row[side] for row in rows if row[side]]
        assert "\n".join(line["text"] for line in lines) == text
        assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))
        for line in lines:
            assert text.startswith(line["text"], line["start"])
            assert all(0 <= a < b <= len(line["text"]) for a, b in line["marks"])
    for row in rows:
        if row["same"]:
            assert row["left"]["text"] == row["right"]["text"]
        elif row["left"] and row["right"] and (row["left"]["marks"] or row["right"]["marks"]):
            assert _unmarked(row["left"]) == _unmarked(row["right"])


def _unmarked(line: dict[str, Any]) -> str:
    text: str = line["text"]
    for begin, end in reversed(line["marks"]):
        text = text[:begin] + text[end:]
    return text
