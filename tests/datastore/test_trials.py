import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.datastore.trials import ExploredProblem, TokenTrial, load_trials
from knm.errors import UserError
from knm.sandbox import Verdict
from tests.datastore.tiny import tiny_model
from tests.datastore.trials import drawn_problems, write_trials


def test_what_is_written_is_read_back_and_a_later_line_of_a_problem_counts(tmp_path):
    problems = drawn_problems(5)
    path = write_trials(tmp_path / "trials.jsonl", [*drawn_problems(5, seed=1)[:2], *problems])
    header, read = load_trials(path)
    assert header.model == tiny_model().identity
    assert read == problems


@pytest.mark.parametrize(
    ("before", "after", "outcome", "crash"),
    [
        ("wrong-output", "accepted", 1, 0),
        ("runtime-error", "accepted", 1, -1),
        ("accepted", "syntax-error", -1, 1),
        ("no-code", "wrong-output", 0, -1),
        ("wrong-output", "no-code", 0, 1),
        ("syntax-error", "runtime-error", 0, 0),
        ("accepted", "accepted", 0, 0),
        ("timeout", "wrong-output", 0, 0),
    ],
)
def test_outcome_and_crash_compare_with_the_greedy_program(before, after, outcome, crash):
    trial = TokenTrial(0, 1, 0.1, Verdict(after))
    problem = ExploredProblem("p", (1,), (2,), Verdict(before), None, 0, 1, (trial,))
    assert (problem.outcome(trial), problem.crash(trial)) == (outcome, crash)


@given(
    field=st.sampled_from(["prompt_ids", "completion_ids", "verdict", "tests_passed", "trials"]),
    value=st.one_of(
        st.none(),
        st.booleans(),
        st.text(max_size=3),
        st.sampled_from([[], [-1], [{}], "sandbox-fault"]),
    ),
)
def test_a_malformed_line_is_named(tmp_path_factory, field, value):
    path = tmp_path_factory.mktemp("trials") / "trials.jsonl"
    write_trials(path, drawn_problems(3))
    lines = path.read_text().splitlines()
    broken = {**json.loads(lines[2]), field: value}
    if (field, value) == ("trials", []):  # a problem without any is one
        return
    path.write_text("\n".join([*lines[:2], json.dumps(broken), *lines[3:]]))
    with pytest.raises(UserError, match=r"trials\.jsonl:3: .*remove the line"):
        load_trials(path)


def test_other_files_and_versions_are_refused(tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text('{"question_id": "a"}\n')
    with pytest.raises(UserError, match=r"trials\.jsonl:1: no trials"):
        load_trials(path)
    write_trials(path, drawn_problems(1))
    path.write_text(
        path.read_text()
        .replace('"version":1', '"version":2')
        .replace('"version": 1', '"version": 2')
    )
    with pytest.raises(UserError, match=r"version 2 of the format"):
        load_trials(path)


def test_a_header_that_does_not_say_what_was_likely_enough_is_refused(tmp_path):
    path = write_trials(tmp_path / "trials.jsonl", drawn_problems(1))
    path.write_text(path.read_text().replace("least_probability", "other"))
    with pytest.raises(UserError, match=r"trials\.jsonl:1: not a header.*least_probability"):
        load_trials(path)


def test_a_file_without_a_trial_is_refused(tmp_path):
    with pytest.raises(UserError, match="no trials in it"):
        load_trials(write_trials(tmp_path / "trials.jsonl", []))
