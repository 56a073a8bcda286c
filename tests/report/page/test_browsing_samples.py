"""A page of several samples in headless Chromium: order, fields, filters, export."""

import json
from csv import DictReader
from io import StringIO
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.report.page.tabs import Watched, listed


def test_a_click_on_a_column_sorts_and_another_turns_it_round(sampled_tab: Page) -> None:
    tab = sampled_tab
    assert listed(tab) == ["p1", "p2", "p3", "p4"]
    head = tab.locator("#list thead")
    head.locator("button[data-key='samples.1']").click()
    assert listed(tab) == ["p2", "p4", "p1", "p3"]
    expect(head.locator("button[data-key='samples.1']")).to_be_focused()
    expect(head.locator("th[aria-sort='descending']")).to_have_text("samples passed ↓")
    tab.keyboard.press("Enter")
    assert listed(tab) == ["p3", "p1", "p2", "p4"]
    head.locator("button[data-key='title']").click()
    assert listed(tab) == ["p4", "p1", "p3", "p2"]
    head.locator("button[data-key='field.rating']").click()
    assert listed(tab) == ["p3", "p1", "p4", "p2"]  # 9, 30, 200, and none
    tab.keyboard.press("Enter")
    assert listed(tab) == ["p4", "p1", "p3", "p2"]


def test_every_column_can_be_sorted_by(sampled_tab: Page) -> None:
    options = sampled_tab.locator("#sort-key option")
    for key in options.evaluate_all("(all) => all.map((each) => each.value)"):
        sampled_tab.locator("#sort-key").select_option(key)
        before = listed(sampled_tab)
        assert sorted(before) == ["p1", "p2", "p3", "p4"]
        sampled_tab.locator("#sort-way").click()
        assert sorted(listed(sampled_tab)) == sorted(before)


def test_filters_and_order_are_in_the_address_which_opens_them_again(
    sampled_tab: Page, browser: Browser
) -> None:
    tab = sampled_tab
    tab.locator("#filter-text").fill("p")
    tab.locator("#filter-verdict").select_option("wrong-output")
    tab.locator("#sort-key").select_option("tokens.0")
    tab.locator("#breakdown select").select_option("contest_date")
    tab.locator("#breakdown button", has_text="2024-06").click()
    shown = listed(tab)
    assert shown == ["p1", "p2"]
    tab.keyboard.press("j")
    expect(tab.locator("#detail-title")).to_have_text("p1")
    assert "#problem/p1?" in tab.url
    again = browser.new_page()
    again.goto(tab.url)
    expect(again.locator("#detail-title")).to_have_text("p1")
    assert listed(again) == shown
    expect(again.locator("#filter-text")).to_have_value("p")
    expect(again.locator("#filter-verdict")).to_have_value("wrong-output")
    expect(again.locator("#sort-key")).to_have_value("tokens.0")
    expect(again.locator("#breakdown select")).to_have_value("contest_date")
    expect(again.locator("#chosen")).to_have_text("contest_date: 2024-06 ×")
    again.close()
    tab.evaluate("location.hash = '#problem/p3'")  # as the grid's links: the filters stay
    expect(tab.locator("#detail-title")).to_have_text("p3")
    assert "verdict=wrong-output" in tab.url
    tab.locator("#chosen button").click()
    tab.locator("#filter-verdict").select_option("")
    tab.locator("#filter-text").fill("")
    tab.locator("#sort-key").select_option("id")
    tab.locator("#breakdown select").select_option("difficulty")
    assert tab.url.endswith("#problem/p3")


@pytest.mark.parametrize(
    "address",
    ["#problems?sort=nothing&run=9&verdict=x&flip=y&by=z&field.q=1", "#problems?%E0%A4%A"],
)
def test_an_address_that_names_nothing_of_this_page_filters_nothing(
    browser: Browser, sampled_file: Path, address: str
) -> None:
    watched = Watched(browser, sampled_file)
    watched.page.goto(sampled_file.as_uri() + address)
    watched.page.reload()
    assert listed(watched.page) == ["p1", "p2", "p3", "p4"]
    watched.context.close()
    assert watched.trouble == []


