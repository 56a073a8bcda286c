import random

import pytest

from knm.corpora.grammar import CATALOGUE, SHAPES, Drawn, OutOfBounds, Task, answer
from knm.corpora.grammar.shapes import VALUE


def task(shape, *names, form="value", constants=None):
    operations = tuple(CATALOGUE[name] for name in names)
    return Task(SHAPES[shape], operations, constants or (None,) * len(names), form, False)


@pytest.mark.parametrize(
    ("built", "value", "lines"),
    [
        (task("list", "keep-even", "sum"), [1, 2, 3, 4], ["6"]),
        (task("list", "is-sorted", form="yes-no"), [1, 2, 2], ["Yes"]),
        (task("list", "keep-above", form="line", constants=("2",)), [1, 2, 3, 9], ["3 9"]),
        (task("list", "reverse", form="lines"), [1, 2], ["2", "1"]),
        (task("list", "dedupe", form="counted"), [5, 5, 7], ["2", "5 7"]),
        (task("str", "str-reverse", "str-upper"), "abc", ["CBA"]),
        (task("int", "int-divisor-count"), 12, ["6"]),
    ],
)
def test_answers_are_what_the_words_say(built, value, lines):
    assert answer(built, Drawn("", {VALUE: value})) == lines


def test_an_answer_leaves_the_input_as_it_was():
    values = [3, 1, 2]
    answer(task("list", "median"), Drawn("", {VALUE: values}))
    assert values == [3, 1, 2]


@pytest.mark.parametrize(
    ("built", "value"),
    [
        (task("int", "int-square", "int-triangle"), 3000),
        (task("str", "str-repeat", constants=("4",)), "x" * 60),
        (task("list", "mirror", form="line"), [1] * 40),
    ],
)
def test_values_out_of_bounds_are_refused(built, value):
    with pytest.raises(OutOfBounds):
        answer(built, Drawn("", {VALUE: value}))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=lambda shape: shape.name)
def test_drawn_inputs_have_text_and_values(shape):
    for seed in range(20):
        drawn = shape.draw(random.Random(seed), None)
        assert drawn.text
        assert drawn.variables
