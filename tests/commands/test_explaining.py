"""`knm explain` and `knm blame` on the reference reports."""

import json

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.packaged import EMBEDDED_CORPUS
from tests.problems.problem_files import ROOT

RUN, BASELINE = ROOT / "results/knn.json", ROOT / "results/baseline.json"
TRAIN = EMBEDDED_CORPUS / "train.jsonl"
PROBLEM = "3c18cea50f"


def knm(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_a_program_is_shown_with_its_changes_marked():
    told = json.loads(knm("explain", RUN, PROBLEM, "--json").stdout)
    shown = knm("explain", RUN, PROBLEM).stdout
    placed = [entry for entry in told["changes"] if entry["start"] is not None]
    assert placed
    assert shown.count("«") == len(placed)
    assert told["question_id"] == f"grammar_{PROBLEM}"
    for entry in placed:
        assert told["program"].startswith(entry["token"], entry["start"])


def test_the_corpus_shows_the_neighbours_lines():
    told = json.loads(knm("explain", RUN, PROBLEM, "--corpus", TRAIN, "--json").stdout)
    near = [neighbour for entry in told["changes"] for neighbour in entry["neighbours"]]
    lines = [neighbour for neighbour in near if "line" in neighbour]
    assert lines
    assert all(neighbour["token"].strip() in neighbour["line"] for neighbour in lines)
    assert all(neighbour["source"] == "grammar" for neighbour in near)


def test_blame_writes_a_list_for_filtering(tmp_path):
    drop = tmp_path / "drop.txt"
    process = knm("blame", RUN, "--baseline", BASELINE, "--top", 3, "--write-drop", drop, "--json")
    told = json.loads(process.stdout)
    assert len(told["entries"]) == len(told["records"]) == 3
    known = {json.loads(line)["id"] for line in TRAIN.read_text().splitlines()}
    dropped = drop.read_text().splitlines()
    assert dropped
    assert set(dropped) <= known
    assert len(told["problems"]["gained"]) > len(told["problems"]["lost"]) > 0


def test_blame_is_shown_in_tables():
    shown = knm("blame", RUN, "--top", 2).stdout
    assert "records used in passed problems" in shown
    assert "records used in failed problems" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("explain", BASELINE, PROBLEM, "--sample", 2), "has one sample"),
        (("explain", RUN, "grammar"), "give more of it"),
        (("blame", RUN, "--write-drop", "x.txt"), "--baseline"),
    ],
)
def test_what_cannot_be_told_is_a_user_error(arguments, message):
    assert message in str(knm(*arguments).exception)
