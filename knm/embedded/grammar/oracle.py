"""What a task's answer is: the operations' Python meaning, applied to a drawn input.

The templates executed here are this package's own, so that they need no sandbox. Values are
bounded: an input that drives a value out of bounds is not used, which keeps every number exact
in LuaJIT's doubles and every program quick.
"""

import random
from functools import lru_cache
from types import CodeType
from typing import Any

from knm.embedded.grammar.model import HELPERS, Operation
from knm.embedded.grammar.programs import fill
from knm.embedded.grammar.shapes import VALUE, Drawn
from knm.embedded.grammar.tasks import Task

MAX_INTEGER = 1_000_000
MAX_ELEMENTS = 60
MAX_CHARACTERS = 200
MAX_CASES = 3


class OutOfBounds(Exception):
    """The input drives some value of the task past what a program should handle."""


def draw_test(task: Task, rng: random.Random, attempts: int = 20) -> tuple[str, str]:
    """One random (input, output) of a task, both ending in a newline unless empty.

    Raises:
        OutOfBounds: no attempt stayed within the bounds.
    """
    for _ in range(attempts):
        cases = [
            task.shape.draw(rng, task.k_bounds)
            for _ in range(rng.randint(1, MAX_CASES) if task.many_cases else 1)
        ]
        try:
            lines = [line for case in cases for line in answer(task, case)]
        except OutOfBounds:
            continue
        head = [str(len(cases))] if task.many_cases else []
        return "\n".join([*head, *(case.text for case in cases)]) + "\n", _text(lines)
    raise OutOfBounds(task.composition)


def answer(task: Task, case: Drawn) -> list[str]:
    """The lines that a correct program prints for one case.

    Raises:
        OutOfBounds: a value on the way leaves the bounds.
    """
    names = {name: _copy(value) for name, value in case.variables.items() if name != VALUE}
    names["x"] = _copy(case.variables.get(VALUE))
    for operation, constant in zip(task.operations, task.constants, strict=True):
        try:
            exec(_compiled(operation, constant), names)
        except ArithmeticError:
            raise OutOfBounds(operation.name) from None
        _check_bounds(names["y"])
        names["x"] = names["y"]
    return _printed(task.output_form, names["x"])


@lru_cache(maxsize=4096)
def _compiled(operation: Operation, constant: str | None) -> CodeType:
    helpers = [HELPERS[name]["python"] for name in operation.helpers]
    body = fill(operation.python[0], "x", "y", constant)
    return compile("\n".join([*helpers, body]), operation.name, "exec")


def _copy(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def _check_bounds(value: Any) -> None:
    elements = value if isinstance(value, list) else [value]
    if len(elements) > MAX_ELEMENTS:
        raise OutOfBounds
    for element in elements:
        too_long = isinstance(element, str) and len(element) > MAX_CHARACTERS
        if too_long or (isinstance(element, int) and abs(element) > MAX_INTEGER):
            raise OutOfBounds


def _printed(form: str, value: Any) -> list[str]:
    match form:
        case "value":
            return [str(value)]
        case "yes-no":
            return ["Yes" if value else "No"]
        case "line":
            return [" ".join(map(str, value))]
        case "lines":
            return [str(element) for element in value]
        case "counted":
            return [str(len(value)), " ".join(map(str, value))]
    raise AssertionError(form)


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
