import os

import pytest

from knm.judging import pool
from knm.judging.attempts import Candidate
from knm.judging.pool import open_judges
from knm.problems import load_problems
from knm.records import Completion
from knm.sandbox import Limits, SandboxUnavailable, Verdict, open_sandbox
from tests.problems.problem_files import grammar_records, write_problems
from tests.sandbox.test_local import alive, descendants, wait_until


def program(text: str | None) -> Candidate:
    return Candidate(Completion("p", text or "", "stop", 3, 5, 0.1, None), text)


def test_attempts_are_judged_together_and_a_fault_of_the_engine_is_none_of_the_model(tmp_path):
    records = grammar_records(3)
    problems = load_problems(write_problems(tmp_path / "set.jsonl", records)).problems
    solutions = [program(record["reference"]) for record in records]
    with open_judges("local", "lua", Limits(), workers=2) as judges:
        assert judges.describe()["backend"] == "local"
        pending = [
            judges.judge(problems[0], [solutions[0], program("error()")]),
            judges.judge(problems[1], [program(None)]),
            judges.judge(problems[2], [solutions[2], RuntimeError("no engine today")]),
        ]
        results = [each.result() for each in pending]
    assert [result.verdict for result in results] == [
        Verdict.ACCEPTED,
        Verdict.NO_CODE,
        Verdict.ENGINE_FAULT,
    ]
    verdicts = [sample.judgement.verdict for sample in results[0].samples]
    assert verdicts == ["accepted", "runtime-error"]
    assert results[2].judgement.message == "the engine failed: no engine today"


def test_where_a_sandbox_cannot_be_opened_the_others_are_closed(sandbox, monkeypatch):
    before, opened = set(descendants(os.getpid())), []

    def scarce(*arguments, **options):
        opened.append(arguments)
        if len(opened) == 3:
            raise SandboxUnavailable("no more of them")
        return open_sandbox(*arguments, **options)

    monkeypatch.setattr(pool, "open_sandbox", scarce)
    with (
        pytest.raises(SandboxUnavailable, match="no more of them"),
        open_judges("local", "lua", Limits(), workers=4),
    ):
        pytest.fail("one of its sandboxes is missing")
    assert len(opened) == 4
    wait_until(lambda: set(alive(descendants(os.getpid()))) <= before)
