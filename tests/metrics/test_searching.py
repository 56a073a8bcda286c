from itertools import takewhile

import pytest

from knm.errors import UserError
from knm.metrics.searching import SEARCHES
from knm.metrics.space import read_space

SPACE = """
preset: v2
space:
  weight: {low: 0.1, high: 0.9, steps: 4}
  weight_kind: [static, confidence]
  gate: [0.0, 0.05]
"""


@pytest.fixture
def space(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text(SPACE)
    return read_space(path, "embedded")


def all_of(search, score=lambda point: 0.0, together=3):
    found = []
    for points in takewhile(bool, iter(lambda: search.ask(together), None)):
        search.tell([score(point) for point in points])
        found += points
    return found


def test_a_grid_leaves_out_what_contradicts_itself(space):
    search = SEARCHES["grid"](space, None, 0)
    points = all_of(search)
    # A static weight has no gate.
    assert len(points) == 4 * 3
    assert search.left_out == 4
    assert len({repr(point) for point in points}) == 12


def test_random_search_is_reproducible_and_repeats_nothing(space):
    draws = [
        [point.values for point in all_of(SEARCHES["random"](space, 20, seed))]
        for seed in (1, 1, 2)
    ]
    assert draws[0] == draws[1] != draws[2]
    assert len({repr(values) for values in draws[0]}) == 20


def test_random_search_of_few_combinations_ends(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("space: {weight: [0.1, 0.2, 0.3]}")
    points = all_of(SEARCHES["random"](read_space(path, "embedded"), 20, 0))
    assert sorted(point.preset.lmbda for point in points) == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("kind", ["grid", "random"])
def test_a_space_without_a_possible_configuration_is_a_user_error(tmp_path, kind):
    path = tmp_path / "space.yaml"
    path.write_text("preset: dense\nspace: {gate: {low: 0.01, high: 0.5}}")
    with pytest.raises(UserError, match="no configuration that is possible: gate"):
        all_of(SEARCHES[kind](read_space(path, "embedded"), 4, 0))


def test_optuna_finds_better_ones_the_same_way_every_time(space):
    def near(point):
        return -abs(point.preset.lmbda - 0.6) - point.preset.gate

    runs = [all_of(SEARCHES["optuna"](space, 30, 3), near) for _ in range(2)]
    assert [p.values for p in runs[0]] == [p.values for p in runs[1]]
    assert len(runs[0]) == 30
    assert max(map(near, runs[0])) > -0.05


def test_without_optuna_the_extra_is_named(space, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(UserError, match=r"knm\[sweep\]"):
        SEARCHES["optuna"](space, 3, 0)
