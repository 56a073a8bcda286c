import json
import random
from itertools import combinations, islice

import pytest

from knm.corpora import load_corpus
from knm.embedded.generator import draw_samples
from knm.embedded.grammar import BUCKETS, CATALOGUE, Type, draw_task
from knm.embedded.splits import SPLIT_BUCKETS, lua_weights
from knm.packaged import EMBEDDED_CORPUS, EMBEDDED_PROBLEMS

BENCH_PROBLEMS = EMBEDDED_PROBLEMS / "grammar.jsonl"
PACKAGED = {"corpus": "train", "corpus-dev": "dev", "corpus-test": "test"}
SOURCES = [kind for kind in Type if CATALOGUE.accepting(kind)]
each_source = pytest.mark.parametrize("source", SOURCES, ids=lambda kind: kind.value)


def weights_of(source):
    return [lua_weights()[operation.name] for operation in CATALOGUE.accepting(source)]


def test_every_bucket_belongs_to_exactly_one_split():
    for first, second in combinations(SPLIT_BUCKETS.values(), 2):
        assert not first & second
    assert frozenset().union(*SPLIT_BUCKETS.values()) == frozenset(range(BUCKETS))


def test_bucket_depends_on_the_composition_alone():
    rng = random.Random(1)
    buckets: dict[str, set[int]] = {}
    for _ in range(5000):
        task = draw_task(rng)
        buckets.setdefault(task.composition, set()).add(task.bucket)
    assert len(buckets) < 5000
    assert all(len(found) == 1 for found in buckets.values())


@pytest.fixture(scope="module")
def drawn():
    """Samples of each split."""
    return [
        list(islice(draw_samples(random.Random(2), split, "lua"), 300)) for split in SPLIT_BUCKETS
    ]


def test_compositions_drawn_for_different_splits_are_disjoint(drawn):
    compositions = [{sample.task.composition for sample in samples} for samples in drawn]
    for first, second in combinations(compositions, 2):
        assert not first & second


def test_statements_and_programs_drawn_for_different_splits_are_disjoint(drawn):
    texts = [
        {text for sample in samples for text in (sample.statement, sample.program)}
        for samples in drawn
    ]
    for first, second in combinations(texts, 2):
        assert not first & second


@pytest.mark.parametrize(("split", "name"), PACKAGED.items())
def test_packaged_corpus_shares_no_composition_with_bench_problems(split, name):
    bench = {
        json.loads(line)["composition"]
        for line in BENCH_PROBLEMS.read_text(encoding="utf-8").splitlines()
    }
    packaged = {
        record.extras["composition"] for record in load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl")
    }
    assert not packaged & bench


def test_packaged_corpora_share_no_composition_statement_or_program():
    corpora = [load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl") for name in PACKAGED.values()]
    contents = [
        {
            text
            for record in records
            for text in (record.extras["composition"], record.statement, record.program)
        }
        for records in corpora
    ]
    for first, second in combinations(contents, 2):
        assert not first & second


def test_every_operation_has_a_lua_weight_from_zero_to_one():
    assert set(lua_weights()) == {operation.name for operation in CATALOGUE}
    assert all(0 <= weight <= 1 for weight in lua_weights().values())


@each_source
def test_a_third_of_the_operations_on_each_type_never_occur_in_lua(source):
    weights = weights_of(source)
    assert abs(weights.count(0.0) - len(weights) / 3) <= 0.5


@each_source
def test_some_operations_on_each_type_are_frequent_in_lua(source):
    assert 1.0 in weights_of(source)


def test_some_operations_are_rare_in_lua():
    assert any(0 < weight < 0.2 for weight in lua_weights().values())


def test_training_text_shows_all_frequent_operations_in_lua_and_no_absent_one():
    samples = islice(
        draw_samples(
            random.Random(4), "train", "lua", lambda operation: lua_weights()[operation.name]
        ),
        4000,
    )
    shown = {operation.name for sample in samples for operation in sample.task.operations}
    assert shown >= {name for name, weight in lua_weights().items() if weight == 1.0}
    assert not shown & {name for name, weight in lua_weights().items() if weight == 0.0}


def test_the_corpus_shows_operations_that_training_text_lacks():
    samples = islice(draw_samples(random.Random(5), "corpus", "lua"), 3000)
    shown = {operation.name for sample in samples for operation in sample.task.operations}
    missing = {name for name, weight in lua_weights().items() if weight == 0.0}
    # A draw of 3,000 leaves out a rare one now and then.
    assert len(missing & shown) >= 0.95 * len(missing)
