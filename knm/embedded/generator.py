"""Drawing training text, corpora and problem sets from the grammar, reproducibly."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from knm.corpora.records import CorpusRecord
from knm.embedded.grammar import (
    OutOfBounds,
    Style,
    Task,
    draw_task,
    draw_test,
    render_program,
    render_statement,
)
from knm.embedded.grammar.tasks import OperationWeight
from knm.embedded.splits import SPLIT_BUCKETS
from knm.hashing import hash_bytes

TESTS_PER_PROBLEM = 12
TESTS_PER_RECORD = 3
MAX_TEST_CHARACTERS = 400

Test = tuple[str, str]
"""A test's input and expected output."""


@dataclass(frozen=True)
class Sample:
    """A task with its wording and one program."""

    task: Task
    statement: str
    program: str
    language: str


def draw_samples(
    rng: random.Random,
    split: str,
    language: str,
    weight: OperationWeight = lambda _: 1.0,
) -> Iterator[Sample]:
    """Draw samples of one split without end."""
    for task in _draw_tasks(rng, split, weight):
        try:
            example = draw_test(task, rng)
        except OutOfBounds:
            continue
        yield _sample(task, rng, example, language)


def draw_corpus(seed: int, split: str, prefix: str) -> Iterator[tuple[CorpusRecord, list[Test]]]:
    """Draw Lua corpus records, each with tests of its program, without end.

    No program or statement comes twice. A caller should run the programs through a sandbox:
    records say that they are `verified`.
    """
    rng = random.Random(f"corpus {split} {seed}")
    seen: set[str] = set()
    for sample in draw_samples(rng, split, "lua"):
        if sample.program in seen or sample.statement in seen:
            continue
        try:
            tests = [draw_test(sample.task, rng) for _ in range(TESTS_PER_RECORD)]
        except OutOfBounds:
            continue
        seen.update((sample.program, sample.statement))
        record = CorpusRecord(
            id=f"{prefix}-{len(seen) // 2:05d}",
            statement=sample.statement,
            program=sample.program,
            language="lua",
            source="grammar",
            extras={
                "operations": [operation.name for operation in sample.task.operations],
                "composition": sample.task.composition,
                "verified": True,
            },
        )
        yield record, tests


def draw_problems(seed: int, split: str) -> Iterator[dict[str, Any]]:
    """Draw problem records without end, each of another composition.

    `reference` holds the Lua program and `reference_python` the Python one. A caller that
    publishes the records should run `reference` through a sandbox first.
    """
    rng = random.Random(f"problems {split} {seed}")
    seen: set[str] = set()
    for task in _draw_tasks(rng, split, lambda _: 1.0):
        if task.composition in seen:
            continue
        seen.add(task.composition)
        try:
            tests = [draw_test(task, rng) for _ in range(TESTS_PER_PROBLEM)]
        except OutOfBounds:
            continue
        if not _discriminating(tests):
            continue
        lua = _sample(task, rng, tests[0], "lua")
        yield {
            "question_id": f"grammar_{hash_bytes(task.composition.encode())[:10]}",
            "question_content": lua.statement,
            "private_test_cases": json.dumps(
                [
                    {"input": given, "output": expected, "testtype": "stdin"}
                    for given, expected in tests
                ]
            ),
            "title": " > ".join(operation.name for operation in task.operations),
            "difficulty": "grammar",
            "tags": [task.shape.name, *(operation.name for operation in task.operations)],
            "composition": task.composition,
            "reference": lua.program,
            "reference_python": render_program(task, "python", Style.draw(rng)),
        }


def _draw_tasks(rng: random.Random, split: str, weight: OperationWeight) -> Iterator[Task]:
    buckets = SPLIT_BUCKETS[split]
    while True:
        task = draw_task(rng, weight)
        if task.bucket in buckets:
            yield task


def _sample(task: Task, rng: random.Random, example: Test, language: str) -> Sample:
    statement = render_statement(task, rng, example)
    return Sample(task, statement, render_program(task, language, Style.draw(rng)), language)


def _discriminating(tests: list[Test]) -> bool:
    """Whether a program that ignores its input fails: outputs vary, and stay readable."""
    outputs = {output for _, output in tests}
    return len(outputs) > 1 and all(len(output) <= MAX_TEST_CHARACTERS for output in outputs)
