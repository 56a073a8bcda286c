"""Function problems judged in the real sandbox: canonical solutions, and wrong ones by class."""

import pytest

from knm.errors import UserError
from knm.judging.attempts import Candidate, judge_candidate
from knm.judging.requests import problem_request
from knm.languages.language import DEFAULT_LANGUAGE
from knm.problems import load_problems, load_template
from knm.records import Completion
from knm.sandbox import Limits, Verdict, open_sandbox
from tests.problems.function_problems import COUNT, DOUBLE, SOLVED, STOPS, row
from tests.problems.problem_files import write_problems


@pytest.fixture(scope="module", params=["lua", "lua5.4"])
def sandbox(request):
    limits = Limits(cpu_seconds=1)
    with open_sandbox("local", language=request.param, limits=limits) as opened:
        yield opened


@pytest.fixture
def load(tmp_path):
    def load(*rows):
        return load_problems(write_problems(tmp_path / "functions.jsonl", list(rows)))

    return load


def judge(problem, text, sandbox):
    done = Completion(problem.question_id, text, "stop", 1, 1, 0.0, None)
    return judge_candidate(problem, Candidate.of(done, DEFAULT_LANGUAGE), sandbox)


def test_canonical_solutions_are_accepted_as_continuations_and_as_answers(load, sandbox):
    problems = load(*(solved for solved, _ in SOLVED))
    for problem, (given, body) in zip(problems, SOLVED, strict=True):
        for text in (
            body,
            f"{body}\n\nprint(1 +",  # what follows a stop token does not count
            f"Here:\n```lua\n{given['prompt']}{body}\n```\nIt works.",
            f"```lua\n{body}\n```",
        ):
            judgement = judge(problem, text, sandbox).judgement
            assert judgement.verdict is Verdict.ACCEPTED, (problem.question_id, judgement)


@pytest.mark.parametrize(
    ("body", "verdict", "error_class", "told"),
    [
        ("  return xs\nend", Verdict.WRONG_OUTPUT, None, "expected {2, 4, 6}, found {1, 2, 3}"),
        ("  return xs.none.y\nend", Verdict.RUNTIME_ERROR, "index-nil", None),
        ("  return {\nend", Verdict.SYNTAX_ERROR, None, None),
        ("  while true do end\nend", Verdict.TIMEOUT, None, None),
        ("  os.exit(0)\nend", Verdict.WRONG_OUTPUT, None, ""),
        ("   \n", Verdict.NO_CODE, None, None),
    ],
)
def test_wrong_functions_are_rejected_by_class(load, sandbox, body, verdict, error_class, told):
    (problem,) = load(DOUBLE)
    judgement = judge(problem, body, sandbox).judgement
    assert judgement.verdict is verdict
    if error_class is not None:
        assert judgement.error_class == error_class
    if told is not None:
        assert told in (judgement.got or "")


def test_an_error_names_the_line_of_the_program(load, sandbox):
    (problem,) = load(DOUBLE)
    sample = judge(problem, "  local t = nil\n  return t.x\nend", sandbox)
    assert sample.program == DOUBLE["prompt"] + "  local t = nil\n  return t.x\nend"
    assert ":4:" in sample.judgement.stderr


def test_tests_in_a_class_run_with_what_sets_them_up(load, sandbox):
    tests = (
        "lu = require('luaunit')\nTestOwn = {}\nfunction TestOwn:setUp() self.n = 3 end\n"
        "function TestOwn:test_it() lu.assertEquals(twice(self.n), 6) end\n"
        "os.exit(lu.LuaUnit.run())"
    )
    (problem,) = load({**row("own_5", "function twice(n)\n", ""), "tests": tests})
    assert judge(problem, "  return 2 * n\nend", sandbox).judgement.verdict is Verdict.ACCEPTED
    wrong = judge(problem, "  return n\nend", sandbox).judgement
    assert (wrong.verdict, wrong.got) == (
        Verdict.WRONG_OUTPUT,
        "TestOwn.test_it: expected 6, found 3\n",
    )


def test_a_function_is_asked_for_as_a_continuation_or_in_a_turn(load):
    (problem,) = load(COUNT)
    raw = problem_request(problem, load_template("completion"), "lua")
    assert (raw.prompt, raw.chat, list(raw.stop)) == (COUNT["prompt"], False, STOPS)
    turn = problem_request(problem, load_template("function"), "lua")
    assert turn.chat
    assert turn.stop == ()
    assert f"```lua\n{COUNT['prompt']}\n```" in turn.prompt
    with pytest.raises(UserError, match=r"own_2_count.*give .*function or completion"):
        problem_request(problem, load_template("task"), "lua")
    with pytest.raises(UserError, match="of the language 'lua'"):
        problem_request(problem, load_template("function"), "python")


def test_rows_without_tests_are_broken_and_stops_are_checked(load, sandbox):
    (problem,) = load({**COUNT, "tests": " "})
    assert judge(problem, "return {} end", sandbox).judgement.verdict is Verdict.BROKEN_PROBLEM
    with pytest.raises(UserError, match="'stop_tokens' is no list of texts"):
        load({**COUNT, "stop_tokens": "\n\n"})


def test_what_decides_an_outcome_is_in_the_hash_of_a_set(load):
    first = load(COUNT).content_hash
    assert load({**COUNT, "doctests": "keep"}).content_hash == first
    changes = [{"stop_tokens": []}, {"tests": COUNT["tests"] + " "}, {"prompt": "function x("}]
    others = {load(COUNT | change).content_hash for change in changes}
    assert len({first, *others}) == 4
