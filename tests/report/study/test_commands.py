"""The command of a report makes a run of its settings: checked against the bench's own options."""

import argparse
import shlex

import pytest

from knm.bench.options import OPTIONS, addoption_arguments, make_options
from knm.bench.run import prepare_run
from knm.options import RunOptions
from knm.report.study.commands import commands_of
from tests.problems.problem_files import ROOT
from tests.report.builders import result, write_report


def parsed(line: str) -> RunOptions:
    parser = argparse.ArgumentParser()
    for option in OPTIONS:
        parser.add_argument(option.flag, dest=option.name, **addoption_arguments(option))
    words = shlex.split(line)
    assert words[:2] == ["pytest", "bench"]
    return make_options(vars(parser.parse_args(words[2:])))


@pytest.mark.parametrize(
    "options",
    [
        RunOptions(),
        RunOptions(limit=3, max_new_tokens=64, time_limit=2.0, memory_limit=128),
        RunOptions(sample_problems=5, sample_seed=7, where="question_id!='a b'"),
        RunOptions(samples=4, temperature=0.8, top_p=0.9, seed=3, prompt="contest"),
    ],
)
def test_a_run_by_the_command_has_the_same_settings(options, tmp_path):
    run = prepare_run(options, ROOT)
    told = {
        "model": options.model,
        "problems": run.problem_set.name,
        **run.selection.settings(),
        "prompt": run.template.name,
        "language": options.language,
        "max_new_tokens": options.max_new_tokens,
        "samples": options.samples,
        "sampling": vars(run.sampling),
        "sandbox": options.sandbox,
        "limits": vars(run.limits),
        "knn": None,
    }
    report = write_report(tmp_path / "r.json", [result("q")], configuration=told)
    (line,) = commands_of(report)
    again = parsed(line)
    assert again.results is not None
    assert prepare_run(again, ROOT).requests(run.problem_set.problems[0]) == run.requests(
        run.problem_set.problems[0]
    )
    assert prepare_run(again, ROOT).problem_set.ids == run.problem_set.ids
    assert prepare_run(again, ROOT).limits == run.limits


def test_a_corrected_run_names_its_datastore_and_preset(tmp_path):
    knn = {"datastore": "mine", "preset": {"name": "v2", "k": 8}}
    report = write_report(tmp_path / "r.json", [result("q")], configuration={"knn": knn})
    options = parsed(next(commands_of(report)))
    assert (options.knn, options.datastore, options.knn_preset, options.knn_k) == (
        True,
        "mine",
        "v2",
        8,
    )
