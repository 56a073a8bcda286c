import re
from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.option_fields import Option, changed_options, check_options, read_list


@dataclass(frozen=True, kw_only=True)
class Bounded:
    share: Annotated[float | None, Option("a share", above=0, most=1)] = None
    count: Annotated[int, Option("a count", least=1)] = 1
    names: Annotated[list[int] | None, Option("numbers", least=2)] = None


@given(st.floats(allow_nan=True), st.integers(-3, 3), st.lists(st.integers(0, 4), max_size=3))
def test_values_are_held_to_their_bounds(share, count, numbers):
    options = Bounded(share=share, count=count, names=numbers)
    fits = 0 < share <= 1 and count >= 1 and all(number >= 2 for number in numbers)
    if fits:
        check_options(options)
    else:
        with pytest.raises(UserError, match="--(share|count|names) .*: must be"):
            check_options(options)


def test_what_is_not_given_is_in_every_range():
    check_options(Bounded())


def test_what_was_changed_is_told():
    assert changed_options(Bounded(count=2)) == [("count", 2)]


@given(st.lists(st.integers(), min_size=1))
def test_a_list_with_commas_is_read_whatever_stands_around_the_commas(numbers):
    text = " , ".join(map(str, numbers))
    assert read_list("seeds", text, "numbers", int, distinct=False) == numbers
    if len(set(numbers)) < len(numbers):
        with pytest.raises(UserError, match=re.escape(f"{text}: names one twice: leave one out")):
            read_list("seeds", text, "numbers", int)


@pytest.mark.parametrize("text", ["", "1,", "1,,2", "1,two", "1;2"])
def test_a_list_that_is_none_is_refused_with_what_it_should_be(text):
    with pytest.raises(UserError, match=f"seeds {text}: give numbers with a comma between two"):
        read_list("seeds", text, "numbers", int)
