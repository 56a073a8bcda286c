from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knm.judging import JudgementCache, KeepingSandbox
from knm.judging.attempts import judge_attempts
from knm.judging.candidates import candidate_of
from knm.problems import load_problems
from knm.sandbox import Judgement, Limits, Verdict, open_sandbox
from tests.problems.problem_files import grammar_records, write_problems
from tests.sandbox.programs import SUM, SUM_PROGRAM, cases


class Counting:
    """A sandbox that counts what it is asked, and gives a set answer if there is one."""

    def __init__(self, sandbox=None, answer: Judgement | None = None) -> None:
        self.sandbox = sandbox
        self.answer = answer
        self.asked = 0

    def judge(self, program, tests, *, limits=None, keep_io=None) -> Judgement:
        self.asked += 1
        return self.answer or self.sandbox.judge(program, tests, limits=limits, keep_io=keep_io)

    def describe(self) -> dict[str, str]:
        return {"backend": "set"} if self.sandbox is None else self.sandbox.describe()

    def close(self) -> None: ...
    def __enter__(self): ...
    def __exit__(self, *_): ...


@pytest.fixture
def kept(tmp_path) -> Iterator[JudgementCache]:
    opened = JudgementCache(tmp_path, print)
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        (SUM_PROGRAM, Verdict.ACCEPTED),
        ("print(7)", Verdict.WRONG_OUTPUT),
        ("print(", Verdict.SYNTAX_ERROR),
        ("error('no')", Verdict.RUNTIME_ERROR),
        ("while true do end", Verdict.TIMEOUT),
    ],
)
def test_what_was_judged_is_never_run_again(sandbox, kept, program, verdict):
    limits = Limits(cpu_seconds=0.2)
    counting = Counting(sandbox)
    first = KeepingSandbox(counting, kept, "lua").judge(program, SUM, limits=limits)
    again = KeepingSandbox(counting, kept, "lua").judge(program, SUM, limits=limits)
    assert first.verdict is verdict
    assert (again, counting.asked) == (first, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"program": SUM_PROGRAM + " "},
        {"tests": SUM[1:]},
        {"tests": (replace(SUM[0], output="3.0\n"), *SUM[1:])},
        {"limits": Limits(cpu_seconds=4)},
        {"keep_io": True},
    ],
)
def test_whatever_decides_a_judgement_is_part_of_what_it_is_kept_by(sandbox, kept, change):
    counting = Counting(sandbox)
    asked = {"program": SUM_PROGRAM, "tests": SUM, "limits": None, "keep_io": None}
    for settings in (asked, asked | change):
        KeepingSandbox(counting, kept, "lua").judge(**settings)
    assert counting.asked == 2


