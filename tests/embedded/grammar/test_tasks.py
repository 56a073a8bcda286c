import random
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from knm.embedded.grammar import BUCKETS, Type, draw_task


@given(st.integers())
def test_a_task_is_well_typed(seed):
    task = draw_task(random.Random(seed))
    assert 1 <= len(task.operations) <= 4
    assert task.operations[0].source is task.shape.type
    for before, after in pairwise(task.operations):
        assert before.target is after.source
        assert before.target is not Type.BOOL
    assert len(set(task.operations)) == len(task.operations)


@given(st.integers())
def test_the_input_supplies_k_exactly_if_the_shape_reads_it(seed):
    task = draw_task(random.Random(seed))
    assert ("k" in task.constants) == task.shape.reads_k
    assert (task.k_bounds is not None) == task.shape.reads_k


@given(st.integers())
def test_draws_are_reproducible_and_in_a_bucket(seed):
    first, second = (draw_task(random.Random(seed)) for _ in range(2))
    assert first == second
    assert 0 <= first.bucket < BUCKETS


def test_an_operation_of_weight_0_is_never_drawn():
    rng = random.Random(3)
    for _ in range(300):
        task = draw_task(rng, lambda operation: float(not operation.name.startswith("int-")))
        assert not any(operation.name.startswith("int-") for operation in task.operations)
