import pytest

from knm.bench import prepare_run
from knm.errors import UserError
from knm.judging.requests import problem_request
from knm.judging.trials import TrialSettings
from knm.options import RunOptions
from knm.problems import load_problems, load_template
from tests.problems.problem_files import grammar_records, write_problems


@pytest.fixture
def problems(tmp_path):
    return write_problems(tmp_path / "set.jsonl", grammar_records(2))


def test_the_bench_and_a_trial_ask_the_same(problems, tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("Solve in {language}:\n{statement}")
    options = RunOptions(problems=str(problems), prompt=str(template), language="python", samples=2)
    run = prepare_run(options, tmp_path)
    settings = TrialSettings(prompt=str(template), language="python")
    read = load_template(str(template))
    for problem in load_problems(str(problems)):
        asked = problem_request(problem, read, "python")
        assert asked.id == problem.question_id
        assert asked.prompt == f"Solve in Python 3:\n{problem.question_content}"
        assert settings.request(problem) == asked
        requests = run.requests(problem)
        assert [(each.id, each.prompt, each.sample) for each in requests] == [
            (asked.id, asked.prompt, 0),
            (asked.id, asked.prompt, 1),
        ]


def test_all_requests_of_a_trial_are_of_one_reading_of_its_template(problems, tmp_path):
    template = tmp_path / "mine.txt"
    template.write_text("{statement}")
    settings = TrialSettings(prompt=str(template))
    first, second = load_problems(str(problems))
    settings.request(first)
    template.write_text("changed {statement}")
    assert settings.request(second).prompt == second.question_content
    assert settings == TrialSettings(prompt=str(template))


def test_a_template_for_other_languages_is_refused(problems):
    problem, _ = load_problems(str(problems))
    with pytest.raises(UserError, match="prompt template 'contest'"):
        problem_request(problem, load_template("contest"), "python")
