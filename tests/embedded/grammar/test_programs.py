"""Python and Lua renderings mean what the oracle says."""

import random
from itertools import islice

import pytest

from knm.embedded.grammar import (
    CATALOGUE,
    OutOfBounds,
    Style,
    Task,
    draw_task,
    draw_test,
    render_program,
)
from knm.problems import TestCase
from tests.embedded.pythons import UnreadInput, printed_by

STYLES = [
    Style(names, (first, *[second] * 5))
    for names in (0, 1)
    for first in (0, 1)
    for second in (0, 1)
]


def drawn(seed, count):
    rng = random.Random(seed)
    for _ in range(count):
        task = draw_task(rng)
        try:
            yield task, [draw_test(task, rng) for _ in range(3)]
        except OutOfBounds:
            continue


def test_the_helper_notices_unread_input():
    with pytest.raises(UnreadInput):
        printed_by("print(input())", "1\n2\n")


def test_python_programs_of_every_style_agree_with_the_oracle():
    for task, tests in drawn(1, 300):
        for style in STYLES:
            program = render_program(task, "python", style)
            for given, expected in tests:
                assert printed_by(program, given) == expected, program


def test_lua_programs_of_every_style_agree_with_the_oracle(sandbox):
    for task, tests in drawn(2, 75):
        cases = [TestCase(*test) for test in tests]
        for style in STYLES:
            program = render_program(task, "lua", style)
            judgement = sandbox.judge(program, cases)
            assert judgement.verdict == "accepted", f"{judgement}\n{program}"


@pytest.mark.parametrize("operation", list(CATALOGUE), ids=lambda operation: operation.name)
def test_every_operation_works_in_lua_in_every_idiom(operation, sandbox):
    task, tests = next(
        (task, tests)
        for task, tests in tasks_with(operation)
        if task.operations[0] is operation or len(task.operations) <= 2
    )
    for idiom in (0, 1):
        program = render_program(task, "lua", Style(0, (idiom,) * 6))
        assert sandbox.judge(program, tests).verdict == "accepted", program


@pytest.mark.parametrize("operation", list(CATALOGUE), ids=lambda operation: operation.name)
def test_every_operation_works_in_python_in_every_idiom(operation):
    for task, tests in islice(tasks_with(operation), 5):
        for idiom in (0, 1):
            program = render_program(task, "python", Style(1, (idiom,) * 6))
            for test in tests:
                assert printed_by(program, test.input) == test.output, program


def tasks_with(operation) -> "list[tuple[Task, list[TestCase]]]":
    def draws():
        rng = random.Random(operation.name)
        while True:
            task = draw_task(rng, lambda op: 50.0 if op is operation else 1.0)
            if operation in task.operations:
                try:
                    yield task, [TestCase(*draw_test(task, rng)) for _ in range(3)]
                except OutOfBounds:
                    continue

    return islice(draws(), 200)  # type: ignore[return-value]


def test_a_style_draw_mixes_idioms_now_and_then():
    styles = [Style.draw(random.Random(seed)) for seed in range(200)]
    mixed = sum(len(set(style.idioms)) > 1 for style in styles)
    assert 0 < mixed < 100
