"""Small helpers: test cases from pairs, and what a program prints."""

from knm.problems import TestCase
from knm.sandbox import Sandbox, Verdict


def cases(*pairs: tuple[str, str]) -> tuple[TestCase, ...]:
    return tuple(TestCase(given, expected) for given, expected in pairs)


SUM = cases(("1 2\n", "3\n"), ("10 -4\n", "6\n"), ("0 0\n", "0\n"))
SUM_PROGRAM = 'local a, b = io.read("*n", "*n")\nprint(a + b)\n'


def output_of(sandbox: Sandbox, program: str, stdin: str = "") -> str:
    """What a program that ends well prints, at most the excerpt's length of it."""
    judgement = sandbox.judge(program, cases((stdin, "not what it prints")))
    assert judgement.verdict is Verdict.WRONG_OUTPUT, judgement
    assert judgement.got is not None
    return judgement.got
