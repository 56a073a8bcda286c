"""From a problem to its result: completion, program, verdict."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from knm.engine import ContextExceeded
from knm.hashing import hash_bytes
from knm.judging.keeping import seconds_spared
from knm.languages.language import DEFAULT_LANGUAGE
from knm.problems import BrokenProblem, Problem, TestCase, TestSource, extract_program
from knm.problems.kinds import kind_of
from knm.problems.records import STDIN
from knm.records import Completion, Request
from knm.report import CONTEXT, ProblemResult, Sample
from knm.sandbox import Judgement, Sandbox, Verdict


class Completions(Protocol):
    """Where completions come from."""

    def complete(self, request: Request) -> Completion:
        """The completion of a request. Raises what kept it from being."""
        ...


@dataclass(frozen=True)
class Candidate:
    """A completion and the program in it, to be judged.

    The completion's `finish_reason` is the engine's, or `CONTEXT` where the prompt left no room.
    `language` is what the program is to be written in.
    """

    completion: Completion
    program: str | None
    language: str = DEFAULT_LANGUAGE

    @classmethod
    def of(cls, completion: Completion, language: str) -> "Candidate":
        """What an engine wrote, with the program of `language` taken out of it."""
        return cls(completion, extract_program(completion.text, language), language)

    def program_for(self, problem: Problem) -> str | None:
        """The program as an answer to a problem, whose statement it may go on from."""
        if problem.kind == STDIN:
            return self.program
        return kind_of(problem).find_program(problem, self.completion.text, self.language)

    @classmethod
    def of_nothing(cls, error: ContextExceeded) -> "Candidate":
        """What a model wrote whose context the prompt fills."""
        return cls(
            Completion(
                id=error.request_id,
                text="",
                finish_reason=CONTEXT,
                prompt_tokens=error.prompt_tokens,
                completion_tokens=0,
                seconds=0.0,
                interventions=None,
            ),
            None,
        )

    def judge(self, problem: Problem, sandbox: Sandbox) -> Judgement:
        """The verdict on it. Faults become verdicts, never exceptions."""
        without_room = self.completion.finish_reason == CONTEXT
        truncated = without_room or self.completion.truncated
        judgement = judge_completion(
            sandbox, problem, self.program_for(problem), truncated=truncated
        )
        if not without_room or judgement.verdict is not Verdict.TRUNCATED:
            return judgement
        return replace(
            judgement,
            error_class=CONTEXT,
            message=f"the prompt of {self.completion.prompt_tokens} tokens leaves no room in the "
            "model's context",
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
) -> ProblemResult:
    """Complete, extract and judge one problem. Faults become verdicts, never exceptions."""
    attempts = _attempts(requests, completions, language)
    return judge_attempts(problem, attempts, sandbox, prompt_hash(requests[0]))


def decode(
    problem: Problem, requests: Sequence[Request], completions: Completions, language: str
) -> ProblemResult:
    """Complete one problem and extract, and judge nothing: the verdict is `NOT_JUDGED`.

    A fault of the engine is one here too.
    """
    samples = (
        engine_fault(attempt)
        if isinstance(attempt, Exception)
        else Sample(attempt.completion, attempt.program_for(problem), Judgement(Verdict.NOT_JUDGED))
        for attempt in _attempts(requests, completions, language)
    )
    return _result(problem, samples, prompt_hash(requests[0]))


def _attempts(
    requests: Sequence[Request], completions: Completions, language: str
) -> Iterator[Attempt]:
    return (read_outcome(_outcome(request, completions), language) for request in requests)


def prompt_hash(request: Request) -> str:
    """The hash of what the model is asked, as results hold it."""
    return hash_bytes(request.prompt.encode(errors="surrogatepass"))


def _outcome(request: Request, completions: Completions) -> Outcome:
    try:
        return completions.complete(request)
    except Exception as error:
        return error


def judge_attempts(
    problem: Problem, attempts: Iterable[Attempt], sandbox: Sandbox, asked: str | None = None
) -> ProblemResult:
    """Judge one problem's samples, in their order. Faults become verdicts, never exceptions.

    The tests are decoded when the first sample needs them, once, and let go of at the end. `asked`
    is the hash of the prompt, None where it is not known.
    """
    decoded = replace(problem, tests=DecodedOnce(problem.tests))
    samples = (
        engine_fault(attempt)
        if isinstance(attempt, Exception)
        else judge_candidate(decoded, attempt, sandbox)
        for attempt in attempts
    )
    return _result(problem, samples, asked)


def _result(problem: Problem, samples: Iterable[Sample], asked: str | None) -> ProblemResult:
    return ProblemResult(
        problem.question_id,
        tuple(samples),
        problem.errata,
        title=problem.title,
        prompt_hash=asked,
        fields=problem.fields,
    )


class DecodedOnce:
    """A source of tests that keeps what another has decoded, or what it found wrong with them."""

    def __init__(self, source: TestSource) -> None:
        self.source = source
        self.found: tuple[TestCase, ...] | BrokenProblem | None = None

    def load(self) -> tuple[TestCase, ...]:
        """See `TestSource.load`."""
        if self.found is None:
            try:
                self.found = self.source.load()
            except BrokenProblem as error:
                self.found = error
        if isinstance(self.found, BrokenProblem):
            raise self.found
        return self.found


def judge_completion(
    sandbox: Sandbox, problem: Problem, program: str | None, *, truncated: bool
) -> Judgement:
    """Judge what was extracted from a completion against a problem's tests.

    Args:
        sandbox: where to run it.
        problem: its tests are asked for here.
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
    judgement = sandbox.judge(*kind_of(problem).assemble(program, tests))
    if truncated and judgement.verdict is Verdict.SYNTAX_ERROR:
        return replace(
            judgement,
            verdict=Verdict.TRUNCATED,
            message=f"the completion ran out of tokens: {judgement.message}",
        )
    return judgement


def judge_candidate(problem: Problem, candidate: Candidate, sandbox: Sandbox) -> Sample:
    """Judge one completion. Faults become verdicts, never exceptions.

    A judgement that was kept took as long as when it was made.
    """
    started, spared = time.perf_counter(), seconds_spared(sandbox)
    judgement = candidate.judge(problem, sandbox)
    seconds = time.perf_counter() - started + seconds_spared(sandbox) - spared
    return Sample(candidate.completion, candidate.program_for(problem), judgement, seconds)


class KeptFault(Exception):
    """A fault of the engine that a report tells of."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.message)
        self.judgement = judgement


def engine_fault(error: Exception) -> Sample:
    """What there is of a sample that the engine gave no completion for."""
    if isinstance(error, KeptFault):
        return Sample(None, None, error.judgement)
    judgement = Judgement(
        Verdict.ENGINE_FAULT, type(error).__name__, message=f"the engine failed: {error}"
    )
    return Sample(None, None, judgement)
