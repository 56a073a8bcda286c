"""Translation against our own server, with a model that answers by script."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from knm.cli import app
from knm.corpora import CorpusRecord, decontaminate, load_corpus, save_corpus
from knm.engine import Event, OpenedEngine
from knm.errors import UserError
from knm.gathering.translation import Translated, TranslateOptions, translate
from knm.journal import journal_path
from knm.jsonio import read_jsonl
from knm.problems import fence_program, load_problems, load_template
from knm.records import Request
from knm.sandbox import Verdict
from tests.engine.configurations import completion
from tests.problems.problem_files import without_tests, write_problems
from tests.report.builders import result, write_report
from tests.serving.openai_server import OpenAIServer, answer, speaking
from tests.serving.scripted import ScriptedEngine, serving

pytestmark = pytest.mark.usefixtures("sandbox")

SUM = "n = int(input())\nprint(sum(map(int, input().split())))"
GREATEST = "n = int(input())\nprint(max(map(int, input().split())))"
LUA_SUM = """\
local n, s = io.read("*n"), 0
for _ = 1, n do s = s + io.read("*n") end
print(s)"""
LUA_GREATEST = """\
local n, g = io.read("*n"), -math.huge
for _ = 1, n do g = math.max(g, io.read("*n")) end
print(g)"""
CHEAT = 'local n = io.read("*n")\nprint(n == 3 and 6 or 21)'
"""Passes the known tests of a sum, and no other."""


class Translator(ScriptedEngine):
    """Answers each request at once, as the script says."""

    def __init__(self, answer: Callable[[Request], str]) -> None:
        super().__init__()
        self._answer = answer
        self._waiting: list[tuple[int, Request]] = []

    def accept(self, request: Request) -> int:
        if "too long" in request.prompt:
            raise UserError("the prompt is longer than the model's context")
        self.submitted.append(request)
        self._waiting.append((len(self.submitted), request))
        return len(self.submitted)

    def step(self) -> list[Event]:
        waiting, self._waiting = self._waiting, []
        if any("die" in request.prompt for _, request in waiting):
            raise RuntimeError("CUDA error")
        return [
            Event(ticket, completion=completion(request, self._answer(request)))
            for ticket, request in waiting
        ]

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    def opened(self) -> OpenedEngine:
        return OpenedEngine(
            self, lambda messages, _: "\n".join(each["content"] for each in messages)
        )


def fluent(request: Request) -> str:
    return fence_program(LUA_SUM if "print(sum" in request.prompt else LUA_GREATEST)


def problem(name: str, statement: str, *tests: tuple[str, str]) -> dict[str, str]:
    cases = [{"input": given, "output": out, "testtype": "stdin"} for given, out in tests]
    return {
        "question_id": name,
        "question_content": statement,
        "private_test_cases": json.dumps(cases),
    }


def source(name: str, program: str, statement: str = "What is it?") -> CorpusRecord:
    return CorpusRecord(f"{name}-x", statement, program, "python", "samples", problem=name)


PROBLEMS = [
    problem("sum", "Print the sum.", ("3\n1 2 3\n", "6\n"), ("2\n10 11\n", "21\n")),
    problem("greatest", "Print the greatest.", ("3\n1 7 3\n", "7\n"), ("2\n10 11\n", "11\n")),
]


@pytest.fixture
def problems(tmp_path) -> Path:
    path: Path = write_problems(tmp_path / "train.jsonl", PROBLEMS)
    return path


@pytest.fixture
def sources(tmp_path) -> Path:
    path: Path = tmp_path / "python.jsonl"
    save_corpus(path, [source("sum", SUM), source("greatest", GREATEST)])
    return path


def translated(
    engine: ScriptedEngine, problems: Path, *sources: Path, **options
) -> tuple[Translated, tuple[CorpusRecord, ...]]:
    out = problems.with_name("lua.jsonl")
    with serving(engine) as url:
        found = translate(
            TranslateOptions(sources, str(problems), out, url, workers=1, requests=4, **options)
        )
    return found, load_corpus(out) if out.exists() else ()


def test_programs_that_pass_are_kept_with_where_they_come_from(problems, sources):
    found, records = translated(Translator(fluent), problems, sources)
    assert [(entry.problem, entry.program) for entry in records] == [
        ("sum", LUA_SUM),
        ("greatest", LUA_GREATEST),
    ]
    assert {entry.language for entry in records} == {"lua"}
    assert records[0].statement == "Print the sum."
    origin = records[0].extras["translated"]
    assert origin["from"] == "sum-x"
    assert origin["known_tests"] == 2
    assert origin["known_tests"] + origin["drawn_tests"] == 5
    assert (found.records, found.translated, found.problems) == (2, 2, 2)
    assert found.attempts == {"accepted": 2}


def test_a_translation_tells_what_its_problem_was_made_of(tmp_path, sources):
    made = write_problems(tmp_path / "made.jsonl", [{**PROBLEMS[0], "of_problem": "p"}])
    _, (record,) = translated(Translator(fluent), made, sources)
    assert (record.problem, record.root_problem) == ("sum", "p")


def test_the_model_sees_statement_source_and_dialect(problems, sources):
    engine = Translator(fluent)
    translated(engine, problems, sources)
    prompts = [request.prompt for request in engine.submitted]
    assert any(f"```python\n{SUM}\n```" in prompt for prompt in prompts)
    assert all("Python 3 program" in prompt and "# Dialect" in prompt for prompt in prompts)
    assert all(request.chat for request in engine.submitted)


def test_the_system_of_the_template_is_asked_too(problems, sources):
    engine = Translator(fluent)
    _, records = translated(engine, problems, sources, prompt="ag-livecodebench-x")
    system = load_template("ag-livecodebench-x").render_system("lua")
    assert len(records) == 2
    assert all(system in request.prompt for request in engine.submitted)


def test_a_template_without_a_chat_is_refused(problems, sources):
    engine = Translator(fluent)
    with pytest.raises(UserError, match="without a chat template"):
        translated(engine, problems, sources, prompt="completion")
    assert engine.submitted == []


def test_a_program_that_passes_the_known_tests_alone_is_not_kept(problems, sources):
    found, records = translated(
        Translator(lambda request: fence_program(CHEAT)), problems, sources, attempts=2
    )
    assert records == ()
    assert found.attempts == {"wrong-output": 4}
    assert not problems.with_name("lua.jsonl").exists()


def test_later_attempts_are_sampled_and_end_with_success(problems, sources):
    def slow(request: Request) -> str:
        if request.sampling.temperature == 0:
            return "I do not know."
        return fluent(request) if request.sampling.seed >= 2 else fence_program("print(")

    engine = Translator(slow)
    found, records = translated(engine, problems, sources)
    assert len(records) == 2
    assert found.attempts == {"no-code": 2, "syntax-error": 2, "accepted": 2}
    assert records[0].extras["translated"]["attempt"] == 2
    assert {request.sampling.temperature for request in engine.submitted} == {0.0, 0.8}


def test_cost_and_yield_are_summed(problems, sources):
    found, _ = translated(Translator(fluent), problems, sources)
    journal = [entry for _, entry in read_jsonl(journal_path(problems.with_name("lua.jsonl")))]
    attempts = [attempt for entry in journal for attempt in entry["attempts"]]
    assert found.completion_tokens == sum(a["completion_tokens"] for a in attempts) > 0
    assert found.prompt_tokens == sum(a["prompt_tokens"] for a in attempts) > 0
    assert found.seconds > 0


def test_what_was_done_is_not_done_again(problems, sources):
    first = translated(Translator(fluent), problems, sources)
    engine = Translator(fluent)
    assert translated(engine, problems, sources) == first
    assert engine.submitted == []
    _, more = translated(engine, problems, sources, attempts=3)  # other settings
    assert len(engine.submitted) == 2
    assert more == first[1]


def test_records_as_asked_state_what_the_model_was_asked_and_ask_nothing_again(
    problems, sources, tmp_path
):
    stated = [("sum", SUM, "Print the sum."), ("greatest", GREATEST, "Which {is} it?")]
    save_corpus(sources, [source(*each) for each in stated])
    engine = Translator(fluent)
    found, plain = translated(engine, problems, sources)
    again = Translator(fluent)
    same, asked = translated(again, problems, sources, as_asked=True)
    assert again.submitted == []
    assert same == found
    template = load_template("contest")
    prompts = {request.prompt for request in engine.submitted}
    assert {template.render(entry.statement, "lua") for entry in asked} == prompts
    assert [replace(entry, statement="") for entry in asked] == [
        replace(entry, statement="") for entry in plain
    ]
    assert translated(again, problems, sources) == (found, plain)  # and back
    # Held-out problems are kept clear of by their own statement, whatever the records state.
    bench = write_problems(tmp_path / "bench.jsonl", [problem("b", "Print the SUM!", ("1", "1"))])
    held_out = load_problems(bench)
    assert [entry.record for entry in decontaminate(asked, held_out).removed] == [asked[0].id]
    clear, records = translated(again, problems, sources, as_asked=True, held_out=(str(bench),))
    assert (clear.removed, records) == (1, asked[1:])
    assert again.submitted == []


@pytest.mark.parametrize("other", [SUM + "  # again", SUM.replace("\n", "\n  ")])
def test_ids_that_two_sources_give_to_different_programs_are_refused(
    problems, sources, tmp_path, other
):
    twice = tmp_path / "twice.jsonl"
    save_corpus(twice, [source("sum", other)])
    with pytest.raises(UserError, match=r"twice\.jsonl: id 'sum-x' is that of another program in"):
        translated(Translator(fluent), problems, sources, twice)
    save_corpus(twice, [source("sum", SUM.replace("\n", " \r\n") + "\n")])
    found, _ = translated(Translator(fluent), problems, sources, twice, most=2)
    assert found.attempts == {"accepted": 2}


def test_an_engine_that_dies_loses_nothing_that_was_done(problems, sources, tmp_path):
    translated(Translator(fluent), problems, sources)
    fatal = problem("fatal", "Say die.", *[(f"{n}\n1\n", "1\n") for n in (1, 2)])
    write_problems(problems, [*PROBLEMS, fatal])
    more = tmp_path / "more.jsonl"
    save_corpus(more, [source("fatal", "print(1)", "Now die.")])
    engine = Translator(fluent)
    with pytest.raises(UserError, match="run the command again"):
        translated(engine, problems, sources, more)
    assert [request.prompt for request in engine.submitted if "die" not in request.prompt] == []
    assert len(load_corpus(problems.with_name("lua.jsonl"))) == 2


def test_an_engine_that_is_not_there_is_named(problems, sources):
    with pytest.raises(UserError, match=r"engine http://127\.0\.0\.1:9: cannot be reached"):
        translate(
            TranslateOptions(
                (sources,), str(problems), problems.with_name("lua.jsonl"), "http://127.0.0.1:9"
            )
        )


def test_a_prompt_that_the_engine_refuses_is_an_attempt_of_no_cost(problems, tmp_path):
    path = tmp_path / "long.jsonl"
    save_corpus(path, [source("sum", SUM, "This is too long.")])
    found, _ = translated(Translator(fluent), problems, path)
    assert found.attempts == {"refused": 1}


def test_nothing_of_a_held_out_problem_is_translated(problems, sources, tmp_path):
    bench = write_problems(
        tmp_path / "bench.jsonl",
        [{**problem("b", "What is it?", ("1", "1")), "reference": LUA_SUM}],
    )
    with pytest.raises(UserError, match="2 are like held-out problems"):
        translated(Translator(fluent), problems, sources, held_out=(str(bench),))
    other = write_problems(
        tmp_path / "other.jsonl",
        [{**problem("b", "Something else.", ("1", "1")), "reference": LUA_SUM}],
    )
    found, records = translated(Translator(fluent), problems, sources, held_out=(str(other),))
    assert [entry.problem for entry in records] == ["greatest"]
    assert found.removed == 1


def test_problems_that_cannot_be_translated_are_told_apart(tmp_path):
    single = problem("single", "Nothing to vary.", ("\n", "1\n"))
    wrong = problem("wrong", "Unsolved.", ("3\n1 2 3\n", "7\n"))
    problems = write_problems(tmp_path / "p.jsonl", [single, wrong, without_tests("none")])
    path = tmp_path / "s.jsonl"
    save_corpus(path, [source("single", "print(1)"), source("wrong", SUM), source("none", SUM)])
    engine = Translator(fluent)
    found, records = translated(engine, problems, path)
    assert (found.untested, found.unsolved, found.broken) == (1, 1, 1)
    assert records == ()
    assert engine.submitted == []


@pytest.mark.parametrize(
    ("language", "told"), [("klingon", "unknown language 'klingon'"), ("java", "neither run nor")]
)
def test_a_record_in_a_language_that_cannot_be_run_is_named(problems, tmp_path, language, told):
    odd = replace(source("greatest", "?"), language=language)
    save_corpus(tmp_path / "odd.jsonl", [source("sum", SUM), odd])
    with pytest.raises(UserError, match=f"corpus record greatest-x: .*{told}"):
        translated(Translator(fluent), problems, tmp_path / "odd.jsonl")


def test_problems_that_are_solved_already_are_left_out(problems, sources, tmp_path):
    solved = tmp_path / "solved.jsonl"
    save_corpus(solved, [CorpusRecord("a", "s", LUA_SUM, "lua", "x", problem="sum")])
    _, records = translated(Translator(fluent), problems, sources, without=solved)
    assert [entry.problem for entry in records] == ["greatest"]


def test_a_report_of_the_models_own_programs_is_a_source(problems, tmp_path):
    accepted = result("sum", program=SUM)
    failing = result("greatest", Verdict.WRONG_OUTPUT, program=GREATEST)
    report = write_report(
        tmp_path / "python.json", [accepted, failing], configuration={"language": "python"}
    )
    found, records = translated(Translator(fluent), problems, report.path)
    assert [entry.problem for entry in records] == ["sum"]
    assert found.problems == 1


def test_one_program_that_two_sources_give_is_kept_once(problems, tmp_path):
    path = tmp_path / "s.jsonl"
    other = SUM.replace("n = int(input())", "input()")
    second = CorpusRecord("sum-y", "What?", other, "python", "samples", problem="sum")
    save_corpus(path, [source("sum", SUM), second])
    found, records = translated(Translator(fluent), problems, path, most=2)
    assert found.attempts == {"accepted": 2}
    assert [entry.program for entry in records] == [LUA_SUM]


def test_what_a_server_leaves_undone_the_other_does_and_a_line_says_so(problems, sources):
    class Dead(Translator):
        def step(self) -> list[Event]:
            if self.submitted:
                raise RuntimeError("CUDA error")
            return []

    out = problems.with_name("lua.jsonl")
    said: list[str] = []
    with serving(Dead(fluent)) as dead, serving(Translator(fluent)) as living:
        options = TranslateOptions((sources,), str(problems), out, f"{dead},{living}", requests=1)
        found = translate(options, said.append)
    assert found.attempts == {"accepted": 2}
    assert [entry.program for entry in load_corpus(out)] == [LUA_SUM, LUA_GREATEST]
    assert all(line.startswith(f"{dead} is gone, the other one goes on: ") for line in said)
    assert len(said) <= 1


def test_a_server_of_another_kind_translates_too(problems, sources):
    def write(_path, body):
        prompt = body["messages"][0]["content"]
        text = "yes" if prompt == "Say yes." else fluent(Request("p", prompt))
        return answer(text, chat=True)

    out = problems.with_name("lua.jsonl")
    server = OpenAIServer(object_to=write)
    with speaking(server) as url:
        found = translate(TranslateOptions((sources,), str(problems), out, url))
    assert found.attempts == {"accepted": 2}
    assert (found.prompt_tokens, found.completion_tokens) == (14, 6)


def test_records_name_no_file_as_their_language(problems, sources, tmp_path):
    options = TranslateOptions((sources,), str(problems), tmp_path / "out.jsonl", "http://x")
    with pytest.raises(UserError, match="language: language 'own.yaml' is a file, which data"):
        translate(replace(options, language="own.yaml"))


def test_nothing_that_is_read_is_written_over(problems, sources):
    with pytest.raises(UserError, match="would be written over"):
        translate(TranslateOptions((sources,), str(problems), sources, "http://127.0.0.1:9"))


def test_the_command_tells_cost_and_yield(problems, sources, monkeypatch):
    monkeypatch.setenv("KNM_ENGINE_TOKEN", "secret")
    out = problems.with_name("lua.jsonl")
    with serving(Translator(fluent), token="secret") as url:
        arguments = ["--problems", str(problems), "--out", str(out), "--engine", url, "--as-asked"]
        told = CliRunner().invoke(
            app, ["corpus", "translate", str(sources), *arguments], catch_exceptions=False
        )
    assert "translated         2 of 2 problems" in told.stdout
    assert "attempts           2: accepted 2" in told.stdout
    assert "6 read, 10 written" in told.stdout
    assert [SUM in entry.statement for entry in load_corpus(out)] == [True, False]
