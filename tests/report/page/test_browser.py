"""The page in headless Chromium: what it does, and that it asks for nothing outside itself."""

import json
from collections.abc import Iterator
from csv import DictReader
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect

from knm.report.page import join_runs
from knm.report.page.rendering import ASSETS, render_page
from tests.report.builders import result, write_report
from tests.report.page.chromium import chromium_path, open_chromium
from tests.report.page.examples import HOSTILE, KNN_PROGRAM, example_bench, sampled_bench

pytestmark = pytest.mark.skipif(
    chromium_path() is None, reason="no Chromium here (on Debian: apt-get install chromium)"
)

PHONE = {"width": 375, "height": 800}
OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with open_chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    path = folder / "report.html"
    path.write_text(render_page(example_bench(folder)), encoding="utf-8")
    return path


class Watched:
    """A tab, with what it logged and what it asked the network for."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.page.set_default_timeout(10_000)
        self.trouble: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.trouble.append(message.text))
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())


@pytest.fixture
def tab(browser: Browser, page_file: Path) -> Iterator[Page]:
    """An open page; afterwards it has logged nothing and loaded nothing but itself."""
    watched = Watched(browser, page_file, viewport={"width": 1280, "height": 900})
    yield watched.page
    watched.context.close()
    assert watched.trouble == []
    assert [url.split("#")[0] for url in set(watched.requests)] == [page_file.as_uri()]


def listed(tab: Page) -> list[str]:
    return tab.locator("#list .row-top > span:first-child").all_inner_texts()


def test_search_finds_ids_verdicts_and_classes(tab: Page) -> None:
    assert len(listed(tab)) == 5
    for words, expected in {
        "gained": ["gained_1"],
        "INDEX-nil": ["never_1"],
        "wrong-output accepted": ["gained_1"],
        "nothing-of-this": [],
    }.items():
        tab.locator("#filter-text").fill(words)
        assert listed(tab) == expected
        expect(tab.locator("#found")).to_have_text(f"{len(expected)} of 5 problems")
    expect(tab.locator("#list")).to_have_text("No problem matches these filters.")


def test_filters_narrow_by_run_verdict_class_and_flip(tab: Page) -> None:
    tab.locator("#filter-verdict").select_option("accepted")
    assert listed(tab) == ["faulty_1", "gained_1", "lost_1", "same_1"]
    tab.locator("#filter-run").select_option(label="baseline")
    assert listed(tab) == ["lost_1", "same_1"]
    tab.locator("#filter-flip label", has_text="lost").click()
    assert listed(tab) == ["lost_1"]
    tab.locator("#filter-verdict").select_option("")
    tab.locator("#filter-run").select_option("")
    tab.locator("#filter-class").select_option("unbalanced-block")
    assert listed(tab) == ["lost_1"]
    tab.locator("#filter-flip label", has_text="gained").click()
    assert listed(tab) == []


def test_j_and_k_walk_the_problems_found(tab: Page) -> None:
    title = tab.locator("#detail-title")
    for key, expected in [
        ("j", "faulty_1"),
        ("j", "gained_1"),
        ("j", "lost_1"),
        ("k", "gained_1"),
    ]:
        tab.keyboard.press(key)
        expect(title).to_have_text(expected)
    assert tab.url.endswith("#problem/gained_1")
    expect(tab.locator("#list a[aria-current]")).to_contain_text("gained_1")
    tab.keyboard.press("/")
    expect(tab.locator("#filter-text")).to_be_focused()
    tab.keyboard.type("jk/")
    expect(tab.locator("#filter-text")).to_have_value("jk/")
    expect(title).to_have_text("gained_1")


def test_arrow_keys_move_inside_the_list_which_is_one_tab_stop(tab: Page) -> None:
    assert tab.locator("#list a[tabindex='0']").count() == 1
    tab.locator("#list a[tabindex='0']").focus()
    tab.keyboard.press("ArrowDown")
    expect(tab.locator("#list a").nth(1)).to_be_focused()
    tab.keyboard.press("End")
    expect(tab.locator("#list a").nth(4)).to_be_focused()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("Enter")
    expect(tab.locator("#detail-title")).to_have_text("never_1")
    expect(tab.locator("#list a").nth(3)).to_be_focused()


def test_the_flip_grid_is_one_tab_stop_and_opens_problems(tab: Page) -> None:
    cells = tab.locator("#flip-grid .wide a")
    assert tab.locator("#flip-grid .wide a[tabindex='0']").count() == 1
    cells.nth(0).focus()
    tab.keyboard.press("ArrowRight")
    expect(cells.nth(1)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(tab.locator("#detail-title")).to_have_text("lost_1")


def test_a_changed_token_shows_its_neighbours_and_escape_hides_them(tab: Page) -> None:
    tab.evaluate("location.hash = '#problem/gained_1'")
    token = tab.get_by_role("button", name="␣io, changed from ␣tonumber")
    popover = tab.get_by_role("tooltip")
    token.focus()
    expect(popover).to_contain_text("Token 8: the LM wanted ␣tonumber, the datastore made it ␣io.")
    expect(popover).to_contain_text("train-1, token 12")
    tab.keyboard.press("Escape")
    expect(popover).to_be_hidden()
    expect(token).to_be_focused()
    tab.keyboard.press("Enter")
    expect(popover).to_be_visible()
    tab.keyboard.press("Tab")
    expect(popover).to_contain_text("No neighbour was recorded.")
    tab.mouse.move(0, 0)
    token.hover()
    expect(popover).to_contain_text("train-2, token 3")


def test_programs_stand_side_by_side_with_their_differences(tab: Page) -> None:
    tab.evaluate("location.hash = '#problem/gained_1'")
    rows = tab.locator(".program tbody tr")
    expect(rows).to_have_count(3)
    assert "".join(rows.nth(0).locator("del").all_inner_texts()).startswith("tonumber(")
    assert rows.nth(2).get_attribute("class") == "same"
    right = tab.locator(".program td.code:nth-child(4)").all_text_contents()
    assert [line.removesuffix("↵") for line in right] == KNN_PROGRAM.split("\n")
    tab.evaluate("location.hash = '#problem/same_1'")
    expect(tab.locator("#detail")).to_contain_text("The programs are the same.")


def test_a_permalink_opens_its_problem_and_an_unknown_one_says_so(
    browser: Browser, page_file: Path
) -> None:
    tab = browser.new_page()
    tab.goto(page_file.as_uri() + "#problem/lost_1")
    expect(tab.locator("#detail-title")).to_have_text("lost_1")
    tab.goto(page_file.as_uri() + "#problem/%E0%A4%A")
    expect(tab.locator("#detail")).to_contain_text("no problem of that name")
    tab.close()


def test_hostile_text_stays_text(tab: Page) -> None:
    tab.evaluate("location.hash = '#problem/never_1'")
    expect(tab.locator(".program")).to_contain_text("alert(1)")
    shown = tab.locator(".program .added .code, .program .code.added").all_text_contents()
    assert "".join(shown) == HOSTILE
    assert tab.title() == "kNM-LM Bench: baseline, knn"
    assert tab.locator("img").count() == 0


def test_the_policy_refuses_requests_and_foreign_scripts(browser: Browser, page_file: Path) -> None:
    watched = Watched(browser, page_file)
    outcome = watched.page.evaluate(
        """async () => {
          const blocked = [];
          addEventListener("securitypolicyviolation", (event) =>
            blocked.push(event.effectiveDirective));
          await fetch("https://example.invalid/").catch(() => {});
          new Image().src = "https://example.invalid/";
          const script = document.createElement("script");
          try { script.text = "document.title = 'owned'"; document.body.append(script); } catch {}
          await new Promise((done) => setTimeout(done, 100));
          return [document.title, blocked];
        }"""
    )
    watched.context.close()
    assert outcome[0] == "kNM-LM Bench: baseline, knn"
    assert {"connect-src", "img-src", "require-trusted-types-for"} <= set(outcome[1])


def test_hostile_ids_have_permalinks(browser: Browser, tmp_path: Path) -> None:
    names = [HOSTILE, "a/b?c#d e%20", "__proto__", "", "\U0001f600"]
    bench = join_runs([write_report(tmp_path / "a.json", [result(name) for name in names])])
    path = tmp_path / "report.html"
    path.write_text(render_page(bench), encoding="utf-8")
    watched = Watched(browser, path)
    for row in range(len(names)):
        watched.page.keyboard.press("j")
        expect(watched.page.locator("#detail-title")).to_have_text(sorted(names)[row])
    watched.context.close()
    assert watched.trouble == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 900}])
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


def test_errata_stand_beside_their_problem(browser: Browser, tmp_path: Path) -> None:
    results = [result("p", errata="two right answers"), result("q")]
    path = tmp_path / "report.html"
    bench = join_runs([write_report(tmp_path / "a.json", results)])
    path.write_text(render_page(bench), encoding="utf-8")
    watched = Watched(browser, path)
    expect(watched.page.locator(".totals")).to_contain_text("100.0 % (1 of 1)")
    watched.page.keyboard.press("j")
    expect(watched.page.locator("#detail")).to_contain_text("two right answers")
    watched.context.close()


def test_paper_shows_the_open_problem_and_no_controls(tab: Page) -> None:
    tab.evaluate("location.hash = '#problem/gained_1'")
    expect(tab.locator("#detail-title")).to_be_visible()
    tab.emulate_media(media="print")
    expect(tab.locator("#filters")).to_be_hidden()
    expect(tab.locator("#list")).to_be_hidden()
    expect(tab.locator(".program")).to_be_visible()


@pytest.fixture(scope="module")
def sampled_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sampled")
    path = folder / "report.html"
    path.write_text(render_page(sampled_bench(folder)), encoding="utf-8")
    return path


@pytest.fixture
def sampled_tab(browser: Browser, sampled_file: Path) -> Iterator[Page]:
    """A page of two runs of three samples, whose problems have titles, fields and statements."""
    watched = Watched(browser, sampled_file, viewport={"width": 1280, "height": 900})
    yield watched.page
    watched.context.close()
    assert watched.trouble == []
    assert {url.split("#")[0].split(":")[0] for url in watched.requests} <= {"file", "blob"}


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


CONTRAST = """
(() => {
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (colour) =>
    colour.slice(0, 3).map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, place) => sum + value * [0.2126, 0.7152, 0.0722][place], 0);
  const ground = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const node of document.querySelectorAll("body *")) {
    const own = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
    const exempt = node.closest("svg, script, noscript, button:disabled");
    if (!own || exempt || !node.checkVisibility()) continue;
    const [a, b] = [light(parse(getComputedStyle(node).color)), light(ground(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) poor.push(`${node.outerHTML.slice(0, 80)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()
"""
