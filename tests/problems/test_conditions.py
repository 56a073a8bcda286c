import operator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.errors import UserError
from knm.problems.conditions import parse_condition

PROBLEM = {
    "difficulty": "very hard",
    "contest_date": "2024-06-15",
    "rating": 1200,
    "ratio": 0.5,
    "rated": True,
    "tags": ["dp", "graphs"],
    "nothing": None,
    "nested": {"a": 1},
}
COMPARISONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("difficulty=='very hard'", True),
        ('difficulty == "very hard" and rating>=1200', True),
        ("rating<1200 or ratio==.5", True),
        ("rating == 1200.0", True),
        ("not rating==1200 or rated==false", False),
        ("not (rating==1200 or rated==false)", False),
        ("not rating==1 and not rating==2", True),
        ("rating==1 and rating==1 or rated==true", True),
        ("rating==1 and (rating==1 or rated==true)", False),
        ("dp in tags", True),
        ("dp not in tags", False),
        ("difficulty in (easy, 'very hard')", True),
        ("difficulty not in (easy, hard)", True),
        # A date is compared as far as the value goes.
        ("contest_date>=2024-06 and contest_date<=2024-06", True),
        ("contest_date>2024-06", False),
        ("contest_date==2024", True),
        ("contest_date<2024-06-15", False),
        ("contest_date<'2024-06-15T'", True),
        # What is not there.
        ("nothing==null and missing==null", True),
        ("missing!=easy", True),
        ("missing<3 or missing>=3 or x in missing", False),
        ("rating!=null", True),
    ],
)
def test_conditions(text, holds):
    assert parse_condition(text).holds(PROBLEM) is holds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "at its end: expected a field"),
        ("difficulty=easy", "before '=easy'.* write == to compare"),
        ("difficulty", "expected one of"),
        ("difficulty==", "at its end: expected a value"),
        ("(rating==1", "expected `\\)`"),
        ("rating==1 rated==true", "before 'rated==true': expected `and`"),
        ("difficulty in (easy", "expected `,` or `\\)`"),
        ("difficulty=='easy", "not a condition from here"),
        ("and==1", "expected a field"),
        ("(" * 80 + "rating==1" + ")" * 80, "nested too deep"),
    ],
)
def test_what_is_no_condition_says_where(text, said):
    with pytest.raises(UserError, match=said):
        parse_condition(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rating==easy", "'rating'.* 1200, is a number, and 'easy' is none"),
        ("rated==1", "true or false, and '1' is neither"),
        ("tags==dp", "write dp in tags"),
        ("easy in difficulty", "write difficulty==easy"),
        ("nested==1", "cannot be compared"),
    ],
)
def test_a_value_that_does_not_suit_the_field_says_so(text, said):
    with pytest.raises(UserError, match=said):
        parse_condition(text).holds(PROBLEM)


@given(st.text(alphabet="ab1=!<>(),'\"\\ -.", max_size=30) | st.text(max_size=20))
def test_any_text_is_a_condition_or_a_clear_error(text):
    try:
        condition = parse_condition(text)
    except UserError:
        return
    assert all(isinstance(name, str) for name in condition.fields())


FIELDS = {"n": st.integers(-99, 99), "t": st.sampled_from(["easy", "a b", "it's", "and", ""])}


@st.composite
def conditions(draw, depth=3):
    """Text of a condition on `FIELDS`, and what it means, by Python itself."""
    kind = draw(
        st.sampled_from(["number", "text", "in", "not", "and", "or"] if depth else ["text"])
    )
    if kind == "number":
        symbol, value = draw(st.sampled_from(sorted(COMPARISONS))), draw(FIELDS["n"])
        return f"n {symbol} {value}", lambda problem: COMPARISONS[symbol](problem["n"], value)
    if kind == "text":
        symbol, value = draw(st.sampled_from(["==", "!="])), draw(FIELDS["t"])
        return (
            f't{symbol}"{value}"',
            lambda problem: COMPARISONS[symbol](problem["t"], value),
        )
    if kind == "in":
        values = draw(st.lists(FIELDS["n"], min_size=1, max_size=3))
        return f"n in ({','.join(map(str, values))})", lambda problem: problem["n"] in values
    text, meaning = draw(conditions(depth=depth - 1))
    if kind == "not":
        return f"not ({text})", lambda problem: not meaning(problem)
    other, second = draw(conditions(depth=depth - 1))
    join = all if kind == "and" else any
    return f"({text}) {kind} ({other})", lambda problem: join([meaning(problem), second(problem)])


@given(conditions(), st.fixed_dictionaries(FIELDS))
def test_a_condition_means_what_it_says(condition, problem):
    text, meaning = condition
    assert parse_condition(text).holds(problem) is meaning(problem)


@given(st.fixed_dictionaries(FIELDS), st.permutations(["n==1", "t==easy", "n<5"]))
def test_and_binds_closer_than_or(problem, parts):
    first, second, third = parts
    plain = parse_condition(f"{first} or {second} and {third}")
    assert plain.holds(problem) == parse_condition(f"{first} or ({second} and {third})").holds(
        problem
    )
