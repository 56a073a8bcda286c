from hypothesis import given
from hypothesis import strategies as st

from knm.engine.packing import Part, lay_out

SPARE = 99


@given(
    st.lists(
        st.tuples(st.integers(0, 20), st.lists(st.integers(0, 9), min_size=1, max_size=40)),
        max_size=6,
    ),
    st.sampled_from([1, 2, 4]),
    st.integers(1, 5),
)
def test_every_token_is_computed_once_at_its_place_in_blocks_of_one_prompt(prompts, block, blocks):
    parts = [Part(slot, start, tokens) for slot, (start, tokens) in enumerate(prompts)]
    written = []
    for layout in lay_out(parts, block * blocks, block, SPARE):
        assert len(layout.tokens) == len(layout.positions) == len(layout.slots) == block * blocks
        real = [False] * (block * blocks)
        for number, (slot, start, count) in enumerate(layout.blocks.tolist()):
            rows = range(number * block, number * block + count)
            assert count <= block
            for place, row in enumerate(rows):
                real[row] = True
                assert (layout.slots[row], layout.positions[row]) == (slot, start + place)
                written.append((slot, start + place, int(layout.tokens[row])))
        assert [slot == SPARE for slot in layout.slots] == [not each for each in real]
    assert written == [
        (part.slot, part.start + place, token)
        for part in parts
        for place, token in enumerate(part.tokens)
    ]
