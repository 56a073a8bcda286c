import json
from dataclasses import replace

import pytest
import torch

from knm.datastore import MiningOptions
from knm.datastore.trial_mining import mine_trials
from knm.datastore.trials import TrialOptions, load_trials
from knm.engine import GenerationOptions, open_engine
from knm.errors import UserError
from knm.gathering.exploring import check_explore, explore
from knm.gathering.token_trials import ExploreOptions
from knm.judging.requests import problem_request
from knm.models import encode_prompt
from knm.problems import extract_program, load_problems, load_template
from knm.records import Request
from knm.sandbox import Verdict, open_sandbox
from tests.problems.problem_files import short_records, without_tests, write_problems

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    path = tmp_path_factory.mktemp("explored") / "set.jsonl"
    rows = [*short_records(3), without_tests("untested")]
    rows[1]["of_problem"] = "root"
    return write_problems(path, rows)


@pytest.fixture(scope="module")
def options(problems, tmp_path_factory):
    return ExploreOptions(
        problems=str(problems),
        out=tmp_path_factory.mktemp("trials") / "trials.jsonl",
        prompt="task",
        trials=4,
        least_probability=1e-6,
        max_new_tokens=128,
        batch_size=8,
        workers=2,
    )


@pytest.fixture(scope="module")
def found(embedded, options):
    return explore(options, embedded)


@pytest.fixture(scope="module")
def explored(found, options):
    del found
    return load_trials(options.out)[1]


def test_the_greedy_program_is_the_engines_and_its_verdict_the_sandboxes(
    embedded, problems, explored, options
):
    engine = open_engine(embedded, GenerationOptions(128, 8))
    by_id = {problem.question_id: problem for problem in load_problems(str(problems))}
    assert len(explored) == 3
    assert [each.of_problem for each in explored] == [None, "root", None]
    for each in explored:
        prompt = embedded.tokenizer.decode(each.prompt_ids)
        problem = by_id[each.id]
        assert problem.question_content in prompt
        request = Request(each.id, prompt, chat=False)
        assert tuple(embedded.tokenizer(prompt)["input_ids"]) == each.prompt_ids
        (completion,) = engine.complete([request])
        assert completion.tokens == each.completion_ids
        with open_sandbox("local") as sandbox:
            program = extract_program(completion.text)
            assert program is not None
            judged = sandbox.judge(program, problem.tests.load())
        assert (each.verdict, each.tests_passed) == (judged.verdict, judged.tests_passed)


def test_trials_stand_behind_the_whole_context_the_systems_text_included(
    embedded, problems, options, tmp_path
):
    template = load_template("ag-livecodebench-x")
    first = replace(
        options, prompt=template.name, out=tmp_path / "t.jsonl", trials=1, max_new_tokens=16
    )
    explore(first, embedded)
    by_id = {problem.question_id: problem for problem in load_problems(str(problems))}
    for each in load_trials(first.out)[1]:
        asked = problem_request(by_id[each.id], template, "lua")
        assert asked.system
        assert each.prompt_ids == tuple(
            encode_prompt(embedded.tokenizer, asked.prompt, asked.system, asked.chat_arguments)
        )


def test_a_trial_is_another_likely_token_and_the_program_that_follows_it(
    embedded, problems, explored
):
    by_id = {problem.question_id: problem for problem in load_problems(str(problems))}
    engine = open_engine(embedded, GenerationOptions(128, 8))
    for each in explored[:2]:
        assert len(each.trials) == 4
        assert len({(trial.position, trial.token) for trial in each.trials}) == 4
        for trial in each.trials:
            before = each.prompt_ids + each.completion_ids[: trial.position]
            with torch.inference_mode():
                logits = embedded.model(input_ids=torch.tensor([before])).logits[0, -1]
            chances = logits.float().softmax(-1)
            assert trial.token in chances.topk(3).indices.tolist()
            assert trial.token != each.completion_ids[trial.position]
            assert trial.probability == pytest.approx(float(chances[trial.token]), rel=1e-2)
            prompt = embedded.tokenizer.decode(each.prompt_ids)
            prefix = (*each.completion_ids[: trial.position], trial.token)
            request = Request(each.id, prompt, chat=False, prefix=prefix)
            (rest,) = engine.complete([replace(request, max_new_tokens=128 - len(prefix))])
            text = embedded.tokenizer.decode([*prefix, *rest.tokens], skip_special_tokens=True)
            program = extract_program(text)
            if program is None:
                assert trial.verdict in (Verdict.NO_CODE, Verdict.TRUNCATED)
                continue
            with open_sandbox("local") as sandbox:
                judged = sandbox.judge(program, by_id[each.id].tests.load())
            assert trial.verdict == judged.verdict
            assert trial.tests_passed == judged.tests_passed


