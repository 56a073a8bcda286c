from pathlib import Path

import pytest

from knm.errors import UserError
from knm.report.page.runs import Flip, join_runs
from knm.sandbox import Verdict
from tests.report.builders import result, write_report
from tests.report.page.examples import example_bench


def test_flips_are_told_from_the_first_run(tmp_path: Path) -> None:
    rows = {row.question_id: row.flip for row in example_bench(tmp_path).rows}
    assert rows == {
        "faulty_1": Flip.UNCOUNTED,
        "gained_1": Flip.GAINED,
        "lost_1": Flip.LOST,
        "never_1": Flip.NEVER,
        "same_1": Flip.ALWAYS,
    }


def test_a_fault_in_one_of_three_runs_leaves_the_others_compared(tmp_path: Path) -> None:
    outcomes = [Verdict.TIMEOUT, Verdict.SANDBOX_FAULT, Verdict.ACCEPTED]
    reports = [
        write_report(tmp_path / f"{number}.json", [result("p", verdict)])
        for number, verdict in enumerate(outcomes)
    ]
    assert join_runs(reports).rows[0].flip is Flip.GAINED


def test_a_problem_of_one_run_alone_is_shown_and_not_compared(tmp_path: Path) -> None:
    a = write_report(tmp_path / "a.json", [result("p"), result("q")])
    b = write_report(tmp_path / "b.json", [result("q"), result("r")])
    flips = {row.question_id: row.flip for row in join_runs([a, b]).rows}
    assert flips == {"p": Flip.UNCOUNTED, "q": Flip.ALWAYS, "r": Flip.UNCOUNTED}


def test_runs_of_one_file_name_are_numbered(tmp_path: Path) -> None:
    reports = [write_report(tmp_path / part / "run.json", [result("p")]) for part in "ab"]
    assert [run.label for run in join_runs(reports).runs] == ["run (1)", "run (2)"]


def test_a_single_run_is_compared_with_nothing(tmp_path: Path) -> None:
    bench = join_runs([write_report(tmp_path / "a.json", [result("p")])])
    assert bench.comparisons == ()
    assert bench.flips == {Flip.ALWAYS: 1}


def test_runs_without_a_common_problem_are_refused(tmp_path: Path) -> None:
    reports = [write_report(tmp_path / f"{name}.json", [result(name)]) for name in "ab"]
    with pytest.raises(UserError, match="no problem in common"):
        join_runs(reports)
    with pytest.raises(UserError, match="no report"):
        join_runs([])
