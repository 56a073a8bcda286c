import random

import pytest

from knm.gathering.translation.drawing import answer_of, draw_tests
from knm.sandbox import open_sandbox
from knm.testcases import TestCase

SUM = "n = int(input())\nprint(sum(map(int, input().split())))"
PICKY = """\
n = int(input())
values = list(map(int, input().split()))
assert all(0 < value < 12 for value in values)
print(sum(values))"""
OTHER = SUM.replace("sum(", "-sum(")
KNOWN = [TestCase("3\n1 2 3\n", "6\n"), TestCase("2\n10 11\n", "21\n")]


@pytest.fixture(scope="module")
def python():
    with open_sandbox("local", language="python") as opened:
        yield opened


def drawn(python, programs, wanted=6, seed=0):
    return draw_tests(python, programs, KNOWN, wanted, random.Random(seed))


def test_known_tests_are_filled_up_with_outputs_of_the_program(python):
    found = drawn(python, [SUM])
    assert found.known == tuple(KNOWN)
    assert found.sources == (0,)
    assert len(found.tests) == 6
    assert len({test.input for test in found.tests}) == 6
    for test in found.drawn:
        count, values = test.input.strip().split("\n")
        assert len(values.split()) == int(count)
        assert test.output.strip() == str(sum(map(int, values.split())))


def test_inputs_that_any_program_refuses_are_not_sound(python):
    found = drawn(python, [SUM, PICKY])
    assert found.sources == (0, 1)
    for test in found.drawn:
        assert all(0 < int(value) < 12 for value in test.input.split("\n")[1].split())


def test_programs_that_fail_the_known_tests_have_no_say(python):
    found = drawn(python, [OTHER, SUM])
    assert found.sources == (1,)
    assert len(found.tests) == 6
    nobody = drawn(python, [OTHER])
    assert nobody.sources == ()
    assert nobody.drawn == ()


def test_programs_that_disagree_give_no_test(python):
    twice = "n = int(input())\nv = list(map(int, input().split()))\n"
    twice += "print(sum(v) if sum(v) in (6, 21) else 0)"
    outputs = {test.output.strip() for test in drawn(python, [SUM, twice]).drawn}
    assert outputs <= {"6", "21"}
    assert len(drawn(python, [SUM]).drawn) > len(drawn(python, [SUM, twice]).drawn)


def test_enough_known_tests_are_enough(python):
    assert drawn(python, [SUM], wanted=2).drawn == ()


@pytest.mark.parametrize(
    ("program", "answer"),
    [
        ("print(1)", "1\n"),
        ("print(input())", "given\n"),
        ("print()", None),
        ("1 / 0", None),
        ("print('x' * 5000)", None),
        ("import sys\nsys.stdout.buffer.write(b'\\xff')", None),
    ],
)
def test_an_answer_is_what_was_printed_in_full(python, program, answer):
    assert answer_of(python, program, "given") == answer
