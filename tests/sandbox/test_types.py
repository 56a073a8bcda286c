import math

import pytest

from knm.errors import UserError
from knm.sandbox import Limits, Verdict, make_limits
from knm.sandbox.types import EXCERPT_CHARACTERS, excerpt, excerpt_of_end


def test_infrastructure_verdicts_are_exactly_those_that_blame_no_model():
    infrastructure = {verdict.value for verdict in Verdict if verdict.is_infrastructure}
    assert infrastructure == {"sandbox-fault", "engine-fault", "broken-problem", "not-judged"}


@pytest.mark.parametrize(
    ("verdict", "group"),
    [
        (Verdict.ACCEPTED, None),
        (Verdict.WRONG_OUTPUT, "output error"),
        (Verdict.SYNTAX_ERROR, "syntax error"),
        (Verdict.RUNTIME_ERROR, "runtime error"),
        (Verdict.TIMEOUT, "other"),
        (Verdict.MEMORY_LIMIT, "other"),
        (Verdict.OUTPUT_LIMIT, "other"),
        (Verdict.NO_CODE, "other"),
        (Verdict.TRUNCATED, "other"),
        (Verdict.SANDBOX_FAULT, None),
        (Verdict.ENGINE_FAULT, None),
        (Verdict.BROKEN_PROBLEM, None),
        (Verdict.NOT_JUDGED, None),
    ],
)
def test_verdict_belongs_to_the_group_of_the_original_study(verdict, group):
    assert verdict.study_group == group


@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_limit_that_is_no_positive_number_is_refused_by_name(value):
    with pytest.raises(UserError, match="cpu_seconds"):
        Limits(cpu_seconds=value)


@pytest.mark.parametrize(
    ("given", "option"),
    [((0, 64), "time_limit 0"), ((1.0, -5), "memory_limit -5"), ((None, 1 << 40), "memory_limit")],
)
def test_a_limit_of_an_option_is_refused_by_that_name(given, option):
    with pytest.raises(UserError, match=f"^{option}.*: limit .*: expected a positive"):
        make_limits(*given)


def test_excerpt_keeps_short_text_and_marks_how_much_of_a_long_one_is_missing():
    assert excerpt("short") == excerpt_of_end("short") == "short"
    text = "a" * EXCERPT_CHARACTERS + "b" * 1234
    assert excerpt(text) == "a" * EXCERPT_CHARACTERS + "… [1,234 more characters]"
    assert excerpt_of_end(text).startswith("[1,234 characters before] …aaa")
    assert excerpt_of_end(text).endswith("b" * 1234)


@pytest.mark.parametrize("value", [1e8, 0.5, True, "1", None, 1 << 41, 10**400])
def test_size_that_is_no_whole_number_in_bounds_is_refused_by_name(value):
    with pytest.raises(UserError, match="memory_bytes: expected a positive whole number"):
        Limits(memory_bytes=value)


@pytest.mark.parametrize("value", [True, "1", None, 10**400])
def test_time_that_is_no_number_in_bounds_is_refused_by_name(value):
    with pytest.raises(UserError, match="wall_seconds: expected a positive number") as refused:
        Limits(wall_seconds=value)
    assert len(str(refused.value)) < 200
