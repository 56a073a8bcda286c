import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from knm.cli import app
from knm.errors import UserError
from knm.packaged import EMBEDDED_PROBLEMS
from knm.report import diff_reports, load_report
from knm.study import Study, read_plan

pytestmark = pytest.mark.usefixtures("sandbox")  # skips where the system has none

DEV = Path(__file__).parents[2] / "examples" / "study_dev.jsonl"
PLAN: dict[str, Any] = {
    "problems": str(EMBEDDED_PROBLEMS / "grammar.jsonl"),
    "dev_problems": str(DEV),
    "limit": 2,
    "records": 12,
    "max_new_tokens": 24,
    "device": "cpu",
    "workers": 1,
    "datastores": {"all": {"positions": "all"}, "clean": {"of": "all", "drop_python": True}},
    "rows": [
        {"preset": "v1", "datastore": "all"},
        {"preset": "v1", "datastore": "clean", "name": "v1-clean"},
        {"preset": "outcome", "datastore": "all"},
    ],
    "grid": {"preset": "v1", "datastore": "all", "space": {"weight": [0.25, 0.75]}},
}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.setenv("KNM_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump(PLAN), encoding="utf-8")
    return path


def invoke(plan, out, *more):
    words = ["study", str(plan), "--out", str(out), *more]
    return CliRunner().invoke(app, words, catch_exceptions=False)


def test_one_command_runs_the_whole_plan_and_the_next_does_nothing_again(
    plan, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    done = invoke(plan, out, "--json")
    assert done.exit_code == 1  # a row could not be run, and is told of
    figures = json.loads(done.stdout)
    assert list(figures["rows"]) == ["lm", "v1", "v1-clean", "tuned"]
    assert list(figures["skipped"]) == ["outcome"]
    assert list(figures["dev"]) == ["lm", "weight=0.25", "weight=0.75"]
    assert figures["winner"] in figures["dev"]
    told = (out / "report.md").read_text(encoding="utf-8")
    for words in (
        "programs of train.jsonl | grammar | 12 |",
        "| clean | all, without other languages' syntax |",
        "| outcome | outcome | all | skipped:",
        "| foreign-operator |",
        "| any rule |",
        "| v1 | v1-clean | 2 |",
        "| lm | tuned | 2 |",
        "[rows/v1.json](rows/v1.json)",
    ):
        assert words in told
    assert (out / "report.html").is_file()

    # A row is a run of the bench: what compares runs compares it without being forced to.
    rows = [load_report(out / "rows" / f"{name}.json") for name in ("lm", "v1")]
    assert diff_reports(*rows).a.totals.problems == 2

    # What is finished is read back: no model is loaded, and no file of a row is written again.
    monkeypatch.setattr("knm.models.load_model", None)
    before = {path: path.stat().st_mtime_ns for path in out.glob("*/*.json*")}
    again = Study(read_plan(plan), out).run()
    assert [row.path.stem for row in again.rows] == list(figures["rows"])
    assert {path: path.stat().st_mtime_ns for path in out.glob("*/*.json*")} == before

    # Other settings do not mix with what is there.
    with pytest.raises(UserError, match="max_new_tokens"):
        Study(read_plan(plan, {"max_new_tokens": 9}), out).run()
    with pytest.raises(UserError, match="datastore all was made of something else.*corpus differ"):
        Study(read_plan(plan, {"records": 9}), out).run()


def test_problems_that_are_reported_are_not_tuned_on(plan, tmp_path):
    path = tmp_path / "mixed.jsonl"
    first = (EMBEDDED_PROBLEMS / "grammar.jsonl").read_text(encoding="utf-8").splitlines()[0]
    other = json.loads(first) | {"question_id": "another-name"}
    path.write_text(json.dumps(other) + "\n", encoding="utf-8")
    with pytest.raises(UserError, match="another-name is also among the problems"):
        Study(read_plan(plan, {"dev_problems": str(path)}), tmp_path / "out")


def test_results_never_lie_among_what_is_read(plan, tmp_path):
    with pytest.raises(UserError, match="holds .*study.yaml, which is read"):
        Study(read_plan(plan), tmp_path)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"sandbox": "nowhere"}, "unknown sandbox 'nowhere'"),
        ({"language": "cobol"}, "unknown language 'cobol'"),
        ({"prompt": "nix"}, "prompt template 'nix'"),
        ({"model": "/nowhere"}, "model /nowhere"),
    ],
)
def test_what_cannot_be_is_said_before_anything_is_mined(plan, tmp_path, typed, told):
    with pytest.raises(UserError, match=told):
        Study(read_plan(plan, typed), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_grid_that_contradicts_itself_is_told_by_file(plan, tmp_path):
    plan.write_text(
        yaml.safe_dump(PLAN | {"grid": {**PLAN["grid"], "space": {"weight": [0.5, 2.0]}}}),
        encoding="utf-8",
    )
    with pytest.raises(UserError, match=r"study.yaml: grid: weight 2.0"):
        Study(read_plan(plan), tmp_path / "out")
