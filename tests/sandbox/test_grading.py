import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.sandbox.grading import matches, matches_leniently
from tests.sandbox.linear import assert_linear, pumped


@pytest.mark.parametrize(
    ("output", "expected", "reference", "lenient"),
    [
        ("3\n", "3", True, True),
        ("3", "3\n\n", True, True),
        ("3 \t\r\n", "3", True, True),
        (" 3", "3", False, True),
        ("1 \n2", "1\n2", False, True),
        ("1\n2", "1 2", False, False),
        ("1\n\n2", "1\n2", False, False),
        ("1.50", "1.5", False, True),
        ("1e2 2", "100 2.0", False, True),
        ("1  2", "1 2", False, True),
        ("1 2", "1 2 3", False, False),
        ("a  b", "a b", False, False),
        ("Yes", "YES", False, False),
        ("1 yes", "1.0 yes", False, False),
        ("nan", "NaN", False, False),
        ("1_000", "1000", False, False),
        ("1.", "1", False, True),
        (".5", "0.5", False, True),
        (".", "0", False, False),
        ("1.5.", "1.5", False, False),
        ("1e400", "10e399", False, True),
        ("1" * 20_000 + "x", "1", False, False),
        ("+" + "1" * 20_000, "1" * 20_000, False, True),
        ("", "", True, True),
        ("", "0", False, False),
    ],
)
def test_graders_follow_their_conventions(output, expected, reference, lenient):
    assert matches(output.encode(), expected) is reference
    assert matches_leniently(output.encode(), expected) is lenient


def test_output_that_is_not_utf8_matches_nothing():
    assert not matches(b"3\xff", "3�")
    assert not matches_leniently(b"3\xff", "3�")


@given(st.text(st.characters(codec="utf-8")), st.text(" \n\t"))
def test_white_space_at_the_end_never_matters(text, space):
    assert matches((text + space).encode(), text)


SPACE = st.text(" \n\t")


@given(st.text("0123456789.eE+-na \n\t"), SPACE, SPACE)
def test_lenient_grader_accepts_whatever_the_reference_accepts(text, written, wanted):
    assert matches((text + written).encode(), text + wanted)
    assert matches_leniently((text + written).encode(), text + wanted)


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False), min_size=1))
def test_lenient_grader_compares_numbers_by_value(numbers):
    expected = " ".join(str(number) for number in numbers)
    output = " ".join(f"+{number}" if number > 0 else str(number) for number in numbers)
    assert matches_leniently(output.encode(), expected)


@settings(max_examples=15, deadline=None)
@given(pumped(list("01.eE+- \nx")), st.sampled_from(["3", "1.0 2", ""]))
def test_any_output_is_graded_in_time_linear_in_its_length(parts, expected):
    def read(text):
        matches(text.encode(), expected)
        matches_leniently(text.encode(), expected)
        matches_leniently(text.encode(), f"+{text}")
        matches_leniently(f"{text}x".encode(), text)

    assert_linear(read, *parts)
    assert_linear(read, "", "1", "x")