def test_pass_rates_are_broken_down_by_fields_of_the_problems_found(sampled_tab: Page) -> None:
    tab = sampled_tab
    rows = tab.locator("#breakdown tbody tr")
    # Of p1 and p3, 1 and 0 of 3 samples pass in the first run, of p2 and p4 2 and 0.
    texts = rows.all_inner_texts()
    assert [text.split("\t") for text in texts] == [
        ["easy", "2", "16.7 % of all samples", "16.7 % of all samples"],
        ["hard", "2", "33.3 % of all samples", "100.0 % of all samples"],
    ]
    tab.locator("#filter-text").fill("p2")
    assert rows.all_inner_texts()[0].split("\t")[2] == "66.7 % of all samples"
    tab.locator("#breakdown button", has_text="hard").click()
    expect(tab.locator("#chosen")).to_have_text("difficulty: hard ×")


def test_what_is_found_is_exported_in_its_order(sampled_tab: Page) -> None:
    tab = sampled_tab
    tab.locator("#sort-key").select_option("samples.1")
    tab.locator("#filter-text").fill("easy")
    with tab.expect_download() as csv:
        tab.locator("#export-csv").click()
    text = Path(csv.value.path()).read_text(encoding="utf-8")
    lines = list(DictReader(StringIO(text, newline="")))
    assert [line["Problem"] for line in lines] == ["p1", "p3"]
    assert lines[0]["Title"] == '\'=1+1, "quoted"'
    assert lines[0]["a: samples passed"] == str(1 / 3)
    assert (lines[0]["rating"], lines[0]["b: verdict"]) == ("30", "wrong-output")
    with tab.expect_download() as exported:
        tab.locator("#export-json").click()
    told = json.loads(Path(exported.value.path()).read_text(encoding="utf-8"))
    assert [entry["id"] for entry in told] == ["p1", "p3"]
    assert told[0]["title"] == '=1+1, "quoted"'
    assert told[0]["runs"]["a"]["samples"] == 3


def test_every_sample_can_be_shown_and_the_one_that_decides_is_first(sampled_tab: Page) -> None:
    tab = sampled_tab
    tab.evaluate("location.hash = '#problem/p1'")
    buttons = tab.locator(".samples[data-run='0'] button")
    expect(buttons).to_have_count(3)
    expect(tab.locator(".samples[data-run='0']")).to_contain_text("1 of 3 pass")
    expect(buttons.nth(0)).to_have_attribute("aria-pressed", "true")
    assert buttons.all_inner_texts() == ["1* wrong-output", "2 wrong-output", "3 accepted"]
    expect(tab.locator("#list a").first).to_contain_text("wrong-output 1/3")
    expect(tab.locator(".program").last).to_contain_text("print(1, 0)")
    tab.locator("details.asked summary").first.click()
    buttons.nth(2).focus()
    tab.keyboard.press("Enter")
    expect(buttons.nth(2)).to_be_focused()
    expect(buttons.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(tab.locator(".program").last).to_contain_text("print(1, 2)")
    expect(tab.locator(".facts tbody tr").first).to_contain_text("accepted")
    expect(tab.locator("details.asked").first).to_have_attribute("open", "")
    tab.keyboard.press("j")
    expect(tab.locator(".program").last).to_contain_text("print(2, 0)")


def test_a_failing_test_shows_input_and_marks_where_the_outputs_differ(sampled_tab: Page) -> None:
    tab = sampled_tab
    tab.evaluate("location.hash = '#problem/p1'")
    evidence = tab.locator(".evidence").first
    expect(evidence.locator("h5")).to_have_text("a, sample 1: test 2 of 4")
    expect(evidence.get_by_role("region", name="Input")).to_have_text("3 4\n")
    assert evidence.locator(".same .code").all_inner_texts() == ["first line", "first line"]
    expect(evidence.locator("del")).to_have_text("25")
    expect(evidence.locator("ins")).to_have_text("26")
    expect(evidence.get_by_role("region", name="Standard error")).to_have_text("hm")


def test_statement_and_prompt_are_shown_where_they_are_known(sampled_tab: Page) -> None:
    tab = sampled_tab
    tab.evaluate("location.hash = '#problem/p1'")
    tab.locator("summary", has_text="Prompt").click()
    prompt = tab.get_by_role("region", name="Prompt")
    expect(prompt).to_have_text("# Problem\nAdd <b>two</b> numbers.\nin Lua")
    tab.evaluate("location.hash = '#problem/p2'")
    expect(tab.locator("#detail-title")).to_have_text("p2")
    expect(tab.locator("details.asked")).to_have_count(0)
