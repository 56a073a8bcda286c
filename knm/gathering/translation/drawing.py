"""Further tests of a problem: inputs varied from its own, outputs of programs that solve it."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from knm.gathering.translation.inputs import mutate
from knm.sandbox import Sandbox, Verdict
from knm.sandbox.types import EXCERPT_CHARACTERS
from knm.testcases import TestCase

TRIES_PER_TEST: Final = 12
MOST_SOURCES: Final = 3
"""Programs that have to agree on an output, at most."""


class SandboxLost(Exception):
    """The sandbox failed, which says nothing of the program in it."""


@dataclass(frozen=True)
class DrawnTests:
    """Tests of a problem: its own, then those drawn; `sources` are the programs that pass its own.

    `sources` are places in the list that was given.
    """

    known: tuple[TestCase, ...]
    drawn: tuple[TestCase, ...]
    sources: tuple[int, ...]

    @property
    def tests(self) -> tuple[TestCase, ...]:
        """All of them."""
        return self.known + self.drawn


def draw_tests(
    sandbox: Sandbox,
    programs: Sequence[str],
    known: Sequence[TestCase],
    wanted: int,
    rng: random.Random,
) -> DrawnTests:
    """Fill the known tests up to `wanted`, as far as sound inputs are found.

    An input is sound if up to `MOST_SOURCES` of the programs that pass the known tests answer it,
    all the same. `sandbox` runs programs of their language.

    Raises:
        SandboxLost: the sandbox failed.
    """
    passing = [
        place
        for place, program in enumerate(programs)
        if _verdict(sandbox, program, known) is Verdict.ACCEPTED
    ]
    judges = [programs[place] for place in passing[:MOST_SOURCES]]
    drawn: list[TestCase] = []
    seen = {test.input for test in known}
    inputs = [test.input for test in known]
    missing = max(0, wanted - len(known))
    tries = missing * TRIES_PER_TEST if judges else 0
    while tries and len(drawn) < missing:
        tries -= 1
        varied = mutate(inputs, rng)
        if varied in seen:
            continue
        seen.add(varied)
        output = _agreed(sandbox, judges, varied)
        if output is not None:
            drawn.append(TestCase(varied, output))
    return DrawnTests(tuple(known), tuple(drawn), tuple(passing))


def answer_of(sandbox: Sandbox, program: str, given: str) -> str | None:
    """What a program prints for an input; None where it fails, prints nothing, or too much.

    Raises:
        SandboxLost: the sandbox failed.
    """
    # No program prints this, so the judge says what was printed instead.
    expected = secrets.token_hex(16)
    judged = sandbox.judge(program, [TestCase(given, expected)])
    if judged.verdict.is_infrastructure:
        raise SandboxLost(judged.message)
    answer = judged.got or ""
    whole = len(answer) <= EXCERPT_CHARACTERS and "\ufffd" not in answer
    if judged.verdict is not Verdict.WRONG_OUTPUT or not answer.strip() or not whole:
        return None
    return answer


def _agreed(sandbox: Sandbox, programs: Sequence[str], given: str) -> str | None:
    answers = set()
    for program in programs:
        answer = answer_of(sandbox, program, given)
        if answer is None:
            return None
        answers.add(answer.rstrip())
        if len(answers) > 1:
            return None
    return answer


def _verdict(sandbox: Sandbox, program: str, tests: Sequence[TestCase]) -> Verdict:
    judged = sandbox.judge(program, tests)
    if judged.verdict.is_infrastructure:
        raise SandboxLost(judged.message)
    return judged.verdict
