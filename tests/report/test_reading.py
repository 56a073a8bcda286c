import json
from dataclasses import replace

import pytest

from knm.codec import to_json
from knm.errors import UserError
from knm.jsonio import read_json, write_json
from knm.records import Interventions
from knm.report import ProblemResult, load_report
from knm.report.reading import UnreadInterventions, read_current
from knm.sandbox import Verdict
from tests.report.builders import of_samples, result, write_report
from tests.report.page.examples import CHANGES, KNN

RESULTS = [
    of_samples(result("a", knn=KNN), result("a", Verdict.TIMEOUT, knn={**KNN, "withheld": "no"})),
    result("b", Verdict.ENGINE_FAULT, completion=None, program=None),
    result("c", title="C", fields={"rating": 3, "easy": True, "share": 0.5}),
]


@pytest.fixture
def path(tmp_path):
    return write_report(tmp_path / "run.json", RESULTS).path


def test_what_is_read_is_what_was_written(path):
    found = load_report(path)
    assert list(found.results) == RESULTS
    assert list(found.results) == RESULTS
    assert [to_json(each) for each in found.results] == [to_json(each) for each in RESULTS]
    assert all(type(each) is ProblemResult for each in found.results)


def test_changes_are_read_when_they_are_asked_for(path):
    done = load_report(path).results[0].interventions
    assert isinstance(done, UnreadInterventions)
    assert "changes" not in vars(done)
    assert done.argmax_changes == 2
    assert [change.token for change in done.changes] == [change["token"] for change in CHANGES]
    assert "changes" in vars(done)
    assert hash(done) == hash(RESULTS[0].interventions)
    assert replace(done, changes=()).changes == ()
    with pytest.raises(AttributeError):
        _ = done.colour


def test_malformed_changes_are_named_when_they_are_asked_for(path):
    content = read_json(path)
    sample = content["tests"][1]["metadata"]["knm"]["samples"][0]
    sample["completion"]["interventions"]["changes"][1]["token"] = 7
    write_json(path, content)
    result_read = load_report(path).results[0]
    with pytest.raises(UserError, match=r"run\.json: .*\[a\]: changes: .*token.*found `int`"):
        _ = result_read.changes


def test_of_changes_in_turn_no_more_are_read_than_are_asked_for(path):
    content = read_json(path)
    sample = content["tests"][1]["metadata"]["knm"]["samples"][0]
    sample["completion"]["interventions"]["changes"][1]["token"] = 7
    write_json(path, content)
    done = load_report(path).results[0].interventions
    assert done is not None
    turn = done.each_change()
    assert next(turn) == RESULTS[0].changes[0]
    with pytest.raises(UserError, match=r"\[a\]: changes\[1\]: .*token.*found `int`"):
        next(turn)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text.replace('"schema_version": 3', '"schema_version": 2'),
        lambda text: text.replace('"timeout"', '"nonsense"'),
        lambda text: text.replace('"print(1)"', '"\\ud800"'),
        lambda text: text[:-3],
        lambda text: "[]",
    ],
)
def test_what_is_not_of_today_or_not_sound_is_left_to_the_reader_at_length(path, spoil):
    content = json.dumps(read_json(path))
    assert read_current(content.encode(), "run.json") is not None
    assert read_current(spoil(content).encode(), "run.json") is None


def test_text_that_no_encoding_holds_is_read_at_length(path):
    path.write_text(json.dumps(read_json(path)).replace('"print(1)"', '"\\ud800"'))
    found = load_report(path).results[2]
    assert found.program == "\ud800"
    assert all(type(each.interventions) in (Interventions, type(None)) for each in found.samples)
