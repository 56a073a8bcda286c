"""What a setter writes for one problem, and the record that is built from it."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from knm.jsonio import dumps

MIN_TESTS = 10
MAX_TESTS = 40
MAX_TRIES = 200


@dataclass(frozen=True)
class Authored:
    """One hand-written problem: everything that its record is made from."""

    question_id: str
    title: str
    difficulty: str
    """One of "beginner", "abc", "codeforces"."""
    statement: str
    """Own wording: task, input, output, constraints, samples."""
    oracle: Callable[[str], str]
    """Independent solution, clear rather than fast: stdin text -> stdout text."""
    fixed: tuple[str, ...]
    """Hand-picked inputs: the samples first, then edge cases."""
    generate: Callable[[random.Random], str]
    """One random input within the constraints, small or large."""
    random_count: int
    reference: str
    """A right Lua (LuaJIT 2.1) program."""
    wrong: tuple[str, ...]
    """Plausible Lua programs that the tests reject; at least two."""
    tags: tuple[str, ...]
    inspired_by: str | None = None
    """The published problem that this one restates, e.g. "AtCoder ABC305 A"."""


def record(problem: Authored) -> dict[str, Any]:
    """Build the problem's record; the same problem always gives the same record.

    Raises:
        ValueError: the tests cannot be made as declared.
    """
    inputs = make_inputs(problem)
    tests = [
        {"input": text, "output": one_final_newline(problem.oracle(text)), "testtype": "stdin"}
        for text in inputs
    ]
    return {
        "question_id": problem.question_id,
        "question_content": problem.statement.strip(),
        "private_test_cases": dumps(tests),
        "title": problem.title,
        "difficulty": problem.difficulty,
        "tags": list(problem.tags),
        "reference": one_final_newline(problem.reference.lstrip("\n")),
        "wrong": [one_final_newline(program.lstrip("\n")) for program in problem.wrong],
        "inspired_by": problem.inspired_by,
    }


def make_inputs(problem: Authored) -> list[str]:
    """The fixed inputs, then the random ones; no input occurs twice.

    Raises:
        ValueError: there are too few or too many tests, a fixed input occurs twice, or the
            generator does not find enough distinct inputs.
    """
    name = problem.question_id
    wanted = len(problem.fixed) + problem.random_count
    if not MIN_TESTS <= wanted <= MAX_TESTS:
        raise ValueError(f"{name}: {wanted} tests, expected {MIN_TESTS} to {MAX_TESTS}")
    inputs = list(dict.fromkeys(one_final_newline(text) for text in problem.fixed))
    if len(inputs) != len(problem.fixed):
        raise ValueError(f"{name}: a fixed input occurs twice")
    source = random.Random(problem.question_id)
    tries = 0
    while len(inputs) < wanted:
        text = one_final_newline(problem.generate(source))
        tries += 1
        if text not in inputs:
            inputs.append(text)
        elif tries > MAX_TRIES:
            raise ValueError(f"{name}: {MAX_TRIES} tries gave only {len(inputs)} distinct inputs")
    return inputs


def one_final_newline(text: str) -> str:
    """Make the text end in exactly one newline."""
    return text.rstrip("\n") + "\n"