def test_what_was_tried_is_counted_and_faults_are_no_outcome(found, explored):
    assert (found.problems, found.faults, found.left_out) == (3, 1, 0)
    assert found.trials == sum(len(each.trials) for each in explored)
    outcomes = [each.outcome(trial) for each in explored for trial in each.trials]
    assert (found.gained, found.lost) == (outcomes.count(1), outcomes.count(-1))
    assert found.solved == sum(each.verdict is Verdict.ACCEPTED for each in explored)
    assert found.tokens > 0


def test_what_is_there_is_not_explored_again(embedded, options, found, explored, tmp_path):
    lines = options.out.read_text().splitlines()
    cut = tmp_path / "trials.jsonl"
    cut.write_text("\n".join(lines[:3]) + "\n" + lines[3][:50])  # killed in the third problem
    again = explore(replace(options, out=cut), embedded)
    assert load_trials(cut)[1] == explored
    assert 0 < again.tokens < found.tokens
    assert (again.trials, again.gained, again.lost) == (found.trials, found.gained, found.lost)


def test_other_settings_do_not_go_on_in_the_same_file(embedded, options, found):
    del found
    before = options.out.read_bytes()
    with pytest.raises(UserError, match=r"other settings.*or another file"):
        explore(replace(options, trials=5), embedded)
    assert options.out.read_bytes() == before


def test_a_file_of_something_else_is_left_alone(embedded, options, tmp_path):
    path = tmp_path / "trials.jsonl"
    path.write_text(json.dumps({"key": "x", "value": 1}) + "\n")
    with pytest.raises(UserError, match="holds something else"):
        explore(replace(options, out=path), embedded)


def test_a_template_without_a_chat_is_refused(options):
    with pytest.raises(UserError, match="without a chat template"):
        check_explore(replace(options, prompt="completion"))


def test_problems_of_the_bench_are_left_out(options, tmp_path):
    bench = short_records(2)
    own = {**bench[0], "question_id": "own", "question_content": "Print 1.", "reference": ""}
    own.pop("composition", None)
    path = write_problems(tmp_path / "set.jsonl", [*bench, own])
    asked = replace(options, problems=str(path), out=tmp_path / "out.jsonl")
    problem_set, _, left_out = check_explore(replace(asked, held_out=("embedded",)))
    assert [problem.question_id for problem in problem_set] == ["own"]
    assert left_out == 2
    write_problems(path, bench)
    with pytest.raises(UserError, match="all 2 problems are like held-out ones"):
        check_explore(replace(asked, held_out=("embedded",)))


def test_what_was_explored_can_be_mined(embedded, options, explored, tmp_path):
    store = mine_trials(
        embedded, options.out, tmp_path / "store", MiningOptions(), TrialOptions(dim=8)
    )
    assert len(store) == sum(len(each.trials) for each in explored)
    assert store.manifest.trials is not None
    assert (store.provenance["probability"] > 0).all()


def test_a_prefix_is_context_and_no_part_of_the_completion(embedded):
    engine = open_engine(embedded, GenerationOptions(24, 2))
    request = Request("a", "Print 1.")
    (whole,) = engine.complete([request])
    (rest,) = engine.complete([replace(request, prefix=whole.tokens[:5], max_new_tokens=19)])
    assert rest.tokens == whole.tokens[5:]
    prompt = encode_prompt(embedded.tokenizer, request.prompt)
    assert rest.prompt_tokens == len(prompt) + 5
