"""The judge on the embedded problems: references are accepted, wrong programs are not."""

import subprocess
import sys
from itertools import islice

import pytest

from knm.corpora import load_corpus
from knm.embedded.generator import draw_problems
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import Problem, decode_private_tests, load_problems
from tests.problems.problem_files import grammar_records

PROBLEMS = load_problems("embedded").problems
GRAMMAR = [problem for problem in PROBLEMS if problem.extras["difficulty"] == "grammar"]
CONTEST = [problem for problem in PROBLEMS if problem.extras["difficulty"] != "grammar"]
FROM_THE_STUDY = {"abc305_a", "abc320_a", "1899_A", "abc311_b", "abc307_d", "1899_D"}


def name_of(problem: Problem) -> str:
    return problem.question_id


def test_there_are_enough_problems_and_those_of_the_study_are_among_them():
    assert len(GRAMMAR) >= 60
    assert len(CONTEST) >= 60
    assert {problem.question_id for problem in CONTEST} >= FROM_THE_STUDY


@pytest.mark.parametrize("problem", PROBLEMS, ids=name_of)
def test_the_reference_is_accepted(problem, sandbox):
    judgement = sandbox.judge(problem.extras["reference"], problem.tests.load())
    assert judgement.verdict == "accepted", judgement


@pytest.mark.parametrize("problem", CONTEST, ids=name_of)
def test_every_wrong_program_is_rejected(problem, sandbox):
    assert len(problem.extras["wrong"]) >= 2
    for program in problem.extras["wrong"]:
        verdict = sandbox.judge(program, problem.tests.load()).verdict
        assert verdict != "accepted"
        assert not verdict.is_infrastructure


@pytest.mark.parametrize("problem", GRAMMAR[::12], ids=name_of)
def test_the_python_reference_agrees_with_the_tests(problem):
    for test in problem.tests.load():
        process = subprocess.run(
            [sys.executable, "-I", "-c", problem.extras["reference_python"]],
            input=test.input,
            capture_output=True,
            text=True,
            check=True,
        )
        assert process.stdout.rstrip() == test.output.rstrip()


def test_no_bench_problem_stands_in_a_packaged_corpus():
    paths = sorted(EMBEDDED_CORPUS.glob("*.jsonl*"))
    assert {"train.jsonl", "train-large.jsonl.gz"} <= {path.name for path in paths}
    compositions = {str(problem.extras["composition"]) for problem in GRAMMAR}
    programs = {problem.extras["reference"] for problem in GRAMMAR}
    statements = {problem.question_content for problem in GRAMMAR}
    for record in (record for path in paths for record in load_corpus(path)):
        assert str(record.extras["composition"]) not in compositions
        assert record.program not in programs
        assert record.statement not in statements


def test_the_grammar_problems_are_a_fresh_draw(sandbox):
    accepted = (
        record
        for record in draw_problems(20261124, "bench")
        if sandbox.judge(
            record["reference"], decode_private_tests(record["private_test_cases"])
        ).verdict
        == "accepted"
    )
    assert list(islice(accepted, 120)) == grammar_records(120)
