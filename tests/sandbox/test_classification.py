import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.sandbox import language_names, load_language
from knm.sandbox.classification import Complaint, ErrorRow, classify, find_complaint

LUAJIT = load_language("lua").complaint


def test_unknown_language_is_refused_with_the_names_there_are():
    assert "lua" in language_names()
    with pytest.raises(UserError, match="'cobol'.*lua"):
        load_language("cobol")


def test_language_file_comes_with_a_row_for_whatever_is_left():
    lua = load_language("lua")
    for rows in (lua.syntax_errors, lua.runtime_errors):
        assert classify(rows, Complaint("never seen before", None), "") is not None


def test_last_complaint_is_found_among_what_the_program_wrote():
    stderr = (
        "luajit: not this\nstack traceback:\n\tx\nnoise\n"
        "luajit: main.lua:12: two\nlines\nstack traceback:\n\t[C]: in function 'error'\n"
    )
    assert find_complaint(stderr, LUAJIT) == Complaint("main.lua:12: two\nlines", 12, closed=True)


def test_message_without_a_place_has_no_line():
    complaint = find_complaint("luajit: not enough memory\n", LUAJIT)
    assert complaint == Complaint("not enough memory", None)


def test_complaint_is_found_after_an_unfinished_line():
    assert find_complaint("noiseluajit: main.lua:1: no\n", LUAJIT) == Complaint("main.lua:1: no", 1)


@pytest.mark.parametrize("stderr", ["", "noise\n", "luajit of another kind\n"])
def test_standard_error_without_a_complaint_has_none(stderr):
    assert find_complaint(stderr, LUAJIT) is None


def test_first_row_that_fits_message_and_source_decides():
    rows = (
        ErrorRow("source", re.compile("near"), re.compile(r"\+=")),
        ErrorRow("message", re.compile("near")),
    )
    program = "a += 1\n\nb"
    assert classify(rows, Complaint("near 'b'", 2), program) == "source"
    assert classify(rows, Complaint("near 'b'", 3), program) == "message"
    assert classify(rows, Complaint("near 'b'", None), program) == "message"
    assert classify(rows, Complaint("other", 1), program) is None


@given(st.text(), st.integers(0, 100), st.text())
def test_any_message_is_classified(message, line, program):
    lua = load_language("lua")
    for rows in (lua.syntax_errors, lua.runtime_errors):
        assert classify(rows, Complaint(message, line), program) is not None
