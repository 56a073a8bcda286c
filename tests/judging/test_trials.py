from dataclasses import replace

import pytest

from knm.datastore import mine
from knm.engine import open_engine
from knm.errors import UserError
from knm.jsonio import dumps, parse_object
from knm.judging import trials
from knm.judging.trials import Trial, TrialSettings, judge_in_parts, run_trial
from knm.models import encode_example
from knm.problems import fence_program, load_problems
from knm.records import Request
from knm.retrieval import Retriever, resolve_preset
from knm.sandbox import Verdict
from tests.problems.problem_files import short_records, without_tests, write_problems

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none

SETTINGS = TrialSettings(max_new_tokens=128)


@pytest.fixture(scope="module")
def problems(tmp_path_factory):
    path = tmp_path_factory.mktemp("trials") / "set.jsonl"
    records = [*short_records(2), without_tests("untested")]
    return load_problems(write_problems(path, records)).problems


@pytest.fixture(scope="module")
def oracle(embedded, problems, tmp_path_factory):
    """A datastore of the references of these very problems."""
    examples = [
        encode_example(
            embedded.tokenizer,
            problem.question_id,
            SETTINGS.request(problem).prompt,
            fence_program(problem.extras["reference"]),
        )
        for problem in problems[:2]
    ]
    return mine(embedded, examples, tmp_path_factory.mktemp("oracle"), corpus_hash="oracle")


@pytest.fixture(scope="module")
def trial(embedded, problems, oracle):
    retriever = Retriever(oracle, resolve_preset("v1", lmbda=0.99))
    return run_trial(problems, embedded, retriever, "local", SETTINGS, workers=2)


def test_each_problem_is_decoded_and_judged_in_the_order_given(trial, problems):
    assert [result.question_id for result in trial.results] == [p.question_id for p in problems]
    assert [result.verdict for result in trial.results[:2]] == [Verdict.ACCEPTED] * 2
    for result, problem in zip(trial.results[:2], problems[:2], strict=True):
        assert result.program == problem.extras["reference"]
        assert result.judgement.tests_passed == result.judgement.tests_total == 12


def test_a_broken_problem_is_reported_apart_and_never_a_failure(trial, problems):
    assert [fault.question_id for fault in trial.faults] == ["untested"]
    told = {result.question_id: result.accepted for result in trial.counted}
    assert told == {problem.question_id: True for problem in problems[:2]}
    assert (trial.totals.counted, trial.totals.passed) == (2, 2)


def test_a_trial_is_read_back_from_its_json(trial):
    again = Trial.from_json(parse_object(dumps(trial.to_json()), "trial"), "trial")
    assert again == trial
    assert again.tokens == sum(result.completion_tokens for result in trial.results) > 0
    assert again.tokens_per_second == pytest.approx(trial.tokens / trial.decode_seconds)
    with pytest.raises(UserError, match="row.json: not a trial"):
        Trial.from_json({"results": []}, "row.json")


def test_parts_are_given_out_as_they_come_and_are_those_of_the_whole(
    embedded, problems, oracle, trial, monkeypatch
):
    opened = []

    def open_counted(*arguments, **options):
        opened.append(arguments)
        return open_engine(*arguments, **options)

    monkeypatch.setattr(trials, "open_engine", open_counted)
    retriever = Retriever(oracle, resolve_preset("v1", lmbda=0.99))
    found = list(judge_in_parts(problems, embedded, retriever, "local", SETTINGS, 1, workers=1))
    assert [problem for problem, _ in found] == list(problems)
    for (_, result), whole in zip(found, trial.results, strict=True):
        assert (result.text, result.verdict) == (whole.text, whole.verdict)
    assert len(opened) == 1


def test_requests_and_language_can_be_others(embedded, problems):
    asked = []

    def request(problem):
        asked.append(problem.question_id)
        return Request(problem.question_id, "```python\nprint(", chat=False, max_new_tokens=4)

    settings = replace(SETTINGS, language="python")
    trial = run_trial(problems[:2], embedded, None, "local", settings, workers=1, request=request)
    assert asked == [problem.question_id for problem in problems[:2]]
    assert all(result.completion_tokens <= 4 for result in trial.results)
    assert trial.faults == ()


def test_a_prompt_that_fills_the_context_is_one_failure_and_not_the_end(embedded, problems):
    def request(problem):
        words = 1 if problem is problems[1] else 5000
        return Request(problem.question_id, "print " * words, chat=False, max_new_tokens=4)

    trial = run_trial(problems[:2], embedded, None, "local", SETTINGS, workers=1, request=request)
    first, second = trial.results
    assert (first.verdict, first.judgement.error_class) == (Verdict.TRUNCATED, "context")
    assert second.completion_tokens > 0
    assert trial.totals.counted == 2


def test_an_engine_that_fails_is_a_fault_and_never_a_failure(embedded, problems, oracle):
    retriever = Retriever(oracle, resolve_preset("dense"), Broken())
    trial = run_trial(problems[:1], embedded, retriever, "local", SETTINGS, workers=1)
    assert [fault.verdict for fault in trial.faults] == [Verdict.ENGINE_FAULT]
    assert trial.totals.counted == 0


class Broken:
    on_device = False

    def search(self, queries, k):
        raise RuntimeError("no search today")

    def keys(self, ids):
        raise RuntimeError("no keys today")
