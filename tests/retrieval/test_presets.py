import math

import numpy as np
import pytest

from knm.errors import UserError
from knm.hashing import hash_json
from knm.retrieval import (
    DEFAULT_PRESET,
    PRESETS,
    ConfidenceWeight,
    Preset,
    StaticWeight,
    resolve_preset,
    vary_preset,
)
from tests.retrieval.stores import store_of

STORE = store_of(np.zeros((1, 2)))


def test_the_presets_of_the_original_study():
    studied = ("v1", "v2", "v3", "bayes", "nest", "ft2ra")
    assert {name: PRESETS[name].k for name in studied} == dict.fromkeys(studied, 16)
    assert PRESETS["outcome"].k == 32
    v1, v2, v3 = (PRESETS[name] for name in ("v1", "v2", "v3"))
    assert (v1.build_weight(STORE), v1.temperature) == (StaticWeight(0.25), 1.0)
    assert (v2.build_weight(STORE), v2.temperature) == (ConfidenceWeight(0.25), 100.0)
    assert (v3.build_weight(STORE), v3.temperature) == (ConfidenceWeight(0.25, 0.01), 100.0)


def test_the_default_takes_its_temperature_from_the_datastore():
    preset = resolve_preset()
    assert preset.name == DEFAULT_PRESET
    assert preset.temperature_for(store_of(np.zeros((1, 2)), median=30.0)) == pytest.approx(3.0)


@pytest.mark.parametrize("median", [None, 0.0])
def test_a_datastore_without_distances_needs_a_temperature(median):
    store = store_of(np.zeros((1, 2)), median=median)
    with pytest.raises(UserError, match="set temperature"):
        resolve_preset("dense").temperature_for(store)
    assert resolve_preset("dense", temperature=2.0).temperature_for(store) == 2.0


def test_what_is_set_replaces_what_the_preset_says():
    preset = resolve_preset("v3", k=4, lmbda=0.5, temperature=9.0, gate=0.2)
    assert preset.build_weight(STORE) == ConfidenceWeight(0.5, 0.2)
    assert (preset.k, preset.temperature) == (4, 9.0)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("k", 0, "k 0: must be at least 1"),
        ("lmbda", -0.1, "lmbda -0.1: must be from 0 to 1"),
        ("lmbda", 1.5, "lmbda 1.5"),
        ("lmbda", math.nan, "lmbda nan"),
        ("temperature", 0.0, "temperature 0.0: must be a number above 0"),
        ("temperature", math.inf, "temperature inf"),
        ("gate", 2.0, "gate 2.0: must be from 0 to 1"),
    ],
)
def test_values_out_of_range_name_their_option(option, value, message):
    with pytest.raises(UserError, match=message):
        resolve_preset("v3", **{option: value})


def test_a_gate_on_a_static_weight_is_a_contradiction():
    with pytest.raises(UserError, match=r"gate 0\.5: preset 'v1' has a static weight"):
        resolve_preset("v1", gate=0.5)


def test_an_unknown_preset_lists_those_there_are():
    with pytest.raises(UserError, match="preset v9: unknown; choose one of bayes, dense,"):
        resolve_preset("v9")


def test_options_that_are_not_varied_stay_those_of_the_base():
    base = Preset("base", 0.5, "distance", {"alpha": 0.7, "tau": 0.9}, temperature=1.0)
    varied = vary_preset(base, {"weight_options": {"alpha": 0.2}, "temperature_scale": 0.1}, "new")
    assert varied.weight_options == {"alpha": 0.2, "tau": 0.9}
    assert (varied.name, varied.temperature, varied.temperature_scale) == ("new", None, 0.1)
    assert vary_preset(base, {"weight_kind": "static"}, "new").weight_options == {}


def test_packaged_presets_are_known_by_the_same_hashes_as_ever():
    """Kept completions and runs are known by them: other hashes mean that all is decoded anew."""
    hashes = {name: hash_json(preset.to_json())[:16] for name, preset in PRESETS.items()}
    assert hashes == {
        "bayes": "0eef0c6237d0b704",
        "dense": "d4de4683d6184e87",
        "ft2ra": "04e77acd8be6bf2a",
        "gentle": "b2757b7a7a690624",
        "learned": "2b870b87d1c0c97c",
        "nest": "69e3bdeec5527174",
        "outcome": "dde2f6815d807715",
        "residual": "f05b513ed3a60b16",
        "trusted": "4a31d9d7ffd35b41",
        "v1": "fa3bd3a5eb6e7411",
        "v2": "c1e40b8522eed7ce",
        "v3": "f3edebe7e0404aaf",
    }


@pytest.mark.parametrize("name", PRESETS)
def test_json_gives_the_same_preset_back(name):
    assert PRESETS[name].to_json()["weight"] == PRESETS[name].lmbda
    assert Preset.from_json(PRESETS[name].to_json()) == PRESETS[name]
