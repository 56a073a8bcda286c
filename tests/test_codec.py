"""Every record that is written is read back, and what is no record is named by its field."""

import json
from dataclasses import dataclass, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.codec import from_json, to_json
from knm.errors import UserError
from knm.jsonio import dumps
from knm.records import Completion, Interventions, Neighbour, Request, Sampling, TokenChange
from knm.report import ProblemResult, Sample
from knm.sandbox import Judgement, Verdict

FINITE = st.floats(allow_nan=False, allow_infinity=False)
RECORDS = (
    Request,
    Sampling,
    Neighbour,
    TokenChange,
    Interventions,
    Completion,
    Judgement,
    Sample,
    ProblemResult,
)
st.register_type_strategy(float, FINITE)
st.register_type_strategy(
    ProblemResult,
    st.builds(
        ProblemResult,
        samples=st.lists(st.from_type(Sample), min_size=1, max_size=3).map(tuple),
        errata=st.none() | st.text(),
    ),
)


@pytest.mark.parametrize("kind", RECORDS, ids=lambda kind: kind.__name__)
@given(data=st.data())
def test_a_record_survives_its_json(kind, data):
    record = data.draw(st.from_type(kind))
    written = to_json(record)
    assert list(written) == [field.name for field in fields(kind)]
    read = from_json(kind, json.loads(dumps(written)), "here")
    assert read == record
    assert to_json(read) == written


def test_what_was_missing_is_written_with_its_default():
    value = {"token": "a", "distance": 1, "record": "r", "offset": 2}
    read = from_json(Neighbour, value, "here")
    assert read == Neighbour("a", 1.0, "r", 2)
    assert to_json(read) == {**value, "lm_token": None, "outcome": None, "crash": None}


def test_fields_that_are_not_known_are_passed_over():
    assert from_json(Sampling, {"seed": 3, "colour": "red"}, "here") == Sampling(seed=3)


@dataclass(frozen=True)
class Nested:
    """A record that holds others."""

    verdict: Verdict
    neighbours: tuple[Neighbour, ...] = ()
    count: int = 0


NEAR = to_json(Neighbour("a", 1.0, "r", 2))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, r"^f\.json: no `verdict`; mend it$"),
        ({"verdict": "excellent"}, r"^f\.json: `verdict`: invalid enum value 'excellent'; mend it"),
        ({"verdict": "\ud800"}, r"^f\.json: .*surrogates not allowed; mend it$"),
        ({"verdict": "accepted", "count": True}, "`count`: expected `int`, found `bool`"),
        ({"verdict": "accepted", "count": None}, "`count`: expected `int`, found `null`"),
        ({"verdict": "accepted", "neighbours": [NEAR, {}]}, r"no `neighbours\[1\]\.token`"),
        (
            {"verdict": "accepted", "neighbours": [{**NEAR, "distance": float("nan")}]},
            r"`neighbours\[0\]`: the distance nan is not a finite number",
        ),
        ([], r"^f\.json: expected a JSON object, found `array`; mend it"),
        (None, r"^f\.json: expected a JSON object, found `null`"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(value, message):
    with pytest.raises(UserError, match=message):
        from_json(Nested, value, "f.json", "mend it")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(JSON, st.sampled_from(["verdict", "neighbours", "count"]))
def test_any_value_of_a_field_is_read_or_refused_by_name(value, name):
    whole = {"verdict": "accepted", name: value}
    read, told = None, ""
    try:
        read = from_json(Nested, whole, "f.json")
    except UserError as error:
        told = str(error)
    if read is None:
        assert told.startswith("f.json: ")
    else:
        assert isinstance(read.verdict, Verdict)
        assert isinstance(read.count, int)
