import json
import os
import random
import subprocess
import sys
from itertools import islice

import pytest

from knm.corpora import load_corpus
from knm.embedded.generator import draw_corpus, draw_problems, draw_samples
from knm.embedded.splits import SPLIT_BUCKETS
from knm.packaged import EMBEDDED_CORPUS, EMBEDDED_PROBLEMS
from knm.problems import TestCase, decode_private_tests
from knm.sandbox import Verdict
from tests.embedded.pythons import printed_by

BENCH_PROBLEMS = EMBEDDED_PROBLEMS / "grammar.jsonl"
CORPUS = list(islice(draw_corpus(11, "corpus", "some"), 300))
PROBLEMS = list(islice(draw_problems(12, "bench"), 60))


def decoded(problem):
    return decode_private_tests(problem["private_test_cases"])


def bucket_of(composition):
    """The bucket of a composition, found by drawing nothing: from the definition of splits."""
    from knm.hashing import hash_bytes

    return int(hash_bytes(composition.encode()), 16) % 20


def hash_of_draws(hash_seed):
    code = """
from itertools import islice
import random
from knm.embedded.generator import draw_corpus, draw_problems, draw_samples
from knm.hashing import hash_json
samples = islice(draw_samples(random.Random(1), "train", "lua"), 100)
print(hash_json([
    [[sample.statement, sample.program] for sample in samples],
    [[record.to_json(), tests] for record, tests in islice(draw_corpus(1, "corpus", "x"), 70)],
    list(islice(draw_problems(1, "bench"), 30)),
]))
"""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    ).stdout


def test_draws_do_not_depend_on_the_hash_seed_of_the_interpreter():
    first, second = hash_of_draws("1"), hash_of_draws("2")
    assert len(first.strip()) == 64
    assert first == second


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(
            lambda seed: draw_samples(random.Random(seed), "train", "lua"), id="draw_samples"
        ),
        pytest.param(lambda seed: draw_corpus(seed, "corpus", "some"), id="draw_corpus"),
        pytest.param(lambda seed: draw_problems(seed, "bench"), id="draw_problems"),
    ],
)
def test_draws_are_the_same_for_one_seed_and_differ_between_seeds(draw):
    first, again, other = (list(islice(draw(seed), 30)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_draws_of_different_splits_differ_for_one_seed():
    first, second = (next(draw_problems(1, split))["composition"] for split in ("bench", "dev"))
    assert first != second


@pytest.mark.parametrize("language", ["lua", "python"])
def test_samples_are_of_the_split_and_the_language(language):
    for sample in islice(draw_samples(random.Random(3), "dev", language), 50):
        assert sample.task.bucket in SPLIT_BUCKETS["dev"]
        assert sample.language == language
        assert ("local " in sample.program) == (language == "lua")


def test_a_weight_of_zero_keeps_an_operation_out_of_samples():
    samples = draw_samples(
        random.Random(4), "train", "lua", lambda operation: float(operation.name != "sort")
    )
    drawn = {
        operation.name for sample in islice(samples, 2000) for operation in sample.task.operations
    }
    assert "sort" not in drawn
    assert "sort-descending" in drawn


def test_corpus_repeats_no_program_no_statement_and_no_id():
    for name in ("program", "statement", "id"):
        assert len({getattr(record, name) for record, _ in CORPUS}) == len(CORPUS)


def test_corpus_ids_count_from_one_after_the_prefix():
    ids = [record.id for record, _ in CORPUS]
    assert ids == [f"some-{number:05d}" for number in range(1, len(CORPUS) + 1)]


def test_corpus_records_say_what_they_are_and_come_with_three_tests():
    for record, tests in CORPUS:
        assert (record.language, record.source) == ("lua", "grammar")
        assert record.extras["composition"].endswith("|" + ">".join(record.extras["operations"]))
        assert bucket_of(record.extras["composition"]) in SPLIT_BUCKETS["corpus"]
        assert len(tests) == 3


def test_corpus_programs_pass_their_tests(sandbox):
    for record, tests in CORPUS:
        judgement = sandbox.judge(record.program, [TestCase(*test) for test in tests])
        assert judgement.verdict is Verdict.ACCEPTED, (record.program, judgement)


def test_problems_repeat_no_composition_and_no_id():
    for name in ("composition", "question_id"):
        assert len({problem[name] for problem in PROBLEMS}) == len(PROBLEMS)


def test_problems_are_of_the_split_and_say_what_they_are():
    for problem in PROBLEMS:
        assert bucket_of(problem["composition"]) in SPLIT_BUCKETS["bench"]
        shape, operations = problem["composition"].split("|")
        assert problem["tags"] == [shape, *operations.split(">")]
        assert problem["title"] == operations.replace(">", " > ")
        assert problem["difficulty"] == "grammar"


def test_problems_have_twelve_tests_that_tell_programs_apart():
    for problem in PROBLEMS:
        tests = decoded(problem)
        assert len(tests) == 12
        assert len({test.output for test in tests}) > 1
        assert all(len(test.output) <= 400 for test in tests)


def test_the_sample_of_a_problem_is_its_first_test():
    with_sample = 0
    for problem in PROBLEMS:
        _, found, sample = problem["question_content"].partition("Sample Input\n")
        if found:
            with_sample += 1
            first = decoded(problem)[0]
            given, expected = sample.split("Sample Output")
            assert given == first.input
            assert expected.strip("\n") == first.output.strip("\n")
    assert len(PROBLEMS) / 4 < with_sample < len(PROBLEMS)


def test_references_of_problems_pass_all_tests(sandbox):
    for problem in PROBLEMS:
        tests = decoded(problem)
        assert sandbox.judge(problem["reference"], tests).verdict is Verdict.ACCEPTED
        for test in tests:
            assert printed_by(problem["reference_python"], test.input) == test.output


def test_shipped_bench_problems_are_what_the_generator_draws():
    lines = BENCH_PROBLEMS.read_text(encoding="utf-8").splitlines()
    shipped = [json.loads(line) for line in lines]
    assert shipped == list(islice(draw_problems(20261124, "bench"), len(shipped)))


@pytest.mark.parametrize(
    ("split", "name"), [("corpus", "train"), ("corpus-dev", "dev"), ("corpus-test", "test")]
)
def test_packaged_corpora_are_what_the_generator_draws(split, name):
    shipped = load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl")[:154]
    drawn = tuple(record for record, _ in islice(draw_corpus(1, split, name), len(shipped)))
    assert drawn == shipped
