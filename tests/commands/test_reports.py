"""`knm diff`, `knm report`, `knm judge` and `knm completions` through Typer's runner."""

import json
from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from knm.cli import app
from knm.commands.reports import ReportGroup
from knm.errors import UserError
from knm.report import ResultStream, judged_test, load_report, stream_path
from knm.sandbox import Verdict
from tests.problems.problem_files import ROOT, grammar_records, write_problems
from tests.report.builders import header, result, write_report

RIGHT, WRONG = Verdict.ACCEPTED, Verdict.WRONG_OUTPUT


def knm(*arguments: object):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def paths(tmp_path):
    verdicts = {"a": [RIGHT, RIGHT, WRONG], "b": [RIGHT, WRONG, WRONG], "c": [RIGHT] * 3}
    return [
        write_report(
            tmp_path / f"{name}.json",
            [result(f"q{number}", verdict) for number, verdict in enumerate(outcomes)],
        ).path
        for name, outcomes in verdicts.items()
    ]


def test_runs_are_broken_down_by_a_field(tmp_path):
    def written(name, *verdicts):
        results = [
            replace(result(f"q{number}", verdict), fields={"level": "easy" if number else "hard"})
            for number, verdict in enumerate(verdicts)
        ]
        return write_report(tmp_path / name, results).path

    a, b = written("a.json", RIGHT, RIGHT, WRONG), written("b.json", RIGHT, WRONG, WRONG)
    assert "easy   50.0 % (1 of 2)" in knm("report", "show", a, "--by", "level").stdout
    shown = json.loads(knm("report", "show", a, "--by", "level", "--json").stdout)
    assert [group["passed"] for group in shown["by"]["level"]] == [1, 1]
    assert "easy   50.0 % (1 of 2)   0.0 % (0 of 2) " in knm("diff", a, b, "--by", "level").stdout
    assert "| easy | 50.0 % (1 of 2) |" in knm("diff", a, b, "--by", "level", "--markdown").stdout
    change = json.loads(knm("diff", a, b, "--by", "level", "--json").stdout)["by"]["level"][0]
    assert (change["value"], change["lost"], change["passed"]) == ("easy", 1, {"a": 1, "b": 0})
    unknown = knm("diff", a, b, "--by", "levl")
    assert isinstance(unknown.exception, UserError)
    assert "--by levl: no problem of the report has it; there are level" in str(unknown.exception)
    assert isinstance(knm("diff", a, b, a, "--by", "level").exception, UserError)


def test_format_md_writes_the_final_report(paths, tmp_path):
    a, b, _ = paths
    out = tmp_path / "study.md"
    written = json.loads(knm("report", a, b, "--format", "md", "--out", out, "--json").stdout)
    assert written[0] == str(out)
    assert "## Flips" in out.read_text()
    over = knm("report", a, b, "--format=md", "--out", a)
    assert isinstance(over.exception, UserError)
    unknown = knm("report", "study", a, "--format", "md", "--audit", tmp_path, "--out", out)
    assert isinstance(unknown.exception, UserError)
    for other in (["--format", "html"], ["--format=html"]):
        refused = knm("report", a, *other, "--out", out)
        assert "leave it out for the HTML page" in str(refused.exception)


def test_two_reports_are_compared_as_text_json_and_markdown(paths):
    a, b, _ = paths

    assert "0 gained, 1 lost" in knm("diff", a, b).stdout
    assert "lost 1: q1" in knm("diff", a, b, "--flips", "ids").stdout
    assert "- q1\n  A  accepted" in knm("diff", a, b, "--flips", "full").stdout
    assert json.loads(knm("diff", a, b, "--json").stdout)["lost"] == ["q1"]
    assert knm("diff", a, b, "--markdown").stdout.startswith("### Pass@1 66.7 % → 33.3 %")


def test_more_reports_make_a_matrix(paths):
    assert "A  +0 -1 p = 1" in knm("diff", *paths).stdout
    assert len(json.loads(knm("diff", *paths, "--json").stdout)["pairs"]) == 3
    assert knm("diff", *paths, "--markdown").stdout.startswith("### 3 runs compared")


@pytest.mark.parametrize(
    ("order", "condition", "status"),
    [
        ((0, 1), "regression", 1),
        ((1, 0), "regression", 0),
        ((0, 1), "p:0.05", 0),
        ((0, 2, 1), "any-loss", 1),
        ((1, 2, 0), "any-loss", 0),
    ],
)
def test_the_exit_status_is_the_answer(paths, order, condition, status):
    process = knm("diff", *(paths[place] for place in order), "--fail-on", condition)

    assert process.exit_code == status
    assert (f"knm: --fail-on {condition}: " in process.stderr) == bool(status)


def test_a_condition_that_fails_is_told_with_its_comparison(paths):
    a, b, c = paths
    process = knm("diff", a, c, b, "--fail-on", "any-loss", "--json")

    line = f"knm: --fail-on any-loss: {b} against {a}: 1 lost, 0 gained, p = 1\n"
    assert process.stderr == line
    assert json.loads(process.stdout)


def test_a_report_is_never_written_over_by_what_is_made_of_it(paths):
    a, b, _ = paths
    before = a.read_text()
    for process in (
        knm("report", a, b, "--out", a),
        knm("completions", "export", a, "--out", a, "--overwrite"),
        knm("report", "finish", a, "--out", a),
        knm("blame", a, "--write-drop", a, "--overwrite"),
    ):
        assert "would be written over, and it is read" in str(process.exception)
    assert a.read_text() == before


