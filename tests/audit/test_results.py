from dataclasses import replace

import pytest

from knm.audit.results import compare, make_lines
from knm.report import mcnemar_exact
from tests.audit.made_up import row_result


def test_a_comparison_names_what_was_gained_and_lost():
    comparison = compare(row_result("in-domain", "1100"), row_result("baseline", "1010"))
    assert (comparison.gained, comparison.lost) == (("p1",), ("p2",))
    assert (comparison.p, comparison.test) == (mcnemar_exact(1, 1), "exact McNemar")
    assert not comparison.identical


def test_programs_of_one_problem_are_its_samples():
    """Six of them that are gained are one problem that rose."""
    rows = [row_result("in-domain", "1111110"), row_result("baseline", "0000000")]
    assert compare(*rows).p == mcnemar_exact(6, 0) < 0.05
    made = [
        replace(
            row,
            trial=replace(
                row.trial,
                results=tuple(
                    replace(one, fields={"of_problem": "p"}) for one in row.trial.results
                ),
            ),
        )
        for row in rows
    ]
    comparison = compare(*made)
    assert (len(comparison.gained), comparison.p) == (6, 1)
    assert comparison.test == "paired permutation test of pass rates by problem (exact)"


def test_faults_are_neither_gained_nor_lost():
    comparison = compare(row_result("in-domain", "x10"), row_result("baseline", "0x1"))
    assert (comparison.gained, comparison.lost) == ((), ("p2",))


def test_recovered_is_the_share_of_the_fine_tuned_copys_gain():
    lines = {
        line.result.row.name: line
        for line in make_lines(
            [
                row_result("baseline", "0001"),
                row_result("in-domain", "0011"),
                row_result("python", "1111"),
                row_result("finetuned", "1111"),
            ]
        )
    }
    assert lines["in-domain"].recovered == pytest.approx(1 / 3)
    assert lines["finetuned"].recovered == 1
    assert lines["baseline"].recovered is None
    assert lines["python"].recovered is None


def test_nothing_is_recovered_of_a_copy_that_gains_nothing():
    lines = make_lines([row_result("baseline", "01"), row_result("finetuned", "01")])
    assert [line.recovered for line in lines] == [None, None]
