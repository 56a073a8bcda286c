from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knm.corpora import split_corpus
from knm.corpora.similarity import similar_records
from knm.errors import UserError
from tests.corpora.corpora import ids, record

SHARES = st.sampled_from([(0.8, 0.1, 0.1), (0.4, 0.3, 0.3), (1.0, 0.0, 0.0), (0.0, 0.5, 0.5)])


@st.composite
def corpora(draw):
    """Records of a few programs, each in some variants."""
    records = []
    for number in range(draw(st.integers(1, 25))):
        words = [f"f{draw(st.integers(0, 6))}(x{place})" for place in range(1)] * 20
        words[draw(st.integers(0, 19))] = f"g({draw(st.integers(0, 3))})"
        composition = f"c{draw(st.integers(0, 9))}"
        records.append(record(f"r{number}", " ".join(words), composition=composition))
    return records


@given(corpora(), SHARES, st.integers(0, 99))
@settings(max_examples=60)
def test_no_cluster_crosses_and_nothing_is_lost(records, shares, seed):
    sides = split_corpus(records, shares, threshold=0.7, seed=seed)
    side_of = {entry.id: name for name, held in sides.items() for entry in held}
    assert len(side_of) == len(records) == sum(map(len, sides.values()))
    pairs = similar_records(records, 0.7, "renamed")
    for left, right in zip(pairs.left, pairs.right, strict=True):
        assert side_of[records[left].id] == side_of[records[right].id]
    assert all(sides[name] == () for name, share in zip(sides, shares, strict=True) if not share)


@given(corpora(), SHARES, st.integers(0, 99))
def test_no_composition_crosses(records, shares, seed):
    sides = split_corpus(records, shares, by="composition", seed=seed)
    held = [{entry.extras["composition"] for entry in side} for side in sides.values()]
    assert sum(map(len, held)) == len(set().union(*held))


def test_what_was_made_of_a_problem_is_on_its_side():
    records = [replace(record(f"r{i}"), problem=f"p{i}") for i in range(50)]
    records += [
        replace(record(f"r{i}-{number}", of_problem=f"p{i}"), problem=f"p{i}-{number}")
        for i in range(50)
        for number in range(3)
    ]
    sides = split_corpus(records, (0.4, 0.3, 0.3), by="problem")
    held = [{one.root_problem for one in side} for side in sides.values()]
    assert all(held)
    assert sum(map(len, held)) == 50


def test_shares_are_about_those_asked_for_and_the_seed_matters():
    records = [record(f"r{i}", composition=f"c{i}") for i in range(2000)]
    sides = split_corpus(records, (0.8, 0.1, 0.1), by="composition")
    assert abs(len(sides["train"]) - 1600) < 80
    assert abs(len(sides["dev"]) - 200) < 60
    assert ids(sides["dev"]) != ids(
        split_corpus(records, (0.8, 0.1, 0.1), by="composition", seed=1)["dev"]
    )


def test_more_records_move_no_composition():
    records = [record(f"r{i}", composition=f"c{i}") for i in range(200)]
    few, many = (
        split_corpus(held, (0.5, 0.25, 0.25), by="composition") for held in (records[:99], records)
    )
    for name in few:
        assert set(ids(few[name])) <= set(ids(many[name]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.9, 0.9, -0.8)}, "shares"),
        ({"shares": (1, 0, 0), "by": "composition"}, "record 'a' has no composition"),
        ({"shares": (1, 0, 0), "by": "x"}, "by x"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments, message):
    with pytest.raises(UserError, match=message):
        split_corpus([record("a")], **arguments)