def test_an_export_replaces_a_file_only_on_demand(paths, tmp_path):
    out = tmp_path / "c.jsonl"
    assert knm("completions", "export", paths[0], "--out", out).exit_code == 0
    assert "--overwrite" in str(knm("completions", "export", paths[0], "--out", out).exception)
    assert knm("completions", "export", paths[0], "--out", out, "--overwrite").exit_code == 0


def test_a_repeat_gives_the_noise_floor(paths):
    a, b, c = paths

    assert "differs on 1 of 3 problems" in knm("diff", a, b, "--repeat", c).stdout
    noise = json.loads(knm("diff", a, b, "--repeat", c, "--json").stdout)["noise"]
    assert [floor["problems"] for floor in noise] == [3, 3]


def test_a_run_is_not_its_own_repeat(paths):
    a, b, _ = paths
    again = a.parent / "." / a.name
    assert "is one of the runs themselves" in str(knm("diff", a, b, "--repeat", again).exception)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--json", "--markdown"), "either --json or --markdown"),
        (("--fail-on", "x"), "regression, any-loss"),
        (("--repeat", "none.json"), "none.json"),
    ],
)
def test_contradictions_are_user_errors(paths, more, message):
    assert message in str(knm("diff", *paths[:2], *more).exception)


def test_one_report_has_nothing_to_be_compared_with(paths):
    process = knm("diff", paths[0])

    assert isinstance(process.exception, UserError)
    assert "name another" in str(process.exception)


def test_a_killed_run_is_finished_beside_its_stream(tmp_path):
    path = tmp_path / "run.json"
    with ResultStream(stream_path(path), lambda: header(selected=5)) as stream:
        stream.write(judged_test(result("a"), ""))
    process = knm("report", "finish", stream_path(path))

    assert "unfinished: 4 problems have no result" in process.stdout
    assert json.loads(knm("report", "finish", stream_path(path), "--json").stdout)["missing"] == 4
    assert load_report(path).results == (result("a"),)


def test_finishing_never_writes_over_the_stream(tmp_path):
    stream = tmp_path / "run.jsonl"

    stream.write_text("")
    process = knm("report", "finish", stream, "--out", stream)
    assert "run.jsonl would be written over, and it is read" in str(process.exception)


def test_reports_are_validated(paths, tmp_path):
    assert knm("report", "validate", *paths).stdout.count(": valid\n") == 3

    content = json.loads(paths[0].read_text())
    content["knm"]["totals"]["passed"] = -1
    (tmp_path / "bad.json").write_text(json.dumps(content))
    process = knm("report", "validate", tmp_path / "bad.json")
    assert process.exit_code == 1
    assert "$.knm.totals.passed" in process.stdout
    answers = json.loads(
        knm("report", "validate", paths[1], tmp_path / "bad.json", "--json").stdout
    )
    assert [len(answer["complaints"]) for answer in answers] == [0, 1]


def test_the_committed_reports_of_version_1_are_read():
    committed = [ROOT / "results/baseline.json", ROOT / "results/knn.json"]

    assert knm("report", "validate", *committed).exit_code == 0
    diff = json.loads(knm("diff", *committed, "--json").stdout)
    assert len(diff["flips"]) == len(diff["gained"]) + len(diff["lost"]) > 0
    explained = [flip for flip in diff["flips"] if flip["divergence"]["token"] is not None]
    assert len(explained) == len(diff["flips"])  # the datastore is all that differs


def test_runs_given_to_knm_report_are_shown_as_a_page():
    group = typer.Typer(cls=ReportGroup, no_args_is_help=True)
    group.command("page")(lambda runs: print("page of", runs))
    group.command("finish")(lambda stream: print("finish", stream))

    def shown(*words: str) -> str:
        return CliRunner().invoke(group, words).stdout

    assert shown("a.json") == "page of a.json\n"
    assert shown("finish", "s.jsonl") == "finish s.jsonl\n"
    assert "Commands" in shown("--help")


@pytest.mark.usefixtures("sandbox")
def test_completions_travel_out_of_a_report_and_back(tmp_path, monkeypatch):
    monkeypatch.setenv("KNM_CACHE_DIR", str(tmp_path / "kept"))
    records = grammar_records(2)
    write_problems(tmp_path / "set.jsonl", records)
    results = [
        result(records[0]["question_id"], program=records[0]["reference"]),
        result(records[1]["question_id"], WRONG, program="print('nonsense')"),
    ]
    report = write_report(tmp_path / "r.json", results)
    exported = tmp_path / "c.jsonl"
    assert "2 completions" in knm("completions", "export", report.path, "--out", exported).stdout

    problems = ("--problems", tmp_path / "set.jsonl")
    process = knm("judge", "--completions", exported, *problems, "--json")
    assert json.loads(process.stdout)["passed"] == 1
    assert (tmp_path / "c-judged.json").exists()
    assert "Pass@1" in knm("judge", "--completions", exported, *problems).stdout

    other = ("judge", "--completions", exported, *problems, "--out", tmp_path / "other.json")
    assert "2 verdicts were kept from before; --fresh judges them again" in knm(*other).stderr
    again = knm(*other, "--fresh")
    assert "kept from before" not in again.stderr
    assert "Pass@1" in again.stdout
