from dataclasses import replace
from itertools import islice

import pytest

from knm.corpora import load_corpus
from knm.embedded.generator import draw_problems
from knm.embedded.tuning_data import refuse_bench, refuse_test_split
from knm.errors import UserError
from knm.jsonio import write_jsonl
from knm.packaged import EMBEDDED_CORPUS
from knm.problems import ProblemSet, load_problems


def drawn(tmp_path, split):
    path = tmp_path / f"{split}.jsonl"
    write_jsonl(path, islice(draw_problems(7, split), 3))
    return load_problems(path)


def test_the_bench_is_refused_whole_in_part_and_renamed():
    bench = load_problems("embedded")
    for problems in (
        bench.problems,
        bench.problems[-1:],
        tuple(replace(p, question_id=f"mine-{n}", extras={}) for n, p in enumerate(bench)),
    ):
        with pytest.raises(UserError, match="belongs to the bench"):
            refuse_bench(ProblemSet("mine", problems, "hash"))


def test_new_problems_of_the_bench_split_are_refused(tmp_path):
    with pytest.raises(UserError, match="--split dev"):
        refuse_bench(drawn(tmp_path, "bench"))


def test_problems_of_the_dev_split_are_admitted(tmp_path):
    refuse_bench(drawn(tmp_path, "dev"))


def test_the_packaged_test_split_is_refused():
    test, dev = (load_corpus(EMBEDDED_CORPUS / f"{name}.jsonl") for name in ("test", "dev"))
    with pytest.raises(UserError, match="test-00002"):
        refuse_test_split((*dev[:3], replace(test[1], source="mine")))
    refuse_test_split(dev)
