import json
import os
import random
import subprocess
import sys
from itertools import islice

from knm.corpora import SPLIT_BUCKETS, draw_corpus, draw_problems, draw_samples, lua_weight
from knm.corpora.splits import lua_weights

SCRIPT = """
from itertools import islice
from knm.corpora import draw_corpus, draw_problems
from knm.hashing import hash_json
print(hash_json([list(islice(draw_problems(1, "dev"), 30)),
                 [record.to_json() for record, _ in islice(draw_corpus(1, "corpus", "x"), 30)]]))
"""


def test_draws_depend_on_the_seed_and_on_nothing_else():
    hashes = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1
    first, second = (
        [record["question_id"] for record in islice(draw_problems(seed, "dev"), 20)]
        for seed in (1, 2)
    )
    assert first != second


def test_samples_stay_in_their_split():
    for split in ("train", "bench"):
        for sample in islice(draw_samples(random.Random(1), split, "python"), 100):
            assert sample.task.bucket in SPLIT_BUCKETS[split]


def test_lua_training_samples_lack_the_operations_that_weigh_0():
    missing = {name for name, weight in lua_weights().items() if weight == 0}
    for sample in islice(draw_samples(random.Random(1), "train", "lua", lua_weight), 400):
        assert not missing & {operation.name for operation in sample.task.operations}


def test_corpora_repeat_no_program_or_statement():
    records = [record for record, _ in islice(draw_corpus(1, "corpus", "x"), 400)]
    for field in ("id", "program", "statement"):
        assert len({getattr(record, field) for record in records}) == 400


def test_problems_repeat_no_composition_and_cannot_be_passed_blindly():
    problems = list(islice(draw_problems(1, "dev"), 150))
    assert len({problem["composition"] for problem in problems}) == 150
    assert len({problem["question_id"] for problem in problems}) == 150
    for problem in problems:
        tests = json.loads(problem["private_test_cases"])
        assert len(tests) == 12
        assert len({test["output"] for test in tests}) > 1
