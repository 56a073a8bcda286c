import pytest

from knm.errors import UserError
from knm.report import diff_reports, parse_condition
from knm.sandbox import Verdict
from tests.report.builders import result, write_report


def diff_of(folder, gained: int, lost: int):
    names = [f"q{number}" for number in range(gained + lost)]
    before = [Verdict.WRONG_OUTPUT] * gained + [Verdict.ACCEPTED] * lost
    after = [Verdict.ACCEPTED] * gained + [Verdict.TIMEOUT] * lost
    return diff_reports(
        write_report(folder / "a.json", list(map(result, names, before))),
        write_report(folder / "b.json", list(map(result, names, after))),
    )


@pytest.mark.parametrize(
    ("condition", "gained", "lost", "met"),
    [
        ("regression", 2, 1, False),
        ("regression", 1, 1, False),
        ("regression", 1, 2, True),
        ("any-loss", 5, 1, True),
        ("any-loss", 5, 0, False),
        ("p:0.05", 0, 5, False),  # p = 0.0625
        ("p:0.05", 0, 6, True),  # p = 0.03125
        ("p:0.05", 6, 0, False),
        ("p:1", 0, 1, True),
    ],
)
def test_a_condition_is_met_or_not(tmp_path, condition, gained, lost, met):
    assert parse_condition(condition).met_by(diff_of(tmp_path, gained, lost)) is met
    assert str(parse_condition(condition)) == condition


@pytest.mark.parametrize("text", ["", "loss", "p", "p:", "p:0", "p:2", "p:nan", "q:0.05"])
def test_what_is_no_condition_is_refused_with_the_choices(text):
    with pytest.raises(UserError, match="regression, any-loss, or p:"):
        parse_condition(text)
