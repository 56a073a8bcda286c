import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.errors import UserError
from knm.languages.execution import ErrorRow
from knm.languages.language import load_language, runnable_names
from knm.sandbox.classification import LINE, Complaint, classify, find_complaint
from knm.sandbox.judge import failure_of_complaint
from tests.sandbox.linear import assert_linear, pumped

LUAJIT = load_language("lua").execution.complaint
PYTHON = load_language("python").execution.complaint
C = load_language("c").execution.complaint


def test_unknown_language_is_refused_with_the_names_there_are():
    assert "lua" in runnable_names()
    with pytest.raises(UserError, match="'cobol'.*lua"):
        load_language("cobol")


def test_language_file_comes_with_a_row_for_whatever_is_left():
    lua = load_language("lua").execution
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
    lua = load_language("lua").execution
    for rows in (lua.syntax_errors, lua.runtime_errors):
        assert classify(rows, Complaint(message, line), program) is not None


TRACEBACK = """Traceback (most recent call last):
  File "/box/main.py", line 7, in <module>
    f()
  File "/box/main.py", line 3, in f
    json.loads("{")
  File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode
    obj, end = self.scan_once(s, idx)
"""


@pytest.mark.parametrize(
    ("stderr", "message", "line"),
    [
        (TRACEBACK + "ValueError: first\n", "ValueError: first", 3),
        (TRACEBACK + "ValueError: first\nsecond\n", "ValueError: first\nsecond", 3),
        (TRACEBACK + "ValueError: first\n\na b c\n", "ValueError: first\n\na b c", 3),
        ("noise\n" + TRACEBACK + "a.b.f.<locals>.Own: x\n", "a.b.f.<locals>.Own: x", 3),
        (TRACEBACK + "KeyError: 1\n\nDuring\n\n" + TRACEBACK + "IndexError\n", "IndexError", 3),
        ('  File "main.py", line 2\n    x = =\n        ^\nSyntaxError: no\n', "SyntaxError: no", 2),
        ("Traceback (most recent call last):\nMemoryError\n", "MemoryError", None),
        ("lost\nMemoryError\n", "MemoryError", None),
    ],
)
def test_python_complains_behind_its_last_traceback(stderr, message, line):
    assert find_complaint(stderr, PYTHON) == Complaint(message, line)


def test_words_without_a_traceback_are_no_complaint_of_python():
    assert find_complaint("wrong\n", PYTHON) is None


def test_first_error_of_the_compiler_counts():
    stderr = "main.c: In function 'f':\nmain.c:3:9: error: 'x' undeclared\nmain.c:4:1: error: no"
    assert find_complaint(stderr, C) == Complaint("'x' undeclared", 3)
    stderr = "ld: a.o: in function `main':\nmain.c:(.text+0xa): undefined reference to `f'\n"
    assert find_complaint(stderr, C) == Complaint("undefined reference to `f'", None)


@pytest.mark.parametrize("noise", [0, 1, LINE // 2 - 5, LINE - 5, 3 * LINE])
def test_complaint_is_found_behind_an_unfinished_line_of_any_length(noise):
    stderr = "x" * noise + "luajit: main.lua:12: no\nstack traceback:\n"
    assert find_complaint(stderr, LUAJIT) == Complaint("main.lua:12: no", 12, closed=True)


@pytest.mark.parametrize("digits", [10, 5000])
def test_line_number_that_no_program_has_is_none(digits):
    stderr = f"luajit: main.lua:{'9' * digits}: no\n"
    found = find_complaint(stderr, LUAJIT)
    assert found == Complaint(f"main.lua:{'9' * digits}: no", None)


def fragments_of(language):
    """What the patterns of a language look for, in pieces, and what may stand between."""
    patterns = [
        language.syntax_sign,
        language.out_of_memory,
        *(
            getattr(row, name)
            for row in language.complaint
            for name in ("message", "after", "until")
        ),
        *(row.message for row in (*language.syntax_errors, *language.runtime_errors)),
        *(row.source for row in (*language.syntax_errors, *language.runtime_errors)),
    ]
    sources = [pattern.pattern for pattern in patterns if pattern is not None]
    literals = {
        literal
        for source in sources
        for literal in re.findall(r"[A-Za-z' \":<>/,.=-]{2,}", re.sub(r"\\(\W)", r"\1", source))
    }
    return sorted(literals | set("\n :1ax.\"'(<[=-"))


@pytest.mark.parametrize("name", runnable_names())
def test_any_text_is_classified_in_time_linear_in_its_length(name):
    language = load_language(name).execution

    def read(text):
        complaints = [
            find_complaint(text, language.complaint),
            Complaint(text, 1),  # whatever the patterns of complaints let through
        ]
        for complaint in complaints:
            for compiling in (False, True):
                failure_of_complaint(complaint, 1, language, text, compiling=compiling)

    @settings(max_examples=10, deadline=None)
    @given(pumped(fragments_of(language)))
    def classified(parts):
        assert_linear(read, *parts)

    classified()
    for pump in ("\n", " ", "x", "1", "a.", "luajit: ", "\nluajit: a:1", 'File "main.py", line 1'):
        assert_linear(read, "", pump, " !")


def test_what_is_not_linear_is_noticed():
    with pytest.raises(AssertionError, match="characters of 'a'"):
        assert_linear(re.compile("(?:a|b)*c").search, "", "a", "")
