import hashlib
import json
from dataclasses import dataclass, field, replace

import pytest

from knm.codec import to_json
from knm.engine import ContextExceeded
from knm.judging import evaluate, render_failure
from knm.judging.attempts import Candidate, judge_attempts, judge_completion
from knm.problems import BrokenProblem, Problem, TestCase, load_problems
from knm.records import Completion, Request
from knm.report import read_result
from knm.sandbox import Verdict, open_sandbox
from knm.serving import EngineLost
from tests.problems.problem_files import grammar_records, without_tests, write_problems
from tests.sandbox.programs import SUM, SUM_PROGRAM


@pytest.fixture
def problems(tmp_path) -> tuple[Problem, ...]:
    records = [*grammar_records(5), without_tests("untested")]
    return load_problems(write_problems(tmp_path / "set.jsonl", records)).problems


class Answers:
    """Completions by problem id and sample."""

    def __init__(self, *texts: str, finish_reason: str = "stop") -> None:
        self._texts = texts
        self._finish_reason = finish_reason

    def complete(self, request: Request) -> Completion:
        return Completion(
            id=request.id,
            text=self._texts[request.sample],
            finish_reason=self._finish_reason,
            prompt_tokens=3,
            completion_tokens=5,
            seconds=0.1,
            interventions=None,
        )


class NoAnswer:
    def complete(self, request: Request) -> Completion:
        raise EngineLost("out of luck")


def judge(problem, completions, sandbox, samples=1):
    requests = [Request(problem.question_id, "prompt", sample=n) for n in range(samples)]
    return evaluate(problem, requests, completions, sandbox, "lua")


def test_a_reference_is_accepted(problems, sandbox):
    problem = problems[0]
    text = f"Here it is:\n```lua\n{problem.extras['reference']}\n```"
    outcome = judge(problem, Answers(text), sandbox)
    assert outcome.verdict is Verdict.ACCEPTED
    assert outcome.program == problem.extras["reference"]
    assert outcome.judgement.tests_passed == outcome.judgement.tests_total == 12


def test_an_answer_without_code_is_a_failure_of_the_model(problems, sandbox):
    outcome = judge(problems[0], Answers("I cannot do that."), sandbox)
    assert outcome.verdict is Verdict.NO_CODE


def test_running_out_of_tokens_is_a_failure_of_the_model(problems, sandbox):
    outcome = judge(problems[0], Answers("```lua\nprint(", finish_reason="length"), sandbox)
    assert outcome.verdict is Verdict.TRUNCATED


def test_a_result_tells_of_its_problem_and_of_what_was_asked(sandbox, tmp_path):
    extras = {"title": "A  +\nB", "difficulty": "easy", "tags": ["a"], "errata": "typo"}
    (record,) = grammar_records(1)
    path = write_problems(tmp_path / "set.jsonl", [{**record, **extras}])
    outcome = judge(load_problems(path).problems[0], Answers("no code"), sandbox)
    assert (outcome.title, outcome.errata) == ("A + B", "typo")
    assert outcome.fields["difficulty"] == "easy"
    assert outcome.fields["tags"] == ["a"]
    assert not {"title", "errata", "reference"} & set(outcome.fields)
    assert outcome.prompt_hash == hashlib.sha256(b"prompt").hexdigest()
    assert record["question_content"] not in json.dumps(to_json(outcome))


def test_a_failure_text_shows_excerpts_of_what_is_kept_as_a_whole(problems, sandbox):
    attempt = Candidate.of(Answers("```lua\nprint(('x'):rep(9000))\n```").complete(
        Request(problems[0].question_id, "")), "lua")  # fmt: skip
    with open_sandbox(keep_io=True) as keeping:
        outcome = judge_attempts(problems[0], [attempt], keeping)
    assert len(outcome.judgement.got or "") == 9001
    text = render_failure(outcome)
    assert "more characters]" in text
    assert len(text) < 4000


class NoRoom:
    def complete(self, request: Request) -> Completion:
        raise ContextExceeded(request.id, 600, 512)


@pytest.mark.parametrize("samples", [1, 2])
def test_a_prompt_that_fills_the_context_is_a_failure_of_the_model(problems, sandbox, samples):
    result = judge(problems[0], NoRoom(), sandbox, samples)
    assert (result.verdict, result.judgement.error_class) == (Verdict.TRUNCATED, "context")
    assert not result.verdict.is_infrastructure
    assert "the prompt of 600 tokens leaves no room" in result.judgement.message
    assert (result.text, result.program) == ("", None)
    assert result.completions[0].finish_reason == "context"
    assert (result.prompt_tokens, result.judgement.tests_passed, result.judgement.tests_total) == (
        600,
        0,
        12,
    )


def test_a_broken_problem_stays_one_whatever_the_context(problems, sandbox):
    outcome = judge(problems[-1], NoRoom(), sandbox)
    assert outcome.verdict is Verdict.BROKEN_PROBLEM


