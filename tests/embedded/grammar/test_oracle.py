import random
from dataclasses import replace

import pytest

from knm.embedded.grammar import (
    CATALOGUE,
    SHAPES,
    Drawn,
    OutOfBounds,
    Task,
    Type,
    answer,
    draw_task,
    draw_test,
)
from knm.embedded.grammar.shapes import VALUE


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


@pytest.mark.parametrize(
    ("built", "largest", "too_large"),
    [
        pytest.param(task("int", "int-square"), 1000, 1001, id="integer"),
        pytest.param(
            task("int", "int-multiply", constants=("2",)), -500_000, -500_001, id="negative integer"
        ),
        pytest.param(task("list", "square", form="line"), [1000], [1, 1001], id="element"),
        pytest.param(task("list", "mirror", form="line"), [1] * 30, [1] * 31, id="elements"),
        pytest.param(
            task("str", "str-repeat", constants=("4",)), "x" * 50, "x" * 51, id="characters"
        ),
    ],
)
def test_values_up_to_the_bounds_are_answered_and_larger_ones_refused(built, largest, too_large):
    assert answer(built, Drawn("", {VALUE: largest}))
    with pytest.raises(OutOfBounds):
        answer(built, Drawn("", {VALUE: too_large}))


def test_a_value_out_of_bounds_on_the_way_is_refused_though_the_result_is_small():
    built = task("int", "int-square", "int-mod", constants=(None, "2"))
    with pytest.raises(OutOfBounds):
        answer(built, Drawn("", {VALUE: 1001}))


def test_arithmetic_that_has_no_result_is_out_of_bounds():
    with pytest.raises(OutOfBounds, match="two-remainder"):
        answer(task("two", "two-remainder"), Drawn("", {"p1": 1, "p2": 0}))


def test_drawing_a_test_tries_again_and_then_gives_up():
    built = task("int", "int-square")
    inputs = iter([2000, 2000, 7, 2000, 2000, 2000])

    def draw(rng, bounds):
        value = next(inputs)
        return Drawn(str(value), {VALUE: value})

    built = replace(built, shape=replace(built.shape, draw=draw))
    assert draw_test(built, random.Random(1), attempts=3) == ("7\n", "49\n")
    with pytest.raises(OutOfBounds, match=r"int\|int-square"):
        draw_test(built, random.Random(1), attempts=3)
    assert next(inputs, None) is None


def test_an_answer_without_lines_is_empty():
    built = task("list", "keep-above", form="lines", constants=("99",))
    assert draw_test(built, random.Random(1))[1] == ""


def test_a_test_of_many_cases_says_first_how_many_and_answers_each():
    built = replace(task("int", "int-square"), many_cases=True)
    counts = set()
    for seed in range(30):
        given, expected = draw_test(built, random.Random(seed))
        count, *values = map(int, given.splitlines())
        assert count == len(values)
        assert [int(line) for line in expected.splitlines()] == [value**2 for value in values]
        counts.add(count)
    assert counts == {1, 2, 3}


def test_drawn_tests_end_in_a_newline_and_print_no_number_past_the_bounds():
    rng = random.Random(2)
    for _ in range(300):
        drawn = draw_task(rng)
        try:
            given, expected = draw_test(drawn, rng)
        except OutOfBounds:
            continue
        assert given.endswith("\n")
        assert expected == "" or expected.endswith("\n")
        if drawn.result_type in {Type.INT, Type.LIST}:
            assert all(abs(int(word)) <= 1_000_000 for word in expected.split())