def test_so_are_language_kind_and_limits_of_the_sandbox(sandbox, kept, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("extends: lua\nout_of_memory: 'no more'\n")
    with (
        open_sandbox("unsafe") as unsafe,
        open_sandbox("local", limits=Limits(memory_bytes=1 << 28)) as small,
        open_sandbox("local", language=str(own)) as described,
    ):
        for opened, language in (
            (sandbox, "lua"),
            (unsafe, "lua"),
            (small, "lua"),
            (described, str(own)),
        ):
            counting = Counting(opened)
            KeepingSandbox(counting, kept, language).judge(SUM_PROGRAM, SUM)
            assert counting.asked == 1, opened


@pytest.mark.parametrize("part", ["_judge_hash", "_machine"])
def test_so_are_the_judge_s_own_code_and_the_machine(sandbox, kept, part, monkeypatch):
    counting = Counting(sandbox)
    KeepingSandbox(counting, kept, "lua").judge(SUM_PROGRAM, SUM)
    monkeypatch.setattr(f"knm.judging.keeping.{part}", lambda: "another")
    KeepingSandbox(counting, kept, "lua").judge(SUM_PROGRAM, SUM)
    assert counting.asked == 2


@pytest.mark.parametrize(
    "answer",
    [
        *(Judgement(verdict) for verdict in Verdict if verdict.is_infrastructure),
        Judgement(Verdict.RUNTIME_ERROR, "signal", "killed by SIGKILL"),
        Judgement(Verdict.RUNTIME_ERROR, "exit-code", "exit code 137", exit_code=137),
        Judgement(Verdict.RUNTIME_ERROR, "exit-code", "exit code -9", exit_code=-9),
        Judgement(Verdict.TIMEOUT, message="timeout"),  # as a verifier says that goes by the wall
    ],
)
def test_what_says_nothing_of_the_program_is_never_kept(kept, answer):
    counting = Counting(answer=answer)
    keeping = KeepingSandbox(counting, kept, "lua")
    assert [keeping.judge("x", SUM) for _ in range(2)] == [answer, answer]
    assert counting.asked == 2
    assert kept.figures().count == 0


def test_a_compiler_that_was_killed_is_asked_again(kept, tmp_path):
    killed = "gcc: fatal error: Killed signal terminated program cc1"
    own = tmp_path / "own.yaml"
    own.write_text(f"extends: c\ncompile: [sh, -c, 'echo {killed} >&2; exit 1']\nversion: [echo]\n")
    with open_sandbox("local", language=str(own)) as opened:
        keeping = KeepingSandbox(opened, kept, str(own))
        judgement = keeping.judge("int main(void) { return 0; }", SUM)
    assert judgement.message.endswith("Killed signal terminated program cc1")
    assert kept.figures().count == 0


def test_of_a_fresh_run_only_its_own_judgements_count(sandbox, kept):
    counting = Counting(sandbox)
    KeepingSandbox(counting, kept, "lua").judge(SUM_PROGRAM, SUM)
    created = kept._connection.execute("select created from judgements").fetchone()[0]
    later = created + 1e-3
    fresh = KeepingSandbox(counting, kept, "lua", since=later, began=later)
    for _ in range(2):
        fresh.judge(SUM_PROGRAM, SUM)
    assert (counting.asked, fresh.from_before) == (2, 0)
    usual = KeepingSandbox(counting, kept, "lua", began=later + 100)
    usual.judge(SUM_PROGRAM, SUM)
    assert (counting.asked, usual.from_before) == (2, 1)


TEXT = st.text(max_size=20)  # lone surrogates too, as programs print them


@given(
    judgement=st.builds(
        Judgement,
        st.sampled_from([each for each in Verdict if not each.is_infrastructure]),
        message=TEXT,
        got=st.none() | TEXT,
        stderr=TEXT,
        cpu_seconds=st.floats(1e-6, 10),
        peak_memory_bytes=st.integers(0, 2**62),
        lenient_accepted=st.booleans(),
    ),
    program=TEXT | st.just("print('\ud800')"),
)
def test_a_judgement_comes_back_as_it_was(tmp_path_factory, judgement, program):
    kept = JudgementCache(tmp_path_factory.mktemp("kept"), print)
    counting = Counting(answer=judgement)
    for _ in range(2):
        found = KeepingSandbox(counting, kept, "lua").judge(program, cases((program, "\udfff")))
        assert found == judgement
    kept.close()
    assert counting.asked == 1


def test_a_result_tells_how_long_judging_took_when_it_was_done(sandbox, kept, tmp_path):
    (record,) = grammar_records(1)
    (problem,) = load_problems(write_problems(tmp_path / "set.jsonl", [record])).problems
    slow = f"local t = os.clock() while os.clock() - t < 0.02 do end\n{record['reference']}"
    attempts = [candidate_of(name, slow if name == "a" else "print(", "lua") for name in "ab"]
    first, again = (
        judge_attempts(problem, attempts, KeepingSandbox(sandbox, kept, "lua")) for _ in range(2)
    )
    assert [each.judgement for each in again.samples] == [each.judgement for each in first.samples]
    assert again.samples[0].judge_seconds >= first.samples[0].judgement.wall_seconds > 0.2
    assert again.samples[1].judge_seconds < 0.2
