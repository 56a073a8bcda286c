from collections import Counter

import pytest

from knm.corpora.grammar import CATALOGUE, SHAPES, Type


def test_there_are_enough_operations_and_shapes():
    assert len(CATALOGUE) >= 100
    assert len(SHAPES) >= 10


def test_every_operation_can_be_reached_from_some_shape():
    reached = {shape.type for shape in SHAPES.values()}
    for _ in Type:
        reached |= {operation.target for operation in CATALOGUE if operation.source in reached}
    assert {operation.source for operation in CATALOGUE} <= reached


@pytest.mark.parametrize("operation", list(CATALOGUE), ids=lambda operation: operation.name)
def test_texts_use_the_constant_exactly_if_there_is_one(operation):
    for text in (*operation.phrases, *operation.python, *operation.lua):
        assert ("$k" in text) == (operation.constant is not None)


def test_no_two_operations_on_a_type_share_a_phrase():
    for kind in Type:
        phrases = Counter(
            phrase
            for operation in CATALOGUE.accepting(kind)
            for phrase in dict.fromkeys(operation.phrases)
        )
        assert [phrase for phrase, count in phrases.items() if count > 1] == []
