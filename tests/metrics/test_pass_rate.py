import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import CorpusRecord, load_corpus, save_corpus
from knm.corpora.outcomes import Outcome
from knm.errors import UserError
from knm.metrics import EvaluationOptions, evaluate_corpus
from knm.metrics.pass_rate import KnownOutcomes, pass_rate_slopes
from knm.metrics.terminal import _points, render_evaluation
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import load_template
from knm.retrieval import PRESETS


def record(number: int, problem: str, *, passed: bool, written: int = 1) -> CorpusRecord:
    outcome = Outcome("accepted" if passed else "wrong-output", written=written)
    return CorpusRecord(str(number), "", "", "lua", "own", problem=problem, outcome=outcome)


def slope_of(records, changes):
    """The slope of a preset that changes each text, of one token, by so much."""
    changes = np.array(changes, dtype=float)
    found = pass_rate_slopes(records, [1] * len(records), np.zeros(len(records)), [changes])
    assert found is not None
    return found.presets[0]


def test_two_programs_by_hand():
    records = [record(0, "p", passed=True), record(1, "p", passed=False)]
    slope = slope_of(records, [1.0, -1.0])
    assert slope.slope == pytest.approx(1.0)  # 1 x (1 - 0), over one degree of freedom
    assert slope.spread == pytest.approx(2**0.5)
    assert slope_of(records, [-1.0, 1.0]).slope == pytest.approx(-1.0)


def test_texts_are_sums_of_their_tokens():
    records = [record(0, "p", passed=True), record(1, "p", passed=False)]
    lm, preset = np.array([-1.0, -2.0, -3.0]), np.array([-0.5, -1.5, -4.0])
    found = pass_rate_slopes(records, [2, 1], lm, [preset])
    assert found is not None
    assert found.presets[0].slope == pytest.approx(1.0)  # +1 where it passed, -1 where not
    assert (found.problems, found.mixed, found.samples) == (1, 1, 2)


@st.composite
def outcomes(draw):
    """Records of one problem with both outcomes, and what a preset changes in each."""
    count = draw(st.integers(2, 8))
    passed = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    assume(any(passed) and not all(passed))
    written = draw(st.lists(st.integers(1, 4), min_size=count, max_size=count))
    changes = draw(st.lists(st.floats(-5, 5), min_size=count, max_size=count))
    records = [
        record(number, "p", passed=one, written=times)
        for number, (one, times) in enumerate(zip(passed, written, strict=True))
    ]
    return records, np.array(passed, dtype=float), np.array(written), np.array(changes)


@given(outcomes())
def test_the_slope_is_the_derivative_of_the_reweighted_pass_rate(case):
    records, passed, written, changes = case
    total, step = written.sum(), 1e-5

    def pass_rate(size: float) -> float:
        weights = written * np.exp(size * changes)
        return float((weights * passed).sum() / weights.sum())

    derivative = (pass_rate(step) - pass_rate(-step)) / (2 * step)
    # The samples' own covariance is too small by one degree of freedom.
    slope = slope_of(records, changes).slope
    assert slope == pytest.approx(derivative * total / (total - 1), abs=1e-6)


@given(outcomes(), st.floats(-50, 50))
def test_what_is_changed_in_all_programs_alike_does_not_count(case, constant):
    records, _, _, changes = case
    shifted = slope_of(records, changes + constant).slope
    assert shifted == pytest.approx(slope_of(records, changes).slope, abs=1e-9)


@given(outcomes())
def test_a_program_written_twice_counts_as_two(case):
    records, _, written, changes = case
    apart = [
        replace(one, id=f"{one.id}-{time}", outcome=replace(one.outcome, written=1))
        for one, times in zip(records, written, strict=True)
        for time in range(times)
    ]
    together, each = slope_of(records, changes), slope_of(apart, np.repeat(changes, written))
    assert each.slope == pytest.approx(together.slope, abs=1e-9)
    assert each.spread == pytest.approx(together.spread, abs=1e-9)


def test_problems_with_one_outcome_count_with_nothing():
    mixed = [record(0, "p", passed=True), record(1, "p", passed=False)]
    alike = [
        record(2, "q", passed=False),
        record(3, "q", passed=False),
        record(4, "r", passed=True),
    ]
    alone = slope_of(mixed, [1, -1]).slope
    assert slope_of([*mixed, *alike], [1, -1, 5, -7, 3]).slope == pytest.approx(alone / 3)


def test_what_is_asked_otherwise_is_compared_by_itself():
    """All Python passed and is made likelier: none of it gained on other Python."""
    lua = [record(0, "p", passed=True), record(1, "p", passed=False)]
    python = [
        replace(record(number, "p", passed=True), language="python") for number in range(2, 6)
    ]
    found = slope_of([*lua, *python], [1, -1, 7, 7, 7, 7])
    assert found.slope == pytest.approx(1 / 2)  # the mean of both prompts: 1 and 0
    assert found.spread == pytest.approx((2 / 4) ** 0.5)
    assert KnownOutcomes.of([lua[1], *python]) is None


