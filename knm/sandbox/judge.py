"""From processes that ended to a verdict: which test failed first, and of what."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from knm.sandbox.classification import Complaint, classify, contains, find_complaint
from knm.sandbox.grading import matches, matches_leniently
from knm.sandbox.types import (
    COMPILER_SECONDS,
    EXCERPT_CHARACTERS,
    SIGNAL,
    Judgement,
    Limits,
    Verdict,
    excerpt,
    excerpt_of_end,
)

if TYPE_CHECKING:
    from knm.languages.execution import Execution
    from knm.sandbox.worker import Outcome
    from knm.testcases import TestCase


# Shares of its memory: nearly all, so that a crash is put down to it; and so much that a message
# which may be the program's own is believed.
MUCH_MEMORY, SOME_MEMORY = 0.9, 0.25


class Runner(Protocol):
    """What runs processes: it never sees an expected output."""

    def load(self, program: bytes, limits: Limits) -> Outcome:
        """Keep the program and compile it."""

    def run(self, stdin: bytes) -> Outcome:
        """Run the program that was loaded."""


@dataclass(frozen=True)
class Failure:
    """Why one process counts as failed."""

    verdict: Verdict
    error_class: str | None
    message: str


def judge_program(
    runner: Runner,
    language: Execution,
    limits: Limits,
    program: str,
    tests: Sequence[TestCase],
    kept: int = EXCERPT_CHARACTERS,
) -> Judgement:
    """Compile a program, then run it on each test until one fails.

    The first test that fails by the reference comparison settles the verdict; further tests are run
    only while the lenient comparison still accepts, for its sake. `kept` characters are kept of
    each text of the failing test.
    """
    compiled = runner.load(encode(program), limits)
    failure = failure_of_process(compiled, language, limits, program, compiling=True)
    if failure is not None:
        return with_outcome(judgement_of(failure, len(tests)), compiled, kept)
    verdict: Judgement | None = None
    cpu = wall = 0.0
    peak = passed = 0
    lenient = True
    for index, test in enumerate(tests):
        outcome = runner.run(encode(test.input))
        cpu, wall = cpu + outcome.cpu_seconds, wall + outcome.wall_seconds
        peak = max(peak, outcome.peak_memory_bytes)
        failure = failure_of_process(outcome, language, limits, program)
        lenient = failure is None and matches_leniently(outcome.stdout, test.output)
        if failure is None and not matches(outcome.stdout, test.output):
            message = f"wrong output on test {index + 1} of {len(tests)}"
            failure = Failure(Verdict.WRONG_OUTPUT, None, message)
        if failure is None:
            passed += verdict is None
        elif verdict is None:
            verdict = replace(
                with_outcome(judgement_of(failure, len(tests)), outcome, kept),
                tests_passed=passed,
                failing_test=index,
                failing_input=excerpt(test.input, kept),
                expected=excerpt(test.output, kept),
                got=excerpt(outcome.stdout.decode(errors="replace"), kept),
            )
        if not lenient and verdict is not None:
            break
    if verdict is None:
        verdict = Judgement(Verdict.ACCEPTED, None, "", passed, len(tests), exit_code=0)
    return replace(
        verdict,
        cpu_seconds=cpu,
        wall_seconds=wall,
        peak_memory_bytes=peak,
        lenient_accepted=lenient,
    )


def failure_of_process(
    outcome: Outcome, language: Execution, limits: Limits, program: str, *, compiling: bool = False
) -> Failure | None:
    """Why a process failed, whatever it wrote to standard output; None if it ended well."""
    # A runtime may turn the signal into an error, as Python does; and a program may send itself the
    # signal. It is the amount that tells.
    if outcome.exit_code != 0 and outcome.written_bytes >= limits.output_bytes:
        return Failure(
            Verdict.OUTPUT_LIMIT, None, f"more than {limits.output_bytes:,} bytes of output"
        )
    if outcome.stopped == "wall":
        return Failure(
            Verdict.TIMEOUT, None, f"wall time limit of {limits.wall_seconds:g} s exceeded"
        )
    if outcome.stopped == "cpu":
        seconds = limits.cpu_seconds
        if compiling and language.commands is not None:
            seconds = max(seconds, COMPILER_SECONDS)
        return Failure(Verdict.TIMEOUT, None, f"CPU time limit of {seconds:g} s exceeded")
    used = outcome.peak_memory_bytes / limits.memory_bytes
    if outcome.signal is not None and used > MUCH_MEMORY:
        # It did not look whether it was given the memory that it asked for.
        return Failure(
            Verdict.MEMORY_LIMIT,
            None,
            f"killed by {signal_name(outcome.signal)} with all of its memory in use",
        )
    if outcome.signal is not None:
        return Failure(Verdict.RUNTIME_ERROR, SIGNAL, f"killed by {signal_name(outcome.signal)}")
    if outcome.exit_code == 0:
        return None
    stderr = outcome.stderr.decode(errors="replace")
    complaint = find_complaint(stderr, language.complaint)
    return failure_of_complaint(
        complaint, outcome.exit_code, language, program, compiling=compiling, memory_used=used
    )


def failure_of_complaint(
    complaint: Complaint | None,
    exit_code: int | None,
    language: Execution,
    program: str,
    *,
    compiling: bool,
    memory_used: float | None = None,
) -> Failure:
    """Why a process that ended badly failed, by what it complained of.

    Args:
        complaint: found in standard error.
        exit_code: of the process.
        language: of the program.
        program: its text.
        compiling: whether it was the compiler that failed.
        memory_used: the largest share of its memory that it had in use; None if that is not known.
    """
    verdict, rows = (
        (Verdict.SYNTAX_ERROR, language.syntax_errors)
        if compiling
        else (Verdict.RUNTIME_ERROR, language.runtime_errors)
    )
    if complaint is None:
        return Failure(verdict, "exit-code", f"exit code {exit_code}")
    message = excerpt(complaint.message)
    retold = language.out_of_memory_retold
    if contains(language.out_of_memory, complaint.message) or (
        retold is not None
        and contains(retold, complaint.message)
        and (memory_used is None or memory_used > SOME_MEMORY)
    ):
        return Failure(Verdict.MEMORY_LIMIT, None, message)
    return Failure(verdict, classify(rows, complaint, program), message)


def judgement_of(failure: Failure, tests_total: int) -> Judgement:
    """A judgement that says no more than the failure does."""
    return Judgement(failure.verdict, failure.error_class, failure.message, tests_total=tests_total)


def with_outcome(judgement: Judgement, outcome: Outcome, kept: int) -> Judgement:
    """Add what the deciding process left behind."""
    return replace(
        judgement,
        exit_code=outcome.exit_code,
        stderr=excerpt_of_end(outcome.stderr.decode(errors="replace"), kept),
        cpu_seconds=outcome.cpu_seconds,
        wall_seconds=outcome.wall_seconds,
        peak_memory_bytes=outcome.peak_memory_bytes,
    )


def signal_name(number: int) -> str:
    """Such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def encode(text: str) -> bytes:
    """What a program is given of a text: UTF-8, as far as the text is that."""
    return text.encode(errors="surrogatepass")
