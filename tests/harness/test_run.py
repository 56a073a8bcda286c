from dataclasses import replace

import pytest

from knm.errors import UserError
from knm.harness import RunOptions, prepare_run
from tests.harness.problem_files import ROOT, grammar_records, write_problems


def test_the_embedded_default_is_complete():
    run = prepare_run(RunOptions(), ROOT)
    assert len(run.problem_set) >= 120
    assert run.preset is None
    assert run.results.parent == ROOT / "results"
    assert run.prompt(run.problem_set.problems[0]).startswith("# Problem\n")


def test_knn_names_the_embedded_datastore_and_the_default_preset():
    run = prepare_run(RunOptions(knn=True), ROOT)
    assert run.datastore == ROOT / "datastore/embedded"
    assert run.preset is not None
    assert run.configuration["knn"]["preset"]["name"] == run.preset.name


def test_overrides_reach_the_preset():
    options = RunOptions(knn=True, knn_preset="v2", knn_k=3, knn_lambda=0.5, knn_temperature=7.0)
    run = prepare_run(options, ROOT)
    assert run.preset is not None
    assert (run.preset.k, run.preset.weight, run.preset.temperature) == (3, 0.5, 7.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (RunOptions(model="nope"), "--model nope"),
        (RunOptions(dtype="int3"), "--dtype int3"),
        (RunOptions(device="abacus"), "--device abacus"),
        (RunOptions(problems="nope.jsonl"), "nope.jsonl"),
        (RunOptions(prompt="nope"), "nope"),
        (RunOptions(language="cobol"), "cobol"),
        (RunOptions(knn=True, datastore="nope"), "--datastore nope"),
        (RunOptions(knn=True, knn_preset="v9"), "--knn-preset v9"),
        (RunOptions(knn=True, knn_lambda=1.5), "--knn-lambda 1.5"),
    ],
)
def test_what_is_not_there_is_named(options, message):
    with pytest.raises(UserError, match=message):
        prepare_run(options, ROOT)


def test_a_model_without_a_datastore_of_its_own_needs_one(tmp_path):
    model = tmp_path / "model"
    model.mkdir()
    for file in (ROOT / "knm/models/embedded").iterdir():
        (model / file.name).symlink_to(file)
    with pytest.raises(UserError, match="--datastore"):
        prepare_run(RunOptions(model=str(model), knn=True), ROOT)


def test_a_malformed_problem_line_is_named(tmp_path):
    path = write_problems(tmp_path / "set.jsonl", grammar_records(1))
    path.write_text(path.read_text() + '{"question_id": "x"}\n')
    with pytest.raises(UserError, match=r"set\.jsonl:2"):
        prepare_run(RunOptions(problems=str(path)), ROOT)


def test_a_longer_cpu_limit_moves_the_wall_limit_along():
    run = prepare_run(RunOptions(time_limit=60), ROOT)
    assert run.limits.cpu_seconds == 60
    assert run.limits.wall_seconds > 60


def test_settings_that_change_nothing_in_the_result_stay_out_of_the_configuration():
    first = prepare_run(RunOptions(), ROOT)
    second = replace(first, results=first.results.with_name("other.json"))
    assert first.configuration == second.configuration
    assert first.hashes() == second.hashes()
