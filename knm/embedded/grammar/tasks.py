"""Drawing tasks: an input shape, one to four operations and an output form."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from knm.embedded.grammar.model import IntConstant, LetterConstant, Operation, Type
from knm.embedded.grammar.operations import CATALOGUE
from knm.embedded.grammar.shapes import SHAPES, Shape
from knm.hashing import hash_bytes

OperationWeight = Callable[[Operation], float]

LENGTH_WEIGHTS: Mapping[int, float] = {1: 0.15, 2: 0.40, 3: 0.30, 4: 0.15}
MANY_CASES_SHARE = 0.2
EARLY_BOOL_PENALTY = 0.3
"""A yes/no result ends a task, so that it is drawn less often while more steps are wanted."""

OUTPUT_FORMS: Mapping[Type, tuple[str, ...]] = {
    Type.INT: ("value",),
    Type.STR: ("value",),
    Type.BOOL: ("yes-no",),
    Type.LIST: ("line", "lines", "counted"),
    Type.WORDS: ("line", "lines", "counted"),
}
BUCKETS = 20


def bucket_of(composition: str) -> int:
    """A number below `BUCKETS`, by which compositions are split."""
    return int(hash_bytes(composition.encode()), 16) % BUCKETS


@dataclass(frozen=True)
class Task:
    """What is to be computed, without its wording.

    `constants` holds for each operation its constant as text, "k" where the input supplies it,
    or None where it takes none.
    """

    shape: Shape
    operations: tuple[Operation, ...]
    constants: tuple[str | None, ...]
    output_form: str
    many_cases: bool

    @property
    def composition(self) -> str:
        """What splits are made by: the input shape and the sequence of operations."""
        return f"{self.shape.name}|{'>'.join(operation.name for operation in self.operations)}"

    @property
    def bucket(self) -> int:
        """A number below `BUCKETS` that depends on the composition alone."""
        return bucket_of(self.composition)

    @property
    def result_type(self) -> Type:
        """The type of the value that is printed."""
        return self.operations[-1].target

    @property
    def k_bounds(self) -> IntConstant | None:
        """The bounds of the input's `k`, if the task reads one."""
        for operation, constant in zip(self.operations, self.constants, strict=True):
            if constant == "k" and isinstance(operation.constant, IntConstant):
                return operation.constant
        return None


def draw_task(rng: random.Random, weight: OperationWeight = lambda _: 1.0) -> Task:
    """Draw a task; an operation is chosen in proportion to `weight`, 0 meaning never."""
    shapes = list(SHAPES.values())
    while True:
        shape = rng.choices(shapes, [shape.weight for shape in shapes])[0]
        wanted = rng.choices(list(LENGTH_WEIGHTS), list(LENGTH_WEIGHTS.values()))[0]
        operations = _draw_operations(rng, shape.type, wanted, weight)
        takes_k = any(isinstance(operation.constant, IntConstant) for operation in operations)
        if len(operations) != wanted or (shape.reads_k and not takes_k):
            continue
        constants = _draw_constants(rng, operations, shape.reads_k)
        form = rng.choice(OUTPUT_FORMS[operations[-1].target])
        many_cases = shape.many_cases and rng.random() < MANY_CASES_SHARE
        return Task(shape, operations, constants, form, many_cases)


def _draw_operations(
    rng: random.Random, source: Type, wanted: int, weight: OperationWeight
) -> tuple[Operation, ...]:
    chosen: list[Operation] = []
    current = source
    while len(chosen) < wanted:
        candidates = [op for op in CATALOGUE.accepting(current) if op not in chosen]
        last = wanted - len(chosen) == 1
        weights = [
            weight(op) * (1.0 if last or op.target is not Type.BOOL else EARLY_BOOL_PENALTY)
            for op in candidates
        ]
        if not sum(weights):
            break
        chosen.append(rng.choices(candidates, weights)[0])
        current = chosen[-1].target
    return tuple(chosen)


def _draw_constants(
    rng: random.Random, operations: tuple[Operation, ...], reads_k: bool
) -> tuple[str | None, ...]:
    constants: list[str | None] = []
    for operation in operations:
        match operation.constant:
            case IntConstant(low, high):
                supplied = reads_k and "k" not in constants
                constants.append("k" if supplied else str(rng.randint(low, high)))
            case LetterConstant(letters):
                constants.append(rng.choice(letters))
            case None:
                constants.append(None)
    return tuple(constants)