def test_problems_made_of_one_are_that_one():
    records = [
        replace(
            record(number, f"p-{number // 2}", passed=number % 2 == 0), statement=f"{number // 2}"
        )
        for number in range(6)
    ]
    made = [replace(one, extras={"of_problem": "p"}) for one in records]
    apart, one = map(KnownOutcomes.of, (records, made))
    assert apart is not None
    assert one is not None
    assert (len(apart.problems), apart.mixed) == (3, 3)
    assert (len(one.problems), one.mixed, one.samples) == (1, 1, 6)


def test_nothing_is_said_without_both_outcomes():
    known = load_corpus(EMBEDDED_CORPUS / "dev.jsonl")[:3]
    assert KnownOutcomes.of(known) is None
    assert KnownOutcomes.of([record(0, "p", passed=True), record(1, "q", passed=False)]) is None


def test_a_text_that_a_preset_holds_impossible_leaves_no_slope():
    records = [record(0, "p", passed=True), record(1, "p", passed=False)]
    assert slope_of(records, [0.0, -np.inf]).slope is None


def with_outcomes(count):
    """Programs of the datastore, which "passed"; with another line they did not."""
    held = load_corpus(EMBEDDED_CORPUS / "train.jsonl")[:count]
    records = []
    for number, right in enumerate(held):
        wrong = replace(right, program=f"{right.program}\nprint(#arg)")
        for name, written, verdict in (("r", right, "accepted"), ("w", wrong, "wrong-output")):
            known = replace(written, id=f"{name}-{number}", problem=str(number))
            records.append(replace(known, outcome=Outcome(verdict)))
    return records


def test_eval_tells_what_a_datastore_of_the_right_programs_does(embedded, small_store):
    records = with_outcomes(8)
    presets = [PRESETS["dense"], PRESETS["residual"]]
    result = evaluate_corpus(embedded, records, load_template("task"), small_store, presets)
    assert result.slopes is not None
    assert result.slopes.mixed == 8
    for slope in result.slopes.presets:
        assert slope.slope is not None
        assert slope.interval is not None
        assert slope.slope > 0
        assert slope.interval[0] < slope.slope < slope.interval[1]
    document = result.to_json()["pass_rate"]
    assert [one["name"] for one in document["presets"]] == ["dense", "residual"]
    shown = render_evaluation(result)
    assert "8 more are left out, but for the pass rate: their programs failed" in shown
    assert "16 samples of 8 problems, 8 of them with both outcomes" in shown
    assert "pass rate, to first order" in shown


def test_tokens_of_programs_that_failed_are_no_right_ones(embedded, small_store):
    """Where slopes are told of them or not, figures are those of the programs that passed."""
    records = with_outcomes(3)
    passed = [record for record in records if record.passed]
    template, options = load_template("task"), EvaluationOptions(next_line=4)
    for presets in ((), (PRESETS["dense"], PRESETS["bayes"])):
        store = small_store if presets else None
        both, right = (
            evaluate_corpus(embedded, some, template, store, presets, options)
            for some in (records, passed)
        )
        assert (both.failed, right.failed) == (3, 0)
        assert both.subject == right.subject
        assert both.next_lines == right.next_lines
        assert (both.slopes is not None, right.slopes) == (bool(presets), None)
        for one, other in zip(both.figures, right.figures, strict=True):
            assert (one.all.positions, one.all.right) == (other.all.positions, other.all.right)
            assert one.all.perplexity == pytest.approx(other.all.perplexity)
            assert one.by_type.keys() == other.by_type.keys()
            assert one.mean_weight == pytest.approx(other.mean_weight)
            assert one.searched == pytest.approx(other.searched)
    assert "3 more are left out: their programs failed" in render_evaluation(
        evaluate_corpus(embedded, records, template)
    )
    assert "left out" not in render_evaluation(right)
    with pytest.raises(UserError, match="none of 3 programs passed"):
        evaluate_corpus(embedded, [one for one in records if not one.passed], template)


def test_the_command_takes_the_first_programs_that_passed(tmp_path):
    save_corpus(tmp_path / "corpus.jsonl", with_outcomes(3)[1:])
    command = ["eval", "--corpus", str(tmp_path / "corpus.jsonl"), "--json"]
    told = json.loads(CliRunner().invoke(app, [*command, "--limit", "1"]).stdout)
    assert (told["corpus"]["records"], told["failed"]) == (1, 2)


def test_rounding_makes_no_loss_of_nothing():
    assert [_points(share) for share in (-1e-9, 0.0, -0.0125)] == ["+0.00", "+0.00", "-1.25"]
