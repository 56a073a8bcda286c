"""From a problem to its result: completion, program, verdict."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from knm.codec import to_json
from knm.engine import ContextExceeded
from knm.problems import BrokenProblem, Problem, extract_program
from knm.records import Completion, Request
from knm.report import CONTEXT, ProblemResult
from knm.sandbox import Judgement, Sandbox, Verdict


class Completions(Protocol):
    """Where completions come from."""

    def complete(self, request: Request) -> Completion:
        """The completion of a request. Raises what kept it from being."""
        ...


@dataclass(frozen=True)
class Evaluation:
    """A problem's result, and the judgement behind it where the judge was reached."""

    result: ProblemResult
    judgement: Judgement | None


@dataclass(frozen=True)
class Candidate:
    """A completion and the program in it, to be judged; None and 0 are what is not known.

    `finish_reason` is the engine's, or `CONTEXT` where the prompt left no room for a completion.
    """

    completion: str | None
    program: str | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish_reason: str | None = None
    generation_seconds: float = 0.0
    knn: dict[str, Any] | None = None

    @classmethod
    def of(cls, completion: Completion, language: str) -> "Candidate":
        """What an engine wrote, with the program of `language` taken out of it."""
        interventions = completion.interventions
        return cls(
            completion=completion.text,
            program=extract_program(completion.text, language),
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            finish_reason=completion.finish_reason,
            generation_seconds=completion.seconds,
            knn=None if interventions is None else to_json(interventions),
        )

    @classmethod
    def of_nothing(cls, error: ContextExceeded) -> "Candidate":
        """What a model wrote whose context the prompt fills."""
        return cls("", None, prompt_tokens=error.prompt_tokens, finish_reason=CONTEXT)

    def judge(self, problem: Problem, sandbox: Sandbox) -> Judgement:
        """The verdict on it. Faults become verdicts, never exceptions."""
        truncated = self.finish_reason in ("length", CONTEXT)
        judgement = judge_completion(sandbox, problem, self.program, truncated=truncated)
        if self.finish_reason != CONTEXT or judgement.verdict is not Verdict.TRUNCATED:
            return judgement
        return replace(
            judgement,
            error_class=CONTEXT,
            message=f"the prompt of {self.prompt_tokens} tokens leaves no room in the model's "
            "context",
        )


Outcome = Completion | Exception
"""What an engine has for a request: a completion, or what kept it from being."""

Attempt = Candidate | Exception
"""What there is to judge of a request; an exception is a fault of the engine."""


def read_outcome(outcome: Outcome, language: str) -> Attempt:
    """What is to be judged; where the prompt fills the model's context, an empty completion."""
    if isinstance(outcome, Completion):
        return Candidate.of(outcome, language)
    return Candidate.of_nothing(outcome) if isinstance(outcome, ContextExceeded) else outcome


def evaluate(
    problem: Problem,
    requests: Sequence[Request],
    completions: Completions,
    sandbox: Sandbox,
    language: str,
) -> Evaluation:
    """Complete, extract and judge one problem. Faults become verdicts, never exceptions."""
    attempts = (read_outcome(_outcome(request, completions), language) for request in requests)
    return judge_attempts(problem, attempts, sandbox)


def _outcome(request: Request, completions: Completions) -> Outcome:
    try:
        return completions.complete(request)
    except Exception as error:
        return error


def judge_attempts(problem: Problem, attempts: Iterable[Attempt], sandbox: Sandbox) -> Evaluation:
    """Judge one problem's samples, in their order. Faults become verdicts, never exceptions."""
    return combine_samples(
        [
            engine_fault(problem, attempt)
            if isinstance(attempt, Exception)
            else judge_candidate(problem, attempt, sandbox)
            for attempt in attempts
        ]
    )


def judge_completion(
    sandbox: Sandbox, problem: Problem, program: str | None, *, truncated: bool
) -> Judgement:
    """Judge what was extracted from a completion against a problem's tests.

    Args:
        sandbox: where to run it.
        problem: its tests are decoded here, and let go of afterwards.
        program: None where the completion holds none.
        truncated: whether the model ran out of tokens; decides what a failure is called where
            there is no program, or none that compiles.
    """
    try:
        tests = problem.tests.load()
    except BrokenProblem as error:
        return Judgement(Verdict.BROKEN_PROBLEM, message=str(error))
    if program is None:
        if truncated:
            return Judgement(
                Verdict.TRUNCATED,
                message="the completion ran out of tokens before a program",
                tests_total=len(tests),
            )
        return Judgement(
            Verdict.NO_CODE, message="the completion holds no program", tests_total=len(tests)
        )
    judgement = sandbox.judge(program, tests)
    if truncated and judgement.verdict is Verdict.SYNTAX_ERROR:
        return replace(
            judgement,
            verdict=Verdict.TRUNCATED,
            message=f"the completion ran out of tokens: {judgement.message}",
        )
    return judgement


def judge_candidate(problem: Problem, candidate: Candidate, sandbox: Sandbox) -> Evaluation:
    """Judge one completion. Faults become verdicts, never exceptions."""
    started = time.perf_counter()
    judgement = candidate.judge(problem, sandbox)
    result = ProblemResult(
        question_id=problem.question_id,
        completion=candidate.completion,
        program=candidate.program,
        verdict=judgement.verdict,
        error_class=judgement.error_class,
        message=judgement.message,
        failing_test=judgement.failing_test,
        tests_passed=judgement.tests_passed,
        tests_total=judgement.tests_total,
        lenient_accepted=judgement.lenient_accepted,
        prompt_tokens=candidate.prompt_tokens,
        completion_tokens=candidate.completion_tokens,
        finish_reason=candidate.finish_reason,
        generation_seconds=candidate.generation_seconds,
        judge_seconds=time.perf_counter() - started,
        knn=candidate.knn,
        errata=problem.errata,
    )
    return Evaluation(result, judgement)


def combine_samples(attempts: Sequence[Evaluation]) -> Evaluation:
    """One problem's samples as one evaluation.

    The first decides, so that the rate of passed problems is Pass@1; a fault in any of them is the
    problem's, because what they say together is then incomplete.
    """
    faults = [attempt for attempt in attempts if attempt.result.verdict.is_infrastructure]
    chosen = (faults or attempts)[0]
    if len(attempts) == 1:
        return chosen
    results = [attempt.result for attempt in attempts]
    together = replace(
        chosen.result,
        completion_tokens=sum(result.completion_tokens for result in results),
        generation_seconds=sum(result.generation_seconds for result in results),
        judge_seconds=sum(result.judge_seconds for result in results),
        samples=[result.to_sample() for result in results],
    )
    return replace(chosen, result=together)


def engine_fault(problem: Problem, error: Exception) -> Evaluation:
    """The result of a problem that the engine gave no completion for."""
    result = ProblemResult(
        question_id=problem.question_id,
        completion=None,
        program=None,
        verdict=Verdict.ENGINE_FAULT,
        error_class=type(error).__name__,
        message=f"the engine failed: {error}",
        failing_test=None,
        tests_passed=0,
        tests_total=0,
        lenient_accepted=False,
        prompt_tokens=0,
        completion_tokens=0,
        finish_reason=None,
        generation_seconds=0.0,
        judge_seconds=0.0,
        knn=None,
        errata=problem.errata,
    )
    return Evaluation(result, None)
