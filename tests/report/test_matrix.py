import json

import pytest

from knm.errors import UserError
from knm.report import compare_runs, diff_reports, markdown_matrix, render_matrix
from knm.sandbox import Verdict
from tests.report.builders import result, write_report

RIGHT, WRONG = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT


@pytest.fixture
def reports(tmp_path):
    outcomes = {"one": (RIGHT, WRONG, WRONG), "two": (RIGHT, RIGHT, RIGHT), "three": (WRONG,) * 3}
    return [
        write_report(
            tmp_path / f"{name}.json",
            [result(f"q{number}", verdict) for number, verdict in enumerate(verdicts)],
            configuration={"knn": {"k": number}},
        )
        for number, (name, verdicts) in enumerate(outcomes.items())
    ]


def test_each_run_is_compared_with_each_other(reports):
    matrix = compare_runs(reports)
    gained = {pair: (diff.gained, diff.lost) for pair, diff in matrix.pairs.items()}

    assert gained == {
        ("A", "B"): (("q1", "q2"), ()),
        ("A", "C"): ((), ("q0",)),
        ("B", "C"): ((), ("q0", "q1", "q2")),
    }
    assert [diff.lost for diff in matrix.against_first()] == [(), ("q0",)]


def test_the_text_shows_settings_runs_and_pairs(reports):
    lines = render_matrix(compare_runs(reports)).splitlines()

    assert lines[:2] == [
        "   Different settings   A  B  C",
        "   configuration.knn.k  0  1  2",
    ]
    assert [line for line in lines if line.startswith("A ")][-1].split("  ") == [
        "A", "+2 -0 p = 0.5", "+0 -1 p = 1",
    ]  # fmt: skip
    assert "33.3 % (1 of 3)" in "\n".join(lines)


def test_a_matrix_is_plain_json_and_markdown(reports):
    matrix = compare_runs(reports)
    value = matrix.to_json()

    assert json.loads(json.dumps(value)) == value
    assert [run["totals"]["passed"] for run in value["runs"]] == [1, 3, 0]
    assert value["pairs"][2]["p_value"] == diff_reports(reports[1], reports[2]).p_value
    assert "| A | +2 -0 p = 0.5 | +0 -1 p = 1 |" in markdown_matrix(matrix)


def test_one_unlike_run_among_several_is_refused_unless_forced(reports, tmp_path):
    other = write_report(tmp_path / "o.json", [result("q0")], hashes={"prompt": "9" * 64})

    with pytest.raises(UserError, match=r"one\.json and .*o\.json are not comparable"):
        compare_runs([*reports, other])
    assert "!  hashes.prompt" in render_matrix(compare_runs([*reports, other], force=True))


def test_more_runs_than_letters_are_refused(reports):
    with pytest.raises(UserError, match="up to 26"):
        compare_runs(reports * 9)
