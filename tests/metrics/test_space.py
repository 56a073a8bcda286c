import random

import pytest

from knm.errors import UserError
from knm.metrics.space import Range, read_space

EXAMPLE = """
preset: dense
datastores: [embedded, datastore/narrow]
space:
  weight: [0.25, 0.5]
  temperature_scale: {low: 0.01, high: 1, steps: 3, log: true}
  weight_kind: [static, distance]
  k: {low: 4, high: 8}
"""


def write(tmp_path, text):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return path


def test_a_grid_is_every_combination(tmp_path):
    space = read_space(write(tmp_path, EXAMPLE), "other")
    combinations = list(space.grid())
    assert len(combinations) == 2 * 2 * 3 * 2 * 5
    assert {each["temperature_scale"] for each in combinations} == {0.01, 0.1, 1.0}
    assert {each["k"] for each in combinations} == {4, 5, 6, 7, 8}
    assert space.datastores == ("embedded", "datastore/narrow")


def test_draws_stay_in_their_ranges(tmp_path):
    space, rng = read_space(write(tmp_path, EXAMPLE), "other"), random.Random(0)
    for _ in range(100):
        point = space.point(space.draw(rng))
        assert 0.01 <= (point.preset.temperature_scale or 0) <= 1
        assert point.preset.k in range(4, 9)
        assert type(point.preset.k) is int
        assert point.preset.lmbda in {0.25, 0.5}


def test_a_point_keeps_what_is_not_searched(tmp_path):
    text = "preset: nest\nspace: {weight_options.alpha: [0.5], temperature: [30]}"
    space = read_space(write(tmp_path, text), "other")
    point = space.point(next(space.grid()))
    assert point.datastore == "other"
    assert point.preset.weight_options == {"alpha": 0.5, "tau": 0.1}
    assert (point.preset.temperature, point.preset.temperature_scale) == (30, None)


def test_another_kind_of_weight_takes_its_own_options(tmp_path):
    text = "preset: nest\nspace: {weight_kind: [bayes, distance]}"
    space = read_space(write(tmp_path, text), "other")
    kinds = [space.point(values).preset for values in space.grid()]
    assert [set(preset.weight_options) for preset in kinds] == [
        {"window", "prior"},
        {"alpha", "tau"},
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("weight: [0.5]", "no `space:`"),
        ("space: {lambda: [0.5]}", "lambda: unknown setting"),
        ("space: {weight: 0.5}", "weight: must be a list"),
        ("space: {weight: ['much']}", "weight: 'much': of the wrong type"),
        ("space: {k: [2.5]}", "k: 2.5: of the wrong type"),
        ("space: {weight: {low: 0.5}}", "weight: high must be a number"),
        ("space: {weight: {low: 0.5, high: 0.1}}", "low must be below high"),
        ("space: {weight: {low: 0, high: 1, log: true}}", "above 0 with log"),
        ("space: {weight: {low: 0, high: 1, step: 2}}", "weight: step: choose"),
        ("space: {weight_kind: {low: 0, high: 1}}", "makes no sense"),
        ("space: {k: {low: 1.5, high: 3}}", "ends in fractions"),
        ("space: {temperature: [1], temperature_scale: [1]}", "either temperature or"),
        ("space: {weight: [0.5]}\ndatastore: x", "unknown field 'datastore'"),
        ("space: {weight: [0.5]}\ndatastores: x", "datastores: must be a list"),
        ("space: {weight: [0.5]}\npreset: none", "unknown; choose one of"),
        ("space: {weight: [0.5", "space.yaml"),
    ],
)
def test_what_is_wrong_with_a_space_is_named(tmp_path, text, complaint):
    with pytest.raises(UserError, match=complaint):
        read_space(write(tmp_path, text), "other")


def test_whole_steps_do_not_repeat():
    assert Range(1, 3, steps=9).values == (1, 2, 3)
