"""The page in headless Chromium: what it does, and that it asks for nothing outside itself."""

from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from knm.report.page import join_runs
from knm.report.page.rendering import render_page
from tests.report.builders import result, write_report
from tests.report.page.examples import HOSTILE, KNN_PROGRAM
from tests.report.page.tabs import Watched, listed


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
