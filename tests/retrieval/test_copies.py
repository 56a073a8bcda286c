import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from knm.retrieval import DecodingContext, Neighbours
from knm.retrieval.copies import CopyCheck
from tests.models.test_words import Texts
from tests.retrieval.stores import store_of

WORDS = Texts("a", " a", "b", " b", "c", "d")
SAME = (0, 0, 2, 2, 4, 5)
ENTRIES = 12


@st.composite
def cases(draw):
    """Copied entries, prompts, what was written behind each, and neighbours."""
    rows, k = draw(st.integers(1, 3)), draw(st.integers(1, 5))
    tokens = st.lists(st.integers(0, 5), max_size=3)
    length = draw(st.integers(0, 3))
    return (
        draw(st.lists(st.booleans(), min_size=ENTRIES, max_size=ENTRIES)),
        [draw(tokens) for _ in range(rows)],
        [draw(st.lists(st.integers(0, 5), min_size=length, max_size=length)) for _ in range(rows)],
        [draw(st.lists(st.integers(-1, ENTRIES - 1), min_size=k, max_size=k)) for _ in range(rows)],
    )


def found(ids: list[list[int]], values: np.ndarray) -> Neighbours:
    """Neighbours of those ids, nearest first; -1 is none."""
    wide = torch.tensor([sorted(row, key=lambda each: each < 0) for row in ids])
    near = torch.arange(wide.shape[1]).float().expand(wide.shape)
    return Neighbours(
        near.masked_fill(wide < 0, torch.inf),
        wide,
        torch.from_numpy(values)[wide.clamp_min(0)].masked_fill(wide < 0, 0),
    )


@given(cases())
def test_who_copied_a_word_that_does_not_stand_in_the_text_has_no_vote(case):
    copied, prompts, written, ids = case
    values = np.arange(ENTRIES) % len(WORDS)
    store = store_of(np.zeros((ENTRIES, 2)), values, copied=copied)
    check = CopyCheck.of(store, WORDS, len(WORDS), "cpu")
    context = DecodingContext.allocate(len(prompts), 0, "cpu", len(WORDS))
    for row, prompt in enumerate(prompts):
        check.begin(context, [row], [prompt])
    for step in range(len(written[0])):
        check.advance(context, torch.tensor([tokens[step] for tokens in written]))
    neighbours = found(ids, values)
    left = check.apply(context, neighbours)
    for row, (prompt, tokens) in enumerate(zip(prompts, written, strict=True)):
        seen = {SAME[token] for token in [*prompt, *tokens]}
        kept = [
            (float(distance), int(entry))
            for distance, entry in zip(neighbours.distances[row], neighbours.ids[row], strict=True)
            if entry >= 0 and not (copied[entry] and SAME[values[entry]] not in seen)
        ]
        missing = neighbours.ids.shape[1] - len(kept)
        assert left.ids[row].tolist() == [*(entry for _, entry in kept), *[-1] * missing]
        assert left.distances[row].tolist() == [*(near for near, _ in kept), *[np.inf] * missing]
        assert left.values[row, : len(kept)].tolist() == [values[entry] for _, entry in kept]


def test_a_row_that_begins_anew_has_seen_nothing():
    store = store_of(np.zeros((1, 2)), [2], copied=True)
    check = CopyCheck.of(store, WORDS, len(WORDS), "cpu")
    context = DecodingContext.allocate(2, 0, "cpu", len(WORDS))
    for row in (0, 1):
        check.begin(context, [row], [[3]])
    context.reset([1])
    left = check.apply(context, found([[0], [0]], np.array([2])))
    assert left.ids.tolist() == [[0], [-1]]


def test_an_empty_datastore_has_nothing_to_copy():
    empty = store_of(np.zeros((0, 2)))
    check = CopyCheck.of(empty, WORDS, len(WORDS), "cpu")
    context = DecodingContext.allocate(1, 0, "cpu", len(WORDS))
    assert check.apply(context, found([[-1, -1]], np.array([0]))).ids.tolist() == [[-1, -1]]
