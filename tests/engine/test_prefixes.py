import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.engine.prefixes import Held, PrefixIndex

TOKENS = st.lists(st.integers(0, 1), max_size=9)


def shared(one: list[int], other: list[int]) -> int:
    count = 0
    while count < min(len(one), len(other)) and one[count] == other[count]:
        count += 1
    return count


@given(st.lists(st.tuples(st.integers(0, 3), TOKENS)), TOKENS, st.sampled_from([None, 1, 2, 3]))
def test_the_longest_beginning_that_any_slot_holds_is_found(puts, wanted, unit):
    index, held = PrefixIndex(unit), dict[int, list[int]]()
    for slot, prompt in puts:
        index.put(slot, index.beginnings(prompt))
        held[slot] = prompt

    def usable(prompt: list[int]) -> int:
        length = shared(prompt, wanted)
        if length == len(wanted) and (length == len(prompt) or (unit and length % unit == 0)):
            return length
        return length // unit * unit if unit else 0

    # The last whole unit of a prompt is known by its end alone, whatever follows in another.
    best = max((usable(prompt) for prompt in held.values()), default=0)
    found = index.find(index.beginnings(wanted))
    if found is None:
        assert best == 0
    else:
        assert found.length == best
        assert held[found.slot][: found.length] == wanted[: found.length]


def test_a_slot_holds_its_last_prompt_alone():
    index = PrefixIndex(2)
    wanted, other = index.beginnings([1, 2, 3, 9]), index.beginnings([7, 8])
    index.put(4, index.beginnings([1, 2, 3, 4, 5]))
    assert index.find(wanted) == Held(4, 2)
    index.put(4, other)
    assert index.find(wanted) is None
    index.drop(4)
    assert index.find(other) is None


@pytest.mark.parametrize("prompt", [[], [1]])
def test_what_is_shorter_than_a_unit_is_found_whole(prompt):
    index = PrefixIndex(32)
    index.put(0, index.beginnings(prompt))
    assert index.find(index.beginnings(prompt)) == (Held(0, 1) if prompt else None)
