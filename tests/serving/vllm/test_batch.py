import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.serving.vllm.batch import Batch, Served


def text(number: int) -> Served:
    return Served([number], [])


def test_a_step_is_taken_once_and_the_logits_after_it_are_of_prompts():
    batch, first = Batch(), text(0)
    assert batch.take(1) is None  # a warm-up before any step
    batch.begin_step(added=[(0, first)])
    assert batch.take(1) == [first]
    assert batch.take(1) is None
    batch.begin_step()
    assert batch.take(1) == [first]


def test_rows_that_are_not_those_of_the_texts_are_no_guess():
    batch = Batch()
    batch.begin_step(added=[(0, text(0)), (1, text(1))])
    with pytest.raises(RuntimeError, match=r"3 rows of logits for texts in rows \[0, 1\]"):
        batch.take(3)


def test_a_move_leaves_its_row_and_an_exchange_does_not():
    batch, texts = Batch(), [text(number) for number in range(3)]
    batch.begin_step(added=enumerate(texts))
    batch.begin_step(removed=[0], moved=[(2, 0, False)])
    assert batch.take(2) == [texts[2], texts[1]]
    batch.begin_step(moved=[(0, 1, True)])
    assert batch.take(2) == [texts[1], texts[2]]


@given(st.data())
def test_rows_are_those_of_an_engine_that_closes_its_gaps(data):
    batch, rows = Batch(), list[Served]()
    for _ in range(data.draw(st.integers(1, 8))):
        gone = data.draw(st.sets(st.integers(0, max(0, len(rows) - 1)), max_size=len(rows)))
        fresh = [text(0) for _ in range(data.draw(st.integers(0, 3)))]
        free, removed, added, moved = sorted(gone), list[int](), [], []
        for each in fresh:  # the lowest empty rows are taken first, as vLLM does
            row = free.pop(0) if free else len(rows)
            rows[row : row + 1] = [each]
            added.append((row, each))
        removed = list(free)
        while free:
            last = len(rows) - 1
            if last in free:
                free.remove(last)
            else:
                moved.append((last, free[0], False))
                rows[free.pop(0)] = rows[last]
            rows.pop()
        if len(rows) > 1:
            moved.append((0, len(rows) - 1, True))
            rows[0], rows[-1] = rows[-1], rows[0]
        batch.begin_step(removed, added, moved)
        taken = batch.take(len(rows))
        assert taken is not None
        assert all(one is other for one, other in zip(taken, rows, strict=True))
