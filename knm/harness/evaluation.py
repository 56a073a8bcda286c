"""From a problem to its result: completion, program, verdict."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knm.problems import Problem, extract_program
from knm.report import ProblemResult
from knm.sandbox import Judgement, Sandbox, Verdict, judge_completion

if TYPE_CHECKING:
    from knm.engine import Completion, Engine


class CompletionService:
    """Completions of the selected problems, decoded a batch at a time when first asked for.

    Batches are cut from the whole selection in its order, whichever problems this process ends
    up asking for: every worker decodes the same batches.
    """

    def __init__(
        self,
        open_engine: "Callable[[], Engine]",
        prompt: Callable[[Problem], str],
        selected: Sequence[Problem],
        batch_size: int,
    ) -> None:
        self._open_engine = open_engine
        self._prompt = prompt
        self._engine: Engine | None = None
        self._done: dict[str, Completion | Exception] = {}
        self._batch_of = {
            problem.question_id: selected[start : start + batch_size]
            for start in range(0, len(selected), batch_size)
            for problem in selected[start : start + batch_size]
        }

    def complete(self, problem: Problem) -> "Completion":
        """The problem's completion. Raises what the engine raised on its batch."""
        if problem.question_id not in self._done:
            self._decode(self._batch_of[problem.question_id])
        outcome = self._done[problem.question_id]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def _decode(self, batch: Sequence[Problem]) -> None:
        from knm.engine import Request

        outcomes: Sequence[Completion | Exception]
        try:
            if self._engine is None:
                self._engine = self._open_engine()
            outcomes = self._engine.complete(
                [Request(problem.question_id, self._prompt(problem)) for problem in batch]
            )
        except Exception as error:
            outcomes = [error] * len(batch)
        for problem, outcome in zip(batch, outcomes, strict=True):
            self._done[problem.question_id] = outcome


@dataclass(frozen=True)
class Evaluation:
    """A problem's result, and the judgement behind it where the judge was reached."""

    result: ProblemResult
    judgement: Judgement | None


def evaluate(
    problem: Problem, completions: CompletionService, sandbox: Sandbox, language: str
) -> Evaluation:
    """Complete, extract and judge one problem. Faults become verdicts, never exceptions."""
    try:
        completion = completions.complete(problem)
    except Exception as error:
        return Evaluation(_engine_fault(problem, error), None)
    program = extract_program(completion.text, language)
    started = time.perf_counter()
    judgement = judge_completion(sandbox, problem, program, truncated=completion.truncated)
    interventions = completion.interventions
    result = ProblemResult(
        question_id=problem.question_id,
        completion=completion.text,
        program=program,
        verdict=judgement.verdict,
        error_class=judgement.error_class,
        message=judgement.message,
        failing_test=judgement.failing_test,
        tests_passed=judgement.tests_passed,
        tests_total=judgement.tests_total,
        lenient_accepted=judgement.lenient_accepted,
        prompt_tokens=completion.prompt_tokens,
        completion_tokens=completion.completion_tokens,
        finish_reason=completion.finish_reason,
        generation_seconds=completion.seconds,
        judge_seconds=time.perf_counter() - started,
        knn=None if interventions is None else interventions.to_json(),
    )
    return Evaluation(result, judgement)


def _engine_fault(problem: Problem, error: Exception) -> ProblemResult:
    return ProblemResult(
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
    )
