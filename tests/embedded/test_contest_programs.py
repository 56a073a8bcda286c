"""The packaged contest programs: sound, and of contests before those that people measure on."""

import re
from collections import Counter

import lupa.luajit21
import pytest

from knm.corpora import load_corpus
from knm.packaged import CONTEST_PROGRAMS, EMBEDDED_CORPUS, find_corpus

# LiveCodeBench begins with contests of May 2023.
FIRST_LATER = {"abc": 251, "arc": 160, "agc": 62, "": 1820}


@pytest.fixture(scope="module")
def programs():
    return load_corpus(CONTEST_PROGRAMS)


def test_every_program_compiles(programs):
    runtime = lupa.luajit21.LuaRuntime()
    for record in programs:
        runtime.compile(record.program)


def test_they_are_of_contests_before_those_that_are_measured_on(programs):
    for record in programs:
        contest = re.match(r"([a-z]*)(\d+)", record.problem)
        if contest is not None and contest[1] in FIRST_LATER:
            assert int(contest[2]) < FIRST_LATER[contest[1]], record.problem


def test_a_problem_has_few_of_them_and_each_says_what_it_is_for(programs):
    assert max(Counter(record.problem for record in programs).values()) <= 4
    assert all(len(record.statement) > 100 for record in programs)
    assert all(record.language == "lua" and record.passed for record in programs)


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_corpus("contest") == CONTEST_PROGRAMS
    (tmp_path / "contest").touch()
    assert str(find_corpus("contest")) == "contest"
    assert find_corpus(None, "dev") == EMBEDDED_CORPUS / "dev.jsonl"
    assert find_corpus(tmp_path / "mine.jsonl") == tmp_path / "mine.jsonl"
