from collections.abc import Sequence

import pytest

from knm.engine import Completion, Request
from knm.harness import CompletionService, evaluate, render_failure
from knm.problems import Problem, load_problems
from knm.sandbox import Verdict
from tests.harness.problem_files import grammar_records, without_tests, write_problems


@pytest.fixture
def problems(tmp_path) -> tuple[Problem, ...]:
    records = [*grammar_records(5), without_tests("untested")]
    return load_problems(write_problems(tmp_path / "set.jsonl", records)).problems


class ScriptedEngine:
    """Answers by problem id; counts the batches it was given."""

    def __init__(self, texts: dict[str, str], finish_reason: str = "stop") -> None:
        self.texts = texts
        self.finish_reason = finish_reason
        self.batches: list[list[str]] = []

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        self.batches.append([request.id for request in requests])
        return [
            Completion(
                id=request.id,
                text=self.texts.get(request.id, ""),
                finish_reason=self.finish_reason,
                prompt_tokens=3,
                completion_tokens=5,
                seconds=0.1,
                interventions=None,
            )
            for request in requests
        ]


class BrokenEngine:
    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        raise RuntimeError("out of luck")


def service(engine, problems, batch_size=2):
    return CompletionService(lambda: engine, lambda problem: "prompt", problems, batch_size)


def test_a_reference_is_accepted(problems, sandbox):
    problem = problems[0]
    text = f"Here it is:\n```lua\n{problem.extras['reference']}\n```"
    engine = ScriptedEngine({problem.question_id: text})
    outcome = evaluate(problem, service(engine, problems), sandbox, "lua")
    assert outcome.result.verdict is Verdict.ACCEPTED
    assert outcome.result.program == problem.extras["reference"]
    assert outcome.result.tests_passed == outcome.result.tests_total == 12


def test_batches_are_cut_from_the_whole_selection_and_decoded_once(problems, sandbox):
    engine = ScriptedEngine({})
    completions = service(engine, problems[:5])
    for index in (3, 2, 4):
        completions.complete(problems[index])
    ids = [problem.question_id for problem in problems]
    assert engine.batches == [ids[2:4], ids[4:5]]


def test_an_answer_without_code_is_a_failure_of_the_model(problems, sandbox):
    engine = ScriptedEngine({problems[0].question_id: "I cannot do that."})
    outcome = evaluate(problems[0], service(engine, problems), sandbox, "lua")
    assert outcome.result.verdict is Verdict.NO_CODE


def test_running_out_of_tokens_is_a_failure_of_the_model(problems, sandbox):
    engine = ScriptedEngine({problems[0].question_id: "```lua\nprint("}, finish_reason="length")
    outcome = evaluate(problems[0], service(engine, problems), sandbox, "lua")
    assert outcome.result.verdict is Verdict.TRUNCATED


def test_an_engine_that_fails_is_a_fault_and_never_a_failure(problems, sandbox):
    outcome = evaluate(problems[0], service(BrokenEngine(), problems), sandbox, "lua")
    assert outcome.result.verdict is Verdict.ENGINE_FAULT
    assert outcome.result.verdict.is_infrastructure
    assert "out of luck" in render_failure(outcome)


def test_a_problem_without_tests_is_broken_and_never_a_pass(problems, sandbox):
    engine = ScriptedEngine({"untested": "```lua\nprint(1)\n```"})
    outcome = evaluate(problems[-1], service(engine, problems), sandbox, "lua")
    assert outcome.result.verdict is Verdict.BROKEN_PROBLEM


def test_the_failure_text_shows_program_input_expected_and_got(problems, sandbox):
    engine = ScriptedEngine({problems[0].question_id: "```lua\nprint('nonsense')\n```"})
    text = render_failure(evaluate(problems[0], service(engine, problems), sandbox, "lua"))
    first = problems[0].tests.load()[0]
    assert text.startswith("wrong-output")
    for part in ("print('nonsense')", first.input.split("\n")[0], first.output.split("\n")[0]):
        assert part in text
    assert "    nonsense" in text
