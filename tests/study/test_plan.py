from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from knm.commands.studying import TypedSettings
from knm.errors import UserError
from knm.study.plan import StudySettings, read_plan

EXAMPLES = Path(__file__).parents[2] / "examples"
ROW = {"preset": "v1", "datastore": "all"}
SMALL: dict[str, Any] = {
    "datastores": {"all": {"positions": "all"}},
    "rows": [ROW],
}


@pytest.fixture
def write(tmp_path):
    def write_plan(**changes):
        path = tmp_path / "study.yaml"
        content = {key: value for key, value in (SMALL | changes).items() if value is not None}
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
        return path

    return write_plan


@pytest.mark.parametrize("name", ["study.yaml", "study_full.yaml"])
def test_the_examples_are_plans(name):
    plan = read_plan(EXAMPLES / name, {"dev_problems": str(EXAMPLES / "study_dev.jsonl")})
    assert [row.preset for row in plan.rows][:3] == ["v1", "v2", "v3"]
    assert plan.grid is not None


def test_a_files_settings_hold_unless_others_are_typed(write):
    path = write(max_new_tokens=99, limit=5, time_limit=2)
    plan = read_plan(path, {"limit": 7})
    assert (plan.settings.max_new_tokens, plan.settings.limit) == (99, 7)
    assert plan.settings.time_limit == 2.0
    assert plan.typed == {"limit": 7}


def test_files_are_looked_for_beside_the_plan_and_typed_ones_are_not(write, tmp_path):
    (tmp_path / "own.jsonl").touch()
    path = write(corpus="own.jsonl")
    assert read_plan(path).settings.corpus_path == tmp_path / "own.jsonl"
    assert read_plan(path, {"corpus": "own.jsonl"}).settings.corpus_path == Path("own.jsonl")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rows": [{**ROW, "preset": "v9"}]}, "rows: v9: preset v9: unknown"),
        (
            {"grid": {"preset": "v9", "datastore": "all", "space": {"k": [4]}}},
            "grid: preset v9: unknown",
        ),
        ({"modle": "x"}, "study.yaml: modle: unknown"),
        ({"limit": "ten"}, "study.yaml: limit: 'ten': must be a whole number"),
        ({"limit": 0}, "limit 0: must be at least 1"),
        ({"limit": True}, "study.yaml: limit: True: must be a whole number"),
        ({"prompt": None, "rows": None}, "study.yaml: rows: must be a list"),
        ({"datastores": None}, "study.yaml: datastores: must be a mapping"),
        ({"rows": [{"preset": "v1"}]}, "rows[0]: datastore is missing"),
        ({"rows": [{"preset": "v1", "datastore": "al"}]}, "rows: v1: datastore 'al': unknown"),
        ({"rows": [ROW, ROW]}, "rows: v1 is given twice"),
        ({"rows": [{**ROW, "name": "lm"}]}, "rows: lm is given twice"),
        ({"rows": [{**ROW, "name": "a/b"}]}, "rows[0]: name 'a/b'"),
        ({"datastores": {"all": {"drop_python": True}}}, "datastores: all: drop_python: give `of`"),
        ({"datastores": {"all": {"of": "some"}}}, "datastores: all: of: datastore 'some': unknown"),
        ({"grid": {"preset": "v1", "datastore": "all", "spaec": {}}}, "grid: spaec: unknown"),
        ({"grid": {"preset": "v1", "datastore": "all", "space": {}}}, "grid: space: must be a map"),
        (
            {"grid": {"preset": "v1", "datastore": "all", "space": {"k": [4]}}},
            "grid: give dev_problems",
        ),
    ],
)
def test_what_is_wrong_is_told_by_file_and_key(write, changes, told):
    with pytest.raises(UserError) as error:
        read_plan(write(**changes))
    assert told in str(error.value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["rows", "datastores", "grid", "limit", "preset", "of", "space", "x"]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_a_plan_holds_it_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    try:
        told = str(read_plan(path).path)
    except UserError as error:
        told = str(error)
    assert str(path) in told


def test_every_setting_can_be_typed():
    assert {one.name for one in fields(TypedSettings)} == {
        one.name for one in fields(StudySettings)
    }
