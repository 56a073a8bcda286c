"""A report whose engine told nothing of retrieval."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.engine import GenerationOptions, open_engine
from knm.errors import UserError
from knm.judging.recomputing import Recomputation, recompute_report
from knm.judging.requests import problem_request
from knm.problems import load_problems, load_template
from knm.report import load_report
from knm.report.explanation import find_result
from knm.retrieval import Retriever
from tests.problems.problem_files import ROOT

BASELINE = ROOT / "results/baseline.json"
PROBLEM = "grammar_3c18cea50f"


@pytest.fixture(scope="module")
def written(embedded, small_store):
    """What our engine writes for the problem, corrected by the small store."""
    (problem,) = (each for each in load_problems("embedded") if each.question_id == PROBLEM)
    request = problem_request(problem, load_template("task"), "lua")
    retriever = Retriever(small_store, "dense")
    (done,) = open_engine(embedded, GenerationOptions(60), retriever, lambda _: None).complete(
        [request]
    )
    return done


def report_of(completion):
    """A report in which the problem has this completion, of an engine that tells nothing."""
    report = load_report(BASELINE)
    result = find_result(report, PROBLEM)
    sample = replace(result.sample, completion=replace(completion, interventions=None))
    changed = replace(result, samples=(sample,))
    return replace(
        report, results=tuple(changed if each is result else each for each in report.results)
    )


@pytest.mark.parametrize("kept", [True, False], ids=["tokens", "text alone"])
def test_the_engines_changes_are_found_again(kept, written, small_store):
    completion = written if kept else replace(written, tokens=())
    how = Recomputation(small_store.path, "dense", device="cpu")
    again = recompute_report(report_of(completion), PROBLEM, how)
    told, found = written.interventions, find_result(again, PROBLEM).interventions
    assert told is not None
    assert found is not None
    assert told.argmax_changes
    assert found.argmax_changes == told.argmax_changes
    assert [(each.position, each.token) for each in found.changes] == [
        (each.position, each.token) for each in told.changes
    ]
    assert again.hashes["datastore"] == small_store.content_hash


def test_what_the_run_did_not_have_is_refused(written, small_store, tmp_path):
    problems = tmp_path / "problems.jsonl"
    problems.write_text(
        json.dumps(
            {
                "question_id": PROBLEM,
                "question_content": "Read a number.",
                "private_test_cases": '[{"input": "1", "output": "1", "testtype": "stdin"}]',
            }
        )
    )
    how = Recomputation(small_store.path, "dense", problems=str(problems))
    with pytest.raises(UserError, match="is not what .*baseline.json was made with"):
        recompute_report(report_of(written), PROBLEM, how)


def test_a_file_that_a_report_names_as_its_language_is_not_opened(written, small_store, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("extends: lua\n")
    report = report_of(written)
    report = replace(report, configuration={**report.configuration, "language": str(own)})
    how = Recomputation(small_store.path, "dense", device="cpu")
    with pytest.raises(UserError, match="baseline.json: language '.*own.yaml' is a file"):
        recompute_report(report, PROBLEM, how)
    again = recompute_report(report, PROBLEM, replace(how, language=str(own)))
    assert find_result(again, PROBLEM).interventions is not None
    other = replace(report, hashes={**report.hashes, "language": "of another file"})
    with pytest.raises(UserError, match="is not what .*baseline.json was made with"):
        recompute_report(other, PROBLEM, replace(how, language=str(own)))


def test_the_command_asks_for_the_datastore():
    arguments = ["explain", str(BASELINE), PROBLEM, "--recompute"]
    assert "--datastore" in str(CliRunner().invoke(app, arguments).exception)
    arguments = ["explain", str(BASELINE), PROBLEM, "--preset", "dense"]
    assert "without --recompute" in str(CliRunner().invoke(app, arguments).exception)
