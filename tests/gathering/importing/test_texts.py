import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.gathering.importing.texts import (
    comment_text,
    plain_html,
    plain_markdown,
    plain_wikitext,
)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("The '''first''' of ''n'' [[Door|doors]].", "The first of n doors."),
        ("every 2<sup>nd</sup> door, 2<sup>10</sup> of them", "every 2nd door, 2^10 of them"),
        ("{{task|Games}}\n[[Category:Games]]\n;Task:\nDo&nbsp;it.<br><br>\n", "Task:\nDo it."),
        ("== Example ==\n::# one\n* two", "Example\n# one\n* two"),
        ("{{a|{{b}}}}x <!-- <table> --> y", "x y"),
        ("if a < b and b > c", "if a < b and b > c"),
        ("<math>n \\le 3</math>", "n \\le 3"),
        ("see [http://example.org the page]", "see the page"),
        ("  (B O)\n  (X K)", "  (B O)\n  (X K)"),
    ],
)
def test_wiki_markup_becomes_text(markup, text):
    assert plain_wikitext(markup) == text


def test_a_statement_in_html_becomes_text():
    page = (
        '<h2><a href="x">1. Sum</a></h2><h3>Easy</h3><hr><p>Given <code>nums</code>, with '
        "<code>n &lt; 10<sup>4</sup></code>:</p>\n<ul>\n\t<li>add</li>\n\t<li>print</li></ul>"
    )
    assert plain_html(page) == ("1. Sum\n\nEasy\n\nGiven nums, with n < 10^4:\n\n- add\n- print")


def test_the_answer_in_a_readme_is_no_part_of_the_statement():
    readme = (
        "---\ntags: x\n---\n# 1. Sum\n\nAdd [two](http://x) numbers.\n\n```\n1 2\n```\n\n"
        "```lua\nprint(3)\n```\n\n## Solution\n\nIt is three.\n"
    )
    assert plain_markdown(readme, "lua") == "# 1. Sum\n\nAdd two numbers.\n\n```\n1 2\n```"
    assert "Code of" in plain_markdown("# Code of the lock\nOpen it.", "lua")


def test_comments_lose_their_marks_and_orders_to_tools():
    comments = ["--- Adds.", "-- @param a number", "---@diagnostic disable", "-- luacheck: ignore"]
    assert comment_text(comments) == "Adds.\n@param a number"
    assert comment_text(["--[==[ long\n * text ]==]"]) == "long\ntext"
    assert comment_text(["-----------", "-- Boxed", "-----------"]) == "Boxed"


@given(st.text(alphabet="[]{}|'=<>&;:*#-`\nabc !/\"", max_size=120))
def test_any_markup_becomes_some_text(text):
    for plain in (plain_wikitext, plain_html, lambda one: plain_markdown(one, "lua")):
        found = plain(text)
        assert "\n\n\n" not in found
        assert found == found.strip("\n")
