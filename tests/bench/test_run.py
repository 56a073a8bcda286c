import subprocess
import sys
from dataclasses import replace

import pytest

from knm.bench import prepare_run
from knm.errors import UserError
from knm.options import RunOptions
from knm.records import GREEDY, Sampling
from tests.engine.configurations import CONFIGURATION
from tests.problems.problem_files import ROOT, grammar_records, write_problems


def test_the_embedded_default_is_complete():
    run = prepare_run(RunOptions(), ROOT)
    assert len(run.problem_set) >= 120
    assert run.results.parent == ROOT / "results"


def test_a_problem_is_one_request_for_each_sample():
    run = prepare_run(RunOptions(samples=3, temperature=0.8, top_p=0.9, seed=5), ROOT)
    problem = run.problem_set.problems[0]
    requests = run.requests(problem)
    assert [request.sample for request in requests] == [0, 1, 2]
    assert {request.id for request in requests} == {problem.question_id}
    assert {request.sampling for request in requests} == {Sampling(0.8, 0.9, 5)}
    assert all(request.prompt.startswith("# Problem\n") for request in requests)


def test_what_is_withheld_from_the_set_is_withheld_from_each_request():
    run = prepare_run(RunOptions(samples=2, temperature=0.8), ROOT)
    problem = run.problem_set.problems[0]
    assert {each.withheld for each in run.requests(problem)} == {None}
    assert {each.withheld for each in run.requests(problem, "why")} == {"why"}


def test_the_kind_of_a_set_is_asked_of_all_of_it_whatever_is_run():
    whole = prepare_run(RunOptions(), ROOT).sample_prompts()
    assert len(whole) > 60
    assert prepare_run(RunOptions(limit=1), ROOT).sample_prompts() == whole


def test_the_default_is_one_greedy_completion():
    run = prepare_run(RunOptions(), ROOT)
    (request,) = run.requests(run.problem_set.problems[0])
    assert (request.sampling, request.max_new_tokens, request.chat) == (GREEDY, 512, True)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions(problems="nope.jsonl"), "nope.jsonl"),
        (RunOptions(prompt="nope"), "nope"),
        (RunOptions(language="cobol"), "cobol"),
    ],
)
def test_what_is_not_there_is_named(options, message):
    with pytest.raises(UserError, match=message):
        prepare_run(options, ROOT)


def test_a_malformed_problem_line_is_named(tmp_path):
    path = write_problems(tmp_path / "set.jsonl", grammar_records(1))
    path.write_text(path.read_text() + '{"question_id": "x"}\n')
    with pytest.raises(UserError, match=r"set\.jsonl:2"):
        prepare_run(RunOptions(problems=str(path)), ROOT)


def test_a_longer_cpu_limit_moves_the_wall_limit_along():
    run = prepare_run(RunOptions(time_limit=60), ROOT)
    assert run.limits.cpu_seconds == 60
    assert run.limits.wall_seconds > 60


def test_the_configuration_says_what_decides_the_result_and_nothing_else():
    options = RunOptions(samples=2, temperature=0.5)
    first = prepare_run(options, ROOT)
    second = prepare_run(RunOptions(samples=2, temperature=0.5, results="x.json", fresh=True), ROOT)
    configuration = first.configuration(CONFIGURATION)
    assert configuration == second.configuration(CONFIGURATION)
    assert configuration["samples"] == 2
    assert configuration["sampling"] == {"temperature": 0.5, "top_p": 1.0, "seed": 0}
    assert configuration["knn"] == {"datastore": "small", "preset": CONFIGURATION.preset}
    assert first.hashes(CONFIGURATION)["datastore"] == CONFIGURATION.datastore_hash


def test_setting_a_run_up_loads_no_model_library():
    code = (
        "import sys; from pathlib import Path; from knm.bench import *;"
        "from knm.options import RunOptions;"
        "import knm.bench.plugin; prepare_run(RunOptions(), Path('.'));"
        "print(sorted({'torch', 'transformers', 'faiss', 'uvicorn'} & sys.modules.keys()))"
    )
    output = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert output.stdout == "[]\n"


def test_a_report_holds_hashes_of_all_of_the_model_and_what_of_it_was_not_applied():
    run = prepare_run(RunOptions(), ROOT)
    engine = replace(CONFIGURATION, unapplied={"repetition_penalty": 1.5})
    hashes = run.hashes(engine)
    assert hashes["model_config"] == engine.config_hash
    assert hashes["generation_config"] == engine.generation_hash
    assert run.configuration(engine)["unapplied_generation_config"] == {"repetition_penalty": 1.5}
    assert "generation_config" not in run.hashes(replace(engine, generation_hash=None))
