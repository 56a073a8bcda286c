"""Rendering a task as an English statement, in several surface styles."""

import random
from collections.abc import Callable, Mapping

from knm.embedded.grammar.model import Type
from knm.embedded.grammar.tasks import Task

_CASES = (
    "There are T test cases; do the following for each.",
    "The input starts with T, the number of independent cases.",
    "Solve T independent cases; T is on the first line.",
)
_OUTPUTS: Mapping[tuple[str, Type], tuple[str, ...]] = {
    ("value", Type.INT): ("Print the result.", "Output the resulting number.", "Print the answer."),
    ("value", Type.STR): ("Print the result.", "Output the resulting text.", "Print the answer."),
    ("yes-no", Type.BOOL): (
        "Print Yes or No.",
        "Output Yes if so and No otherwise.",
        'Answer with "Yes" or "No".',
    ),
    ("line", Type.LIST): (
        "Print the list on one line.",
        "Output the elements separated by spaces.",
    ),
    ("line", Type.WORDS): ("Print the words on one line.", "Output the words separated by spaces."),
    ("lines", Type.LIST): ("Print one element per line.", "Output every element on its own line."),
    ("lines", Type.WORDS): ("Print one word per line.", "Output every word on its own line."),
    ("counted", Type.LIST): (
        "Print the number of elements and then the elements on the next line.",
        "Output the count first and the list on a second line.",
    ),
    ("counted", Type.WORDS): (
        "Print the number of words and then the words on the next line.",
        "Output the count first and the words on a second line.",
    ),
}


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _first_then(steps: list[str]) -> str:
    return " ".join(
        f"{'First' if index == 0 else 'Then'} {step}." for index, step in enumerate(steps)
    )


def _sentences(steps: list[str]) -> str:
    return " ".join(map(_sentence, steps))


def _numbered(steps: list[str]) -> str:
    return " ".join(f"{index}. {_sentence(step)}" for index, step in enumerate(steps, start=1))


def _chained(steps: list[str]) -> str:
    return _sentence(", then ".join(steps))


_JOINERS: tuple[Callable[[list[str]], str], ...] = (_first_then, _sentences, _numbered, _chained)


def render_statement(task: Task, rng: random.Random, sample: tuple[str, str]) -> str:
    """The statement; about half of them come with sections and a sample, as in contests."""
    story = _story(task, rng)
    style = rng.random()
    if style < 0.5:
        return story
    example = f"Sample Input\n{sample[0]}Sample Output\n{sample[1]}".rstrip("\n")
    if style < 0.7:
        return f"{story}\n\n{example}"
    form = f"T\n{task.shape.format}" if task.many_cases else task.shape.format
    return f"{story}\n\nInput\n{form}\n\nConstraints\n{task.shape.constraints}\n\n{example}"


def _story(task: Task, rng: random.Random) -> str:
    steps = []
    for operation, constant in zip(task.operations, task.constants, strict=True):
        phrase = rng.choice(operation.phrases)
        steps.append(phrase if constant is None else phrase.replace("$k", constant))
    parts = [rng.choice(task.shape.intros)]
    if task.many_cases:
        parts.append(rng.choice(_CASES))
    parts.append(rng.choice(_JOINERS)(steps))
    parts.append(rng.choice(_OUTPUTS[task.output_form, task.result_type]))
    return " ".join(parts)
