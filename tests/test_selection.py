"""What a completion does not depend on: which problems run with it, and by what engine."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import load_corpus
from knm.options import ServedEngineOptions
from knm.packaged import UTILITY_CORPUS
from knm.report import load_report
from tests.bench.processes import engine_server, run_bench
from tests.problems.problem_files import short_records, write_problems

pytest_plugins = ["pytester", "tests.bench.here"]

SETTINGS = ("--max-new-tokens", "32", "--batch-size", "4", "--knn")


def library_records(count: int) -> list[dict[str, Any]]:
    """Problems of another kind than the corpus's: functions of a library."""
    corpus = load_corpus(UTILITY_CORPUS / "train.jsonl")
    return [
        {
            "question_id": f"library_{number}",
            "question_content": record.statement,
            "private_test_cases": short_records(1)[0]["private_test_cases"],
        }
        for number, record in enumerate(corpus[:count])
    ]


@pytest.fixture(scope="module")
def datastore(tmp_path_factory) -> Path:
    """Of enough programs to know what it is asked for."""
    directory: Path = tmp_path_factory.mktemp("store") / "small"
    mined = CliRunner().invoke(app, ["mine", "--out", str(directory), "--limit", "40"])
    assert mined.exit_code == 0, mined.output
    return directory


@pytest.fixture(scope="module")
def urls(datastore) -> Iterator[tuple[str, str]]:
    """Two servers of the datastore, for all tests."""
    options = ServedEngineOptions(
        max_new_tokens=32, batch_size=4, knn=True, datastore=str(datastore)
    )
    with engine_server(options) as first, engine_server(options) as second:
        yield first, second


@pytest.fixture
def url(urls):
    return urls[0]


def told(path: Path) -> dict[str, tuple[Any, ...]]:
    """By problem: what was written, and what the datastore had to do with it."""
    found = {}
    for result in load_report(path).results:
        done = result.interventions
        assert done is not None
        counts = [getattr(done, name) for name in ("searched", "argmax_changes", "withheld")]
        found[result.question_id] = (result.text, *counts)
    return found


def test_a_completion_depends_on_its_problem_alone(datastore, urls, bench_here, tmp_path):
    records = [*library_records(2), *short_records(7)]
    problems = write_problems(tmp_path / "set.jsonl", records)
    common = ("--problems", problems, "--datastore", datastore, *SETTINGS)
    served = ("--engine", urls[0])
    # One run has an engine of its own, one shares two between workers.
    runs = {
        "whole": (run_bench, ()),
        "limit": (bench_here, (*served, "--limit", 2)),
        "k": (bench_here, (*served, "-k", "library_1 or " + records[-1]["question_id"])),
        "n": (run_bench, ("-n", "2", "--engine", ",".join(urls))),
    }
    said = {
        name: run(*common, *options, "--results", tmp_path / f"{name}.json", "--fresh").stdout
        for name, (run, options) in runs.items()
    }
    whole = told(tmp_path / "whole.json")
    assert len(whole) == len(records)
    assert {withheld for *_, withheld in whole.values()} == {None}
    assert all(searched for _, searched, *_ in whole.values())
    assert any(changes for _, _, changes, _ in whole.values())
    for name, count in {"limit": 2, "k": 2, "n": 9}.items():
        found = told(tmp_path / f"{name}.json")
        assert len(found) == count, said[name]
        assert found == {each: whole[each] for each in found}, name


def test_a_set_of_another_kind_is_left_to_the_model_whichever_of_it_is_run(
    datastore, url, bench_here, tmp_path
):
    own = short_records(1)
    problems = write_problems(tmp_path / "set.jsonl", [*own, *library_records(4)])
    common = ("--problems", problems, "--datastore", datastore, *SETTINGS, "--engine", url)
    for name, selected in (("limit", ("--limit", 1)), ("k", ("-k", own[0]["question_id"]))):
        results = tmp_path / f"{name}.json"
        shown = bench_here(*common, *selected, "--results", results).stdout.str()
        (found,) = told(results).values()
        assert found[1:] == (0, 0, "the datastore was mined from problems of another kind")
        assert "not used       for 1 of 1 problems: the datastore was mined from" in shown
        assert "--knn-preset dense" in shown


def test_a_server_applies_the_guard_to_whoever_asks(datastore, url, bench_here, tmp_path):
    problems = write_problems(tmp_path / "set.jsonl", short_records(2))
    results = tmp_path / "python.json"
    bench_here(
        *("--problems", problems, "--datastore", datastore, *SETTINGS, "--engine", url),
        *("--language", "python", "--results", results),
    )
    for _, searched, _, withheld in told(results).values():
        assert (searched, withheld[:34]) == (0, "the prompt asks for Python 3, the ")