def test_an_engine_that_fails_is_a_fault_and_never_a_failure(problems, sandbox):
    outcome = judge(problems[0], NoAnswer(), sandbox)
    assert outcome.verdict is Verdict.ENGINE_FAULT
    assert outcome.verdict.is_infrastructure
    assert "out of luck" in render_failure(outcome)


def test_a_problem_without_tests_is_broken_and_never_a_pass(problems, sandbox):
    outcome = judge(problems[-1], Answers("```lua\nprint(1)\n```"), sandbox)
    assert outcome.verdict is Verdict.BROKEN_PROBLEM


def test_the_failure_text_shows_program_input_expected_and_got(problems, sandbox):
    text = render_failure(judge(problems[0], Answers("```lua\nprint('nonsense')\n```"), sandbox))
    first = problems[0].tests.load()[0]
    assert text.startswith("wrong-output")
    for part in ("print('nonsense')", first.input.split("\n")[0], first.output.split("\n")[0]):
        assert part in text
    assert "    nonsense" in text


def test_of_several_samples_the_first_decides_and_all_are_reported(problems, sandbox):
    right = f"```lua\n{problems[0].extras['reference']}\n```"
    outcome = judge(problems[0], Answers("I give up.", right, right), sandbox, samples=3)
    result = outcome
    assert result.verdict is Verdict.NO_CODE
    verdicts = [sample.judgement.verdict for sample in result.samples]
    assert verdicts == ["no-code", "accepted", "accepted"]
    assert result.completion_tokens == 15
    assert read_result(to_json(result), "here") == result


def test_a_fault_in_any_sample_is_the_problems(problems, sandbox):
    class FirstOnly(Answers):
        def complete(self, request: Request) -> Completion:
            if request.sample:
                raise EngineLost("gone")
            return super().complete(request)

    outcome = judge(problems[0], FirstOnly("```lua\nprint(1)\n```"), sandbox, samples=2)
    assert outcome.verdict is Verdict.ENGINE_FAULT


class Counting:
    """A source of tests that counts how often they are decoded."""

    def __init__(self, source) -> None:
        self.source = source
        self.decoded = 0

    def load(self):
        self.decoded += 1
        return self.source.load()


@pytest.mark.parametrize("at", [0, -1])
def test_tests_are_decoded_once_for_all_samples(problems, sandbox, at):
    source = Counting(problems[at].tests)
    reference = problems[0].extras["reference"]
    answers = Answers(*[f"```lua\n{reference}\n```", "no program"] * 2)
    outcome = judge(replace(problems[at], tests=source), answers, sandbox, samples=4)
    sound = [Verdict.ACCEPTED, Verdict.NO_CODE] * 2
    broken = [Verdict.BROKEN_PROBLEM] * 4
    assert [sample.judgement.verdict for sample in outcome.samples] == (broken if at else sound)
    assert source.decoded == 1


@dataclass(frozen=True)
class Tests:
    """Tests held in memory, or the reason why there are none."""

    __test__ = False
    cases: tuple[TestCase, ...] = SUM
    trouble: str = field(default="")

    def load(self):
        if self.trouble:
            raise BrokenProblem(self.trouble)
        return self.cases


def problem(**tests):
    return Problem("p1", "Add.", Tests(**tests))


def test_completion_is_judged_on_the_problems_tests(sandbox):
    assert judge_completion(sandbox, problem(), SUM_PROGRAM, truncated=False).verdict == "accepted"
    # Ran out of tokens, but after the program was complete.
    assert judge_completion(sandbox, problem(), SUM_PROGRAM, truncated=True).verdict == "accepted"


def test_completion_without_a_program_is_no_code_or_truncated(sandbox):
    no_code = judge_completion(sandbox, problem(), None, truncated=False)
    assert (no_code.verdict, no_code.tests_total) == (Verdict.NO_CODE, 3)
    assert judge_completion(sandbox, problem(), None, truncated=True).verdict is Verdict.TRUNCATED


def test_program_cut_in_the_middle_is_truncated(sandbox):
    program = SUM_PROGRAM + "for i = 1, 3 do"
    judgement = judge_completion(sandbox, problem(), program, truncated=True)
    assert judgement.verdict is Verdict.TRUNCATED
    assert "'end' expected" in judgement.message
    judgement = judge_completion(sandbox, problem(), program, truncated=False)
    assert judgement.verdict is Verdict.SYNTAX_ERROR


@pytest.mark.parametrize("program", [None, SUM_PROGRAM, "syntax error"])
def test_broken_problem_is_the_problems_fault_whatever_the_program(sandbox, program):
    judgement = judge_completion(sandbox, problem(trouble="bad base64"), program, truncated=False)
    assert (judgement.verdict, judgement.message) == (Verdict.BROKEN_PROBLEM, "bad base64")
