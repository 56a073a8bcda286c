import pytest

from knm.audit.checks import check_lines
from knm.audit.results import make_lines
from tests.audit.made_up import row_result


def lines(baseline, **rows):
    results = [row_result("baseline", baseline)]
    return make_lines([*results, *(row_result(name, passed) for name, passed in rows.items())])


def holds(name, baseline, passed):
    (check,) = check_lines(lines(baseline, **{name.replace("-", "_"): passed}))
    return check.holds


def test_the_noise_floor_must_be_identical():
    assert holds("weight-0", "1010", "1010")
    assert not holds("weight-0", "1010", "1011")


def test_an_oracle_must_help_beyond_chance():
    assert holds("oracle", "0" * 8, "1" * 6 + "00")
    assert not holds("oracle", "0" * 8, "1" * 5 + "000")


@pytest.mark.parametrize(("lost", "harmless"), [(0, True), (2, True), (3, False)])
def test_useless_stores_may_cost_one_problem_in_a_hundred(lost, harmless):
    assert holds("shuffled", "1" * 200, "1" * (200 - lost) + "0" * lost) is harmless


def test_rows_that_need_not_show_anything_are_not_checked():
    assert check_lines(lines("1100", finetuned="1111", mistakes_v1="0000")) == []
