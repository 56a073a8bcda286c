"""Statements and prompts stand on a page only if they are what the run was asked."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from knm.errors import UserError
from knm.hashing import hash_bytes
from knm.problems import load_problems, load_template
from knm.report import Report
from knm.report.page import find_asked
from tests.problems.problem_files import grammar_records, write_problems
from tests.report.builders import result, write_report

TEMPLATE = load_template("task")


@pytest.fixture
def problems(tmp_path: Path) -> Path:
    return write_problems(tmp_path / "set.jsonl", grammar_records(2))


def run_of(problems: Path, path: Path, *, told: bool, **hashes: Any) -> Report:
    """A run of the problem set; its results hold the prompts' hashes if they are `told`."""
    loaded = load_problems(problems)
    results = []
    for problem in loaded:
        prompt = TEMPLATE.render(problem.question_content, "lua")
        entry = result(problem.question_id)
        results.append(replace(entry, prompt_hash=hash_bytes(prompt.encode())) if told else entry)
    settings = {"problem_set": loaded.content_hash, "prompt": TEMPLATE.content_hash, **hashes}
    return write_report(path, results, configuration={"prompt": "task"}, hashes=settings)


def test_statement_and_prompt_are_found_by_the_prompts_hash(problems: Path, tmp_path: Path) -> None:
    report = run_of(problems, tmp_path / "a.json", told=True, problem_set="of a part of the set")
    found = find_asked([report], str(problems))
    assert list(found) == [entry.question_id for entry in report.results]
    for problem in load_problems(problems):
        asked = found[problem.question_id]
        assert asked.around is not None
        before, after = asked.around
        assert asked.statement == problem.question_content
        assert before + asked.statement + after == TEMPLATE.render(asked.statement, "lua")


def test_an_older_report_goes_by_the_hash_of_its_problem_set(
    problems: Path, tmp_path: Path
) -> None:
    report = run_of(problems, tmp_path / "a.json", told=False)
    assert all(asked.around for asked in find_asked([report], str(problems)).values())
    unknown = run_of(problems, tmp_path / "b.json", told=False, prompt="of a file elsewhere")
    found = find_asked([unknown], str(problems)).values()
    assert [asked.around for asked in found] == [None, None]


def test_a_file_that_a_report_names_as_its_language_is_not_opened(
    problems: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("extends: lua\n")
    report = run_of(problems, tmp_path / "a.json", told=True)
    assert all(asked.around for asked in find_asked([report], str(problems)).values())
    report = replace(report, configuration={**report.configuration, "language": str(own)})
    found = find_asked([report], str(problems)).values()
    assert [asked.around for asked in found] == [None, None]


def test_what_was_not_asked_is_refused(problems: Path, tmp_path: Path) -> None:
    told = run_of(problems, tmp_path / "a.json", told=True)
    records = [{**each, "question_content": "Another."} for each in grammar_records(2)]
    other = write_problems(tmp_path / "other.jsonl", records)
    with pytest.raises(UserError, match=r"other\.jsonl: its statements of the 2 problems"):
        find_asked([told], str(other))
    older = run_of(problems, tmp_path / "b.json", told=False, problem_set="another")
    with pytest.raises(UserError, match="its statements of the 2 problems"):
        find_asked([older], str(problems))
    foreign = write_report(tmp_path / "c.json", [result("foreign")])
    with pytest.raises(UserError, match="has none of the problems of"):
        find_asked([foreign], str(problems))


def test_without_a_problem_set_only_the_packaged_one_is_looked_at(
    problems: Path, tmp_path: Path
) -> None:
    assert find_asked([write_report(tmp_path / "a.json", [result("foreign")])]) == {}
