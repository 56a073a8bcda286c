import random
from collections import Counter

import pytest

from knm.embedded.grammar import CATALOGUE, SHAPES, Catalogue, Type, draw_task


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


def test_a_catalogue_refuses_two_operations_of_one_name():
    operation = CATALOGUE["sum"]
    with pytest.raises(AssertionError, match="sum"):
        Catalogue(iter([operation, operation]))


def test_all_operations_and_shapes_are_drawn():
    rng = random.Random(6)
    tasks = [draw_task(rng) for _ in range(10_000)]
    assert {operation for task in tasks for operation in task.operations} == set(CATALOGUE)
    assert {task.shape.name for task in tasks} == set(SHAPES)


def test_no_two_phrases_on_a_type_differ_in_case_and_punctuation_alone():
    phrases = Counter(
        (operation.source, "".join(filter(str.isalnum, phrase.lower())))
        for operation in CATALOGUE
        for phrase in operation.phrases
    )
    # Signs carry the meaning of phrases about grids, which name the cells . and #.
    assert [found for found, count in phrases.items() if count > 1] == []


@pytest.mark.parametrize("language", ["python", "lua"])
def test_no_two_operations_on_a_type_share_code(language):
    templates = Counter(
        (operation.source, template)
        for operation in CATALOGUE
        for template in dict.fromkeys(operation.templates(language))
    )
    assert [found for found, count in templates.items() if count > 1] == []


def test_no_two_shapes_share_an_intro():
    intros = Counter(intro for shape in SHAPES.values() for intro in shape.intros)
    assert max(intros.values()) == 1


@pytest.mark.parametrize("language", ["python", "lua"])
def test_a_style_can_choose_every_idiom(language):
    # Style.draw chooses between two.
    assert max(len(entry.templates(language)) for entry in (*CATALOGUE, *SHAPES.values())) == 2
