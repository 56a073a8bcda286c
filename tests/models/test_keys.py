import pytest

from knm.errors import UserError
from knm.models import Tap, parse_key_kind
from knm.models.keys import Point, join_key_kinds


@pytest.mark.parametrize(
    ("text", "taps"),
    [
        ("final-norm", [Tap(Point.HEAD)]),
        ("last-layer", [Tap(Point.RESIDUAL, 5)]),
        ("last-mlp-input", [Tap(Point.MLP_INPUT, 5)]),
        ("layer-1", [Tap(Point.RESIDUAL, 0)]),
        ("final-norm+layer-4", [Tap(Point.HEAD), Tap(Point.RESIDUAL, 3)]),
        ("layer-6+final-norm", [Tap(Point.RESIDUAL, 5), Tap(Point.HEAD)]),
    ],
)
def test_a_kind_names_its_states_in_order(text, taps):
    kind = parse_key_kind(text)
    assert str(kind) == text
    assert list(kind.taps(6)) == taps
    assert kind.width(64) == 64 * len(taps)


@pytest.mark.parametrize(
    "text", ["", "final", "layer-0", "layer-", "layer-01", "final-norm+", "layer--1", "Layer-1"]
)
def test_an_unknown_kind_is_refused_naming_those_there_are(text):
    with pytest.raises(UserError, match=r"none of final-norm, last-layer, last-mlp-input, layer-N"):
        parse_key_kind(text)


def test_a_part_named_twice_is_refused():
    with pytest.raises(UserError, match="twice"):
        parse_key_kind("layer-2+layer-2")


def test_kinds_are_found_in_what_has_all_their_parts():
    kinds = [parse_key_kind(text) for text in ("layer-2+final-norm", "layer-2", "layer-1+layer-2")]
    whole = join_key_kinds(kinds)
    assert str(whole) == "layer-2+final-norm+layer-1"
    assert [kind.places_in(whole, 2) for kind in kinds] == [[0, 1, 2, 3], [0, 1], [4, 5, 0, 1]]


def test_a_layer_beyond_the_last_is_refused():
    with pytest.raises(UserError, match="6 layers: choose layer-1 to layer-6"):
        parse_key_kind("layer-7").taps(6)
