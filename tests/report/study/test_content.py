"""What the final report tells, whatever it is written as."""

import json
from dataclasses import replace

import pytest

from knm.errors import UserError
from knm.report.page import join_runs
from knm.report.study import compose_study
from knm.report.study.blocks import Commands, Heading, Paragraph, Picture, Table
from knm.report.study.content import MOST_FLIPS
from knm.sandbox import Verdict
from tests.report.builders import result, write_report
from tests.report.page.examples import example_bench

RIGHT, WRONG = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT


@pytest.fixture
def bench(tmp_path):
    return example_bench(tmp_path)


def tables_of(blocks):
    """The tables by their first head; of several the first."""
    found = [block.rows for block in blocks if isinstance(block, Table)]
    return {rows[0][0]: rows for rows in reversed(found)}


def test_it_has_pass_at_1_error_types_flips_pictures_and_commands(bench):
    blocks = compose_study(bench)
    headings = [block.text for block in blocks if isinstance(block, Heading)]
    assert headings[1:4] == ["Pass@1", "Error types", "Flips"]
    assert headings[-1] == "How to get the same"
    pictures = [block.name for block in blocks if isinstance(block, Picture)]
    assert pictures[:3] == ["pass-at-1", "error-groups", "verdicts"]
    assert "flips" in pictures
    assert len(set(pictures)) == len(pictures)
    (commands,) = (block for block in blocks if isinstance(block, Commands))
    assert all(line.startswith("pytest bench") for line in commands.lines)


def test_figures_are_those_of_the_runs(bench):
    tables = tables_of(compose_study(bench))
    diff = bench.comparisons[0].diff
    assert tables["From"][1][3:5] == (str(len(diff.gained)), str(len(diff.lost)))
    shown = [rows for rows in map(str, tables.values()) if "Tests passed" in rows]
    for run in bench.runs:
        assert f"({run.totals.passed} of {run.totals.counted})" in shown[0]


def test_what_was_lost_is_told_first_and_long_lists_say_how_many_are_left(tmp_path):
    def run(name, *verdicts):
        results = [result(f"q{number:03}", verdict) for number, verdict in enumerate(verdicts)]
        return write_report(tmp_path / name, results)

    count = MOST_FLIPS + 5
    a = run("a.json", *[WRONG] * count, RIGHT)
    b = run("b.json", *[RIGHT] * count, WRONG)
    blocks = compose_study(join_runs([a, b]))
    rows = tables_of(blocks)["a to b"]
    assert rows[1][:2] == ("lost", f"q{count:03}")
    assert len(rows) == 1 + MOST_FLIPS
    assert any(isinstance(block, Paragraph) and block.text == "and 6 more." for block in blocks)


def told(blocks):
    return [block.text for block in blocks if isinstance(block, Paragraph)]


def test_flips_are_told_with_the_test_that_p_is_by(bench, tmp_path):
    (single,) = (text for text in told(compose_study(bench)) if "p is two-sided" in text)
    assert "solves it; p is" not in single
    assert "solves it. p is two-sided, by exact McNemar; the change" in single

    def run(name, verdict):
        made = [
            replace(result(f"p-{number}", verdict), fields={"of_problem": "p"})
            for number in range(6)
        ]
        return write_report(tmp_path / name, [*made, result("q")])

    blocks = compose_study(join_runs([run("a.json", WRONG), run("b.json", RIGHT)]))
    rows = tables_of(blocks)["From"]
    assert dict(zip(*rows, strict=True)) == {
        "From": "a",
        "To": "b",
        "Problems": "7, made of 2",
        "Gained": "6",
        "Lost": "0",
        "More often": "1",
        "Less often": "0",
        "p": "1",
        "Tests passed": rows[1][-1],
    }
    (sampled,) = (text for text in told(blocks) if "p is two-sided" in text)
    assert "by paired permutation test of pass rates by problem (exact);" in sampled
    assert "McNemar" not in sampled


def test_one_run_alone_has_no_flips(tmp_path):
    report = write_report(tmp_path / "a.json", [result("q")])
    headings = [
        block.text for block in compose_study(join_runs([report])) if isinstance(block, Heading)
    ]
    assert "Flips" not in headings


def test_pass_at_1_is_broken_down_by_a_field(tmp_path):
    results = [replace(result("a"), fields={"level": "easy"}), result("b", WRONG)]
    report = write_report(tmp_path / "a.json", results)
    rows = tables_of(compose_study(join_runs([report]), by="level"))["level"]
    assert list(rows)[1:] == [("easy", "100.0 % (1 of 1)"), ("(none)", "0.0 % (0 of 1)")]


LADDER = {
    "title": "LM alone",
    "pass_at_1": 0.25,
    "passed": 1,
    "counted": 4,
    "interval": [0.1, 0.6],
    "comparison": None,
    "recovered": None,
}
STORE = LADDER | {
    "title": "store",
    "comparison": {"gained": ["a"], "lost": [], "p": 1.0},
    "recovered": 0.5,
}


def test_the_ladder_of_an_audit_is_told_with_its_pictures(bench, tmp_path):
    audit = tmp_path / "audit"
    audit.mkdir()
    (audit / "audit.json").write_text(json.dumps({"rows": [LADDER, STORE]}))
    (audit / "audit.svg").write_text("<svg/>")
    blocks = compose_study(bench, audit)
    rows = tables_of(blocks)["Row"]
    assert rows[1] == ("LM alone", "25.0 % (1 of 4)", "10.0-60.0 %", "", "", "", "")
    assert rows[2][3:] == ("1", "0", "1", "50 %")
    assert "p is two-sided, by exact McNemar." in told(blocks)
    assert [block.name for block in blocks if isinstance(block, Picture)][-1] == "ladder-audit"


@pytest.mark.parametrize(
    ("document", "said"), [({}, "holds no rows of an audit"), ({"rows": [{}]}, "another version")]
)
def test_what_is_no_audit_says_so(bench, tmp_path, document, said):
    (tmp_path / "audit.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=said):
        compose_study(bench, tmp_path)
