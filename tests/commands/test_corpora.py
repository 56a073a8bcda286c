"""`knm corpus` through Typer's runner."""

import json

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import load_corpus, save_corpus
from knm.packaged import CONTEST_PROGRAMS
from knm.sandbox import Verdict
from tests.corpora.corpora import LOOP, OTHER, RENAMED_LOOP, ids, record
from tests.problems.problem_files import grammar_records, write_problems
from tests.report.builders import result, write_report


def knm(*arguments: object):
    return CliRunner().invoke(app, ["corpus", *map(str, arguments)])


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "corpus.jsonl"
    records = [record("a", LOOP), record("b", OTHER), record("c", LOOP), record("d", RENAMED_LOOP)]
    save_corpus(path, records)
    return path


@pytest.mark.usefixtures("sandbox")
@pytest.mark.parametrize("name", ["lua_cp", "lua_utility"])
def test_generated_corpora_are_verified_and_reproducible(tmp_path, name):
    paths = [tmp_path / "a.jsonl", tmp_path / "b.jsonl.gz"]
    for path in paths:
        knm("generate", "--name", name, "--out", path, "--count", 4)
    first, second = map(load_corpus, paths)
    assert first == second
    assert [entry.id for entry in first] == [f"{name}-{number:05d}" for number in range(1, 5)]
    assert all(entry.extras["verified"] for entry in first)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--split", "bench"), "--split bench"),
        (("--name", "lua_utility", "--split", "corpus-dev"), "lua_utility has no splits"),
        (("--name", "perl"), "--name perl: unknown"),
    ],
)
def test_what_cannot_be_generated_is_refused(tmp_path, arguments, message):
    process = knm("generate", "--out", tmp_path / "x.jsonl", *arguments)
    assert message in str(process.exception)
    assert not (tmp_path / "x.jsonl").exists()


def test_a_corpus_is_described(corpus):
    told = json.loads(knm("stats", corpus, "--json").stdout)
    assert (told["records"], told["repeated"]["program"]) == (4, 1)
    assert told["sizes"]["program tokens"]["total"] > 0
    assert "nine tenths up to" in knm("stats", corpus).stdout


def test_near_duplicates_are_dropped_and_listed(corpus, tmp_path):
    out, removed = tmp_path / "out.jsonl.gz", tmp_path / "removed.jsonl"
    shown = knm("dedup", corpus, "--out", out, "--by", "renamed", "--removed", removed).stdout
    assert ids(load_corpus(out)) == ["a", "b"]
    assert "d: similar renamed, as a" in shown
    assert [json.loads(line)["record"] for line in removed.read_text().splitlines()] == ["c", "d"]


def test_what_problems_ask_for_is_dropped_and_listed(corpus, tmp_path):
    problem = {"question_id": "p", "question_content": "s", "private_test_cases": "[]"}
    problems = write_problems(tmp_path / "set.jsonl", [{**problem, "reference": OTHER}])
    out = tmp_path / "out.jsonl"
    told = json.loads(
        knm("decontaminate", corpus, "--out", out, "--problems", problems, "--json").stdout
    )
    assert ids(load_corpus(out)) == ["a", "c", "d"]
    assert told["kept"] == 3
    assert told["removed"][0] == {
        "record": "b",
        "reason": "similar program",
        "other": "p",
        "similarity": 1.0,
    }


def test_a_corpus_is_split_into_three_files(corpus, tmp_path):
    counts = json.loads(knm("split", corpus, "--out", tmp_path / "s", "--json").stdout)
    assert sum(counts.values()) == 4
    assert {path.name for path in (tmp_path / "s").iterdir()} == {
        f"{name}.jsonl" for name in counts
    }
    assert "--shares" in str(
        knm("split", corpus, "--out", tmp_path / "s", "--shares", "many").exception
    )


def test_programs_of_a_run_are_collected_and_described(tmp_path):
    problems = write_problems(tmp_path / "train.jsonl", grammar_records(2))
    first, second = (entry["question_id"] for entry in grammar_records(2))
    failing = result(second, Verdict.RUNTIME_ERROR, program="error()", error_class="error-call")
    run = write_report(tmp_path / "run.json", [result(first), failing]).path
    out = tmp_path / "out.jsonl"
    found = knm("collect", run, "--problems", problems, "--out", out, "--json")
    assert json.loads(found.stdout)["solved"] == 1
    assert len(load_corpus(out)) == 2
    told = knm("collect", run, "--problems", problems, "--out", out).stdout
    assert "1 of 2 problems" in told
    assert "error-call 1" in told
    described = json.loads(knm("stats", out, "--json").stdout)
    assert (described["problems"], described["outcomes"]) == (
        2,
        {"accepted": 1, "runtime-error": 1},
    )
    sides = json.loads(
        knm("split", out, "--out", tmp_path / "s", "--by", "problem", "--json").stdout
    )
    assert sum(sides.values()) == 2


@pytest.mark.parametrize(
    "command", [("dedup",), ("decontaminate", "--problems", "{out}"), ("split",)]
)
def test_no_corpus_is_written_over(corpus, tmp_path, command):
    name, *more = command
    before = corpus.read_bytes()
    out = tmp_path if name == "split" else corpus
    if name == "split":
        corpus = corpus.rename(tmp_path / "dev.jsonl")
    more = [word.format(out=corpus) for word in more]
    process = knm(name, corpus, "--out", out, *more, "--overwrite")
    assert f"{corpus} would be written over, and it is read" in str(process.exception)
    assert corpus.read_bytes() == before


def test_what_is_there_is_replaced_only_on_demand(corpus, tmp_path):
    out, removed = tmp_path / "out.jsonl", tmp_path / "removed.jsonl"
    removed.write_text("kept")
    arguments = ("dedup", corpus, "--out", out, "--removed", removed)
    assert "removed.jsonl exists" in str(knm(*arguments).exception)
    assert removed.read_text() == "kept"
    assert not out.exists()
    assert knm(*arguments, "--overwrite").exit_code == 0
    twice = knm("dedup", corpus, "--out", tmp_path / "x", "--removed", tmp_path / "x")
    assert "--removed: " in str(twice.exception)


def test_programs_in_foreign_syntax_are_left_out_and_counted(tmp_path):
    path, out, removed = (tmp_path / f"{name}.jsonl" for name in ("corpus", "kept", "removed"))
    save_corpus(path, [record("a", LOOP), record("b", "local n = 7 // 2\nn += 1")])
    shown = knm("filter", path, "--out", out, "--removed", removed, "--drop-python", "--json")
    assert json.loads(shown.stdout) == {
        "path": str(out),
        "kept": 1,
        "removed": 1,
        "rules": {"augmented assignment": 1, "floor division": 1},
    }
    assert ids(load_corpus(out)) == ["a"]
    assert json.loads(removed.read_text())["line"] == 1
    again = knm("filter", out, "--out", tmp_path / "again.jsonl")
    assert "give a rule: --drop-python" in str(again.exception)
    save_corpus(path, [record("b", "n += 1")])
    nothing = knm("filter", path, "--out", tmp_path / "none.jsonl", "--drop-python")
    assert "would leave no record (augmented assignment 1)" in str(nothing.exception)


def test_the_packaged_contest_programs_are_read_by_name():
    told = json.loads(knm("stats", "contest", "--json").stdout)
    assert told["records"] == len(load_corpus(CONTEST_PROGRAMS))
